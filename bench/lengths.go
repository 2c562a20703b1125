package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/fastparc/fastparc/parc"
)

// nanosecondsEach returns the time for each element of the input, of the form that the engine chooses.
func (r *Result) nanosecondsEach() float64 {
	auto, _ := r.ours(parc.Auto.String())
	return 1e6 * auto.Median / float64(r.Elements())
}

// growthAllowance is how much more than the logarithm of N the time of an element may grow.
const growthAllowance = 1.2

// GrowthText writes how the time for each element grows with N, from the shortest on, beside N's logarithm.
func (r *Report) GrowthText(w io.Writer) error {
	for _, group := range r.groups() {
		if len(group) < 2 {
			continue
		}
		fmt.Fprintf(w, "\n%s: time for each element\n\n", group[0].Pass())
		table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
		writeRow(table, []string{"N", "batch", "ns", "grown by", "log N grown by", "within 20 % of that"})
		writeRow(table, slices.Repeat([]string{"---"}, 6))
		first := group[0]
		for _, result := range group {
			grown := result.nanosecondsEach() / first.nanosecondsEach()
			logarithm := math.Log(float64(result.Length())) / math.Log(float64(first.Length()))
			within := "yes"
			if grown > growthAllowance*logarithm {
				within = "no"
			}
			writeRow(table, []string{fmt.Sprint(result.Length()), fmt.Sprint(result.Batch), number(result.nanosecondsEach()), number(grown), number(logarithm), within})
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// near is by which factor lengths may differ that are compared.
const near = 1.25

// LengthsText writes which lengths take longest for each element, beside the fastest near them.
func (r *Report) LengthsText(w io.Writer) error {
	const shown = 10
	for _, group := range r.groups() {
		type slow struct {
			n, beside   int
			each, ratio float64
		}
		var all []slow
		for _, result := range group {
			s := slow{n: result.Length(), each: result.nanosecondsEach()}
			for _, other := range group {
				ratio := s.each / other.nanosecondsEach()
				factor := float64(other.Length()) / float64(s.n)
				if factor <= near && factor >= 1/near && ratio > s.ratio {
					s.ratio, s.beside = ratio, other.Length()
				}
			}
			all = append(all, s)
		}
		slices.SortStableFunc(all, func(a, b slow) int { return cmp.Compare(b.ratio, a.ratio) })
		fmt.Fprintf(w, "\n%s along %s, batch %d, %s, %d lengths: the slowest for each element\n\n",
			group[0].Pass(), group[0].Axis, group[0].Batch, threads(group[0].Threads), len(group))
		table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
		writeRow(table, []string{"N", "ns", "times the fastest near it", "which is N"})
		writeRow(table, slices.Repeat([]string{"---"}, 4))
		for _, s := range all[:min(shown, len(all))] {
			writeRow(table, []string{fmt.Sprint(s.n), number(s.each), number(s.ratio), fmt.Sprint(s.beside)})
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}
