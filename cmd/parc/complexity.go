package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/internal/atomicfile"
	"github.com/fastparc/fastparc/internal/complexity"
)

// newComplexityCommand returns `parc complexity`.
func newComplexityCommand(*app) *cobra.Command {
	c := &complexityCommand{}
	command := &cobra.Command{
		Use:   "complexity",
		Short: "Count what the operator costs beside self-attention and other convolutions",
		Long: `Counts multiply-adds and parameters of self-attention, 2-D global circular convolution, ParC, Fast-ParC and 7×7
depth-wise convolution, each as one layer on a feature map: the paper's Table 1 and its figure of where they cross.

Fast-ParC is counted as the engine's own plan for that length performs it, additions and multiplications that
are not fused into one as one multiply-add each; the others as sums of products.

With --model, counts them in the places where that model has ParC, in each stage, for images of the model's
size or of --resolution.`,
		Example: `  parc complexity
  parc complexity --channels 48 --resolution 14,28,56
  parc complexity --channels 96 --from 7 --to 448 --plot crossover.svg
  parc complexity --resolution 20x32 --json
  parc complexity --model convnext_xt_parc
  parc complexity --model resnet50_parc --resolution 224,320`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c.ranged = command.Flags().Changed("from") || command.Flags().Changed("to")
			if c.ranged && command.Flags().Changed("resolution") {
				return fmt.Errorf("--resolution and --from or --to: want one of them")
			}
			if c.json && c.csv {
				return fmt.Errorf("--json and --csv: want one of them")
			}
			if c.model != "" {
				for _, flag := range []string{"from", "to", "channels", "plot", "dense"} {
					if command.Flags().Changed(flag) {
						return fmt.Errorf("--model %s and --%s: want one of them", c.model, flag)
					}
				}
				if !command.Flags().Changed("resolution") {
					c.resolutions = nil
				}
				return c.runModel(command.OutOrStdout())
			}
			return c.run(command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.IntVar(&c.channels, "channels", 96, "channels of the feature maps, an even number")
	flags.StringSliceVar(&c.resolutions, "resolution", []string{"7", "14", "28", "56", "112", "224"}, "sizes of the feature maps: N or HEIGHTxWIDTH, one or more")
	flags.IntVar(&c.from, "from", 7, "first N of a range of square maps, in place of --resolution")
	flags.IntVar(&c.to, "to", 448, "last N of the range")
	flags.BoolVar(&c.dense, "dense", false, "ParC with dense kernels, which sum over channels, as in ResNet50")
	flags.StringVar(&c.model, "model", "", "count in the places where this model has ParC")
	flags.BoolVar(&c.json, "json", false, "print JSON in place of a table")
	flags.BoolVar(&c.csv, "csv", false, "print CSV in place of a table")
	flags.StringVar(&c.plot, "plot", "", "file for a plot of multiply-adds against N: .svg or .png")
	return command
}

// complexityCommand holds the flags of `parc complexity`.
type complexityCommand struct {
	channels    int
	resolutions []string
	from, to    int
	ranged      bool
	dense       bool
	model       string
	json, csv   bool
	plot        string
}

// complexityRow is what one operator costs on one map.
type complexityRow struct {
	complexity.Map
	Operator complexity.Operator `json:"operator"`
	complexity.Costs
}

func (c *complexityCommand) run(out io.Writer) error {
	maps, err := c.maps()
	if err != nil {
		return err
	}
	if c.plot != "" {
		if err := c.writePlot(maps); err != nil {
			return err
		}
	}
	var rows []complexityRow
	for _, m := range maps {
		for _, o := range complexity.Operators {
			rows = append(rows, complexityRow{m, o, o.Costs(m)})
		}
	}
	switch {
	case c.json:
		return writeComplexityJSON(out, rows)
	case c.csv:
		return writeComplexityCSV(out, rows)
	default:
		return printComplexity(out, maps)
	}
}

func writeComplexityJSON(out io.Writer, rows any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

// Up to these limits no count exceeds an int64.
const (
	largestSide  = 1 << 12
	mostChannels = 1 << 13
)

// maps returns the maps that the flags ask for.
func (c *complexityCommand) maps() ([]complexity.Map, error) {
	resolutions := c.resolutions
	if c.ranged {
		if c.from < 1 || c.from > c.to || c.to > largestSide {
			return nil, fmt.Errorf("--from %d --to %d: want a first N of 1 or more that is not above the last, and that of %d at most", c.from, c.to, largestSide)
		}
		resolutions = nil
		for n := c.from; n <= c.to; n++ {
			resolutions = append(resolutions, strconv.Itoa(n))
		}
	}
	if c.channels < 2 || c.channels%2 != 0 || c.channels > mostChannels {
		return nil, fmt.Errorf("--channels %d: want an even number from 2 to %d, as ParC halves them", c.channels, mostChannels)
	}
	var maps []complexity.Map
	for _, resolution := range resolutions {
		size, err := parseResolution(resolution)
		if err != nil {
			return nil, err
		}
		maps = append(maps, complexity.Map{Height: size[0], Width: size[1], Channels: c.channels, Dense: c.dense})
	}
	if len(maps) == 0 {
		return nil, fmt.Errorf("--resolution is empty: want N or HEIGHTxWIDTH, one or more")
	}
	return maps, nil
}

// parseResolution reads N or HEIGHTxWIDTH.
func parseResolution(resolution string) (size [2]int, err error) {
	height, width, found := strings.Cut(resolution, "x")
	if !found {
		width = height
	}
	h, errH := strconv.Atoi(height)
	w, errW := strconv.Atoi(width)
	if errH != nil || errW != nil || min(h, w) < 1 || max(h, w) > largestSide {
		return size, fmt.Errorf("--resolution %q: want N or HEIGHTxWIDTH, numbers from 1 to %d", resolution, largestSide)
	}
	return [2]int{h, w}, nil
}

// writePlot writes the plot of square maps to its file.
func (c *complexityCommand) writePlot(maps []complexity.Map) error {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.plot)), ".")
	if format != "svg" && format != "png" {
		return fmt.Errorf("--plot %s: want a file that ends in .svg or .png", c.plot)
	}
	for i, m := range maps {
		if m.Height != m.Width || i > 0 && m.Height <= maps[i-1].Height {
			return fmt.Errorf("--plot %s of a map of %d×%d: want square maps of growing N", c.plot, m.Height, m.Width)
		}
	}
	if len(maps) < 2 {
		return fmt.Errorf("--plot %s of one map: want two or more, as with --from 7 --to 448", c.plot)
	}
	return atomicfile.Write(c.plot, func(w io.Writer) error { return complexity.Plot(w, maps, format) })
}

// mostRows is how many maps a table shows of a longer range.
const mostRows = 12

// printComplexity writes a table of multiply-adds, one map a row, and one of parameters.
func printComplexity(out io.Writer, maps []complexity.Map) error {
	shown := maps
	if len(maps) > mostRows {
		shown = nil
		for i := range mostRows {
			shown = append(shown, maps[i*(len(maps)-1)/(mostRows-1)])
		}
	}
	fmt.Fprintf(out, "%d channels, one layer, one image\n", maps[0].Channels)
	for _, column := range complexityColumns {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		printOperators(w, "\n"+column.title)
		for _, m := range shown {
			fmt.Fprintf(w, "%dx%d\t", m.Height, m.Width)
			for _, o := range complexity.Operators {
				fmt.Fprintf(w, "%s\t", shortCount(column.value(o.Costs(m))))
			}
			fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// complexityColumns are the two tables.
var complexityColumns = []struct {
	title string
	value func(complexity.Costs) int64
}{
	{"MULTIPLY-ADDS", func(c complexity.Costs) int64 { return c.MultiplyAdds }},
	{"PARAMETERS", func(c complexity.Costs) int64 { return c.Parameters }},
}

// printOperators writes the first row of a table.
func printOperators(w io.Writer, title string) {
	fmt.Fprintf(w, "%s\t", title)
	for _, o := range complexity.Operators {
		fmt.Fprintf(w, "%s\t", o)
	}
	fmt.Fprintln(w)
}

// shortCount writes a number to four digits, in thousands, millions and so on.
func shortCount(n int64) string {
	if n < 10000 {
		return strconv.FormatInt(n, 10)
	}
	value, prefix := float64(n), ""
	for _, next := range []string{"k", "M", "G", "T", "P", "E"} {
		if value < 9999.5 {
			break
		}
		value, prefix = value/1000, next
	}
	digits := 0
	for limit := 1000.0; value < limit; limit /= 10 {
		digits++
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + prefix
}

// writeComplexityCSV writes one operator on one map a line.
func writeComplexityCSV(out io.Writer, rows []complexityRow) error {
	w := csv.NewWriter(out)
	lines := [][]string{{"height", "width", "channels", "operator", "multiply_adds", "parameters"}}
	for _, r := range rows {
		lines = append(lines, []string{strconv.Itoa(r.Height), strconv.Itoa(r.Width), strconv.Itoa(r.Channels), r.Operator.String(),
			strconv.FormatInt(r.MultiplyAdds, 10), strconv.FormatInt(r.Parameters, 10)})
	}
	return w.WriteAll(lines)
}
