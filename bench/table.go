package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/fastparc/fastparc/parc"
)

// Text writes the report as tables in Markdown, one for each pass, batch and number of threads.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s kernels, %s, %s UTC\n", r.Processor, r.Instructions, r.Go, r.Date.Format("2 January 2006 15:04"))
	for _, library := range Libraries() {
		if version, ok := r.Versions[library]; ok {
			fmt.Fprintf(w, "%s %s\n", library, strings.TrimPrefix(version, library+": "))
		}
	}
	for _, group := range r.groups() {
		if err := writeTable(w, group); err != nil {
			return err
		}
	}
	r.writeNotes(w)
	return nil
}

// groups divides the results into those that stand in a table together.
func (r *Report) groups() (groups [][]*Result) {
	for i := range r.Works {
		result := &r.Works[i]
		same := func(group []*Result) bool { return group[0].heading() == result.heading() }
		if at := slices.IndexFunc(groups, same); at >= 0 {
			groups[at] = append(groups[at], result)
		} else {
			groups = append(groups, []*Result{result})
		}
	}
	return groups
}

func (r *Result) heading() string {
	return fmt.Sprintf("%s along %s, batch %d, %s, ms a call", r.Pass(), r.Axis, r.Batch, threads(r.Threads))
}

// kind is what the columns of other libraries stand for: a form in the better of its layouts.
func (e Entry) kind() string {
	form, _, _ := strings.Cut(e.Method, ",")
	return e.Library + " " + form
}

// writeTable writes medians, with half the distance between the quartiles in percent for our own, and which form the engine chose.
func writeTable(w io.Writer, group []*Result) error {
	fmt.Fprintf(w, "\n%s\n\n", group[0].heading())
	methods := []string{parc.Auto.String(), parc.Spatial.String(), parc.FFT.String(), string(local)}
	methods = slices.DeleteFunc(methods, func(m string) bool { _, ok := group[0].ours(m); return !ok })
	var peers []string
	for _, result := range group {
		for _, e := range result.Entries {
			if e.Task != string(limit) && e.Library != Ours && !slices.Contains(peers, e.kind()) {
				peers = append(peers, e.kind())
			}
		}
	}
	header := append(append([]string{"shape"}, methods...), peers...)
	header = append(header, "copy", "arithmetic", "auto : limit", "best peer : auto")
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	writeRow(table, header)
	writeRow(table, slices.Repeat([]string{"---"}, len(header)))
	for _, result := range group {
		row := []string{result.Shape.String()}
		for _, method := range methods {
			e, _ := result.ours(method)
			cell := fmt.Sprintf("%s ±%.0f%%", number(e.Median), 100*e.spread())
			if method == parc.Auto.String() && result.Chosen != "" {
				cell += " " + result.Chosen
			}
			row = append(row, cell)
		}
		for _, kind := range peers {
			row = append(row, number(result.medianOf(kind)))
		}
		auto, _ := result.ours(parc.Auto.String())
		row = append(row, number(result.copyTime()), number(result.arithmetic()), number(auto.Median/result.limit()))
		ratio := ""
		if best, ok := result.bestPeer(circular); ok {
			ratio = number(best.Median / auto.Median)
		}
		writeRow(table, append(row, ratio))
	}
	return table.Flush()
}

// medianOf returns the time of a column, 0 where there is none.
func (r *Result) medianOf(kind string) float64 {
	for _, t := range []task{circular, local} {
		if e, ok := r.best(t, func(e Entry) bool { return e.kind() == kind }); ok {
			return e.Median
		}
	}
	return 0
}

func writeRow(w io.Writer, cells []string) {
	fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| "))
}

// number writes three digits that count, and nothing for 0.
func number(x float64) string {
	switch {
	case x == 0:
		return ""
	case x < 99.95:
		return strconv.FormatFloat(x, 'g', 3, 64)
	default:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
}

// mostChoiceLoss is how much slower the engine's choice may be than the better form.
const mostChoiceLoss = 0.1

// mostStolen is the part of the processor time that others may take without a word about it.
const mostStolen = 0.01

// writeNotes says how far the times are to be trusted, who was left out, and where the engine's choice of the form was wrong.
func (r *Report) writeNotes(w io.Writer) {
	fmt.Fprintln(w)
	if r.Stolen > mostStolen {
		fmt.Fprintf(w, "other tenants of the machine took %.0f %% of the processor time: calls on several threads, which wait for the last one, suffer most\n", 100*r.Stolen)
	}
	for _, result := range r.Works {
		for _, reason := range result.LeftOut {
			fmt.Fprintf(w, "left out of %s: %s\n", result.Work, reason)
		}
		if note := result.choiceNote(); note != "" {
			fmt.Fprintln(w, note)
		}
	}
}
