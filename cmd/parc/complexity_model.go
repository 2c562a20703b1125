package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/fastparc/fastparc/internal/complexity"
	"github.com/fastparc/fastparc/models"
)

// modelComplexityRow is what one operator costs in one place of a model. The place "whole model" is the model with the
// operator in all places.
type modelComplexityRow struct {
	Model    string              `json:"model"`
	Image    [2]int              `json:"image_size"`
	Operator complexity.Operator `json:"operator"`
	complexity.Place
	complexity.Costs
}

// wholeModel stands for the name of a stage.
const wholeModel = "whole model"

func (c *complexityCommand) runModel(out io.Writer) error {
	sizes := [][2]int{{}} // the model's own
	if len(c.resolutions) > 0 {
		sizes = nil
	}
	for _, resolution := range c.resolutions {
		size, err := parseResolution(resolution)
		if err != nil {
			return err
		}
		sizes = append(sizes, size)
	}
	var rows []modelComplexityRow
	for _, size := range sizes {
		m, err := models.New(c.model, models.Options{ImageSize: size})
		if err != nil {
			return err
		}
		more, err := modelComplexity(m)
		if err != nil {
			return fmt.Errorf("--model %w", err)
		}
		rows = append(rows, more...)
	}
	switch {
	case c.json:
		return writeComplexityJSON(out, rows)
	case c.csv:
		return writeModelCSV(out, rows)
	default:
		return printModelComplexity(out, rows)
	}
}

// modelComplexity returns the rows of each place, and those of the whole model, each with all operators in order.
func modelComplexity(m *models.Model) ([]modelComplexityRow, error) {
	places, err := complexity.Places(m)
	if err != nil {
		return nil, err
	}
	var rows []modelComplexityRow
	costs := m.Costs()
	whole := make([]complexity.Costs, len(complexity.Operators))
	for i := range whole {
		whole[i] = complexity.Costs{MultiplyAdds: costs.MACs, Parameters: costs.Parameters}
	}
	for _, place := range places {
		built := place.Costs(complexity.ParC)
		for i, o := range complexity.Operators {
			other := place.Costs(o)
			rows = append(rows, modelComplexityRow{m.Name(), m.Options().ImageSize, o, place, other})
			whole[i].MultiplyAdds += other.MultiplyAdds - built.MultiplyAdds
			whole[i].Parameters += other.Parameters - place.Built
		}
	}
	for i, o := range complexity.Operators {
		rows = append(rows, modelComplexityRow{m.Name(), m.Options().ImageSize, o, complexity.Place{Stage: wholeModel}, whole[i]})
	}
	return rows, nil
}

// printModelComplexity writes a table of multiply-adds with a row for each place, and one of parameters.
func printModelComplexity(out io.Writer, rows []modelComplexityRow) error {
	fmt.Fprintf(out, "%s, one image, each operator in the places of ParC\n", rows[0].Model)
	for _, column := range complexityColumns {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "\nIMAGE\tSTAGE\t")
		printOperators(w, column.title)
		for i, row := range rows {
			if i%len(complexity.Operators) == 0 {
				fmt.Fprintf(w, "%dx%d\t%s\t%s\t", row.Image[0], row.Image[1], row.Stage, placeName(row.Place))
			}
			fmt.Fprintf(w, "%s\t", shortCount(column.value(row.Costs)))
			if i%len(complexity.Operators) == len(complexity.Operators)-1 {
				fmt.Fprintln(w)
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// placeName writes how often a stage has which map.
func placeName(p complexity.Place) string {
	switch {
	case p.Count == 0:
		return ""
	case p.Dense:
		return fmt.Sprintf("%d of %s, dense", p.Count, p.Map)
	default:
		return fmt.Sprintf("%d of %s", p.Count, p.Map)
	}
}

// writeModelCSV writes one operator in one place a line.
func writeModelCSV(out io.Writer, rows []modelComplexityRow) error {
	w := csv.NewWriter(out)
	lines := [][]string{{"model", "image_height", "image_width", "stage", "count", "height", "width", "channels", "dense", "operator", "multiply_adds", "parameters"}}
	for _, r := range rows {
		line := []string{r.Model, strconv.Itoa(r.Image[0]), strconv.Itoa(r.Image[1]), r.Stage, strconv.Itoa(r.Count),
			strconv.Itoa(r.Height), strconv.Itoa(r.Width), strconv.Itoa(r.Channels), strconv.FormatBool(r.Dense), r.Operator.String(),
			strconv.FormatInt(r.MultiplyAdds, 10), strconv.FormatInt(r.Parameters, 10)}
		lines = append(lines, line)
	}
	return w.WriteAll(lines)
}
