package bench

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/parc"
)

// BenchmarkOperator times the operator in the form that the engine chooses, through the whole engine.
func BenchmarkOperator(b *testing.B) {
	shapes, err := Set("table")
	if err != nil {
		b.Fatal(err)
	}
	backend, err := openEngine(runtime.GOMAXPROCS(0))
	if err != nil {
		b.Fatal(err)
	}
	defer backend.Finalize()
	for _, shape := range shapes {
		for _, batch := range []int{1, 8} {
			for _, training := range []bool{false, true} {
				w := Work{Shape: shape, Batch: batch, Training: training, Threads: runtime.GOMAXPROCS(0)}
				b.Run(fmt.Sprintf("%s/batch=%d/%s", shape, batch, w.Pass()), func(b *testing.B) {
					entrants, err := w.ours(backend, w.operands(), true)
					if err != nil {
						b.Fatal(err)
					}
					e := entrants[0].contender.(*engine)
					b.SetBytes(int64(4 * w.Elements()))
					for b.Loop() {
						outputs, err := e.call()
						if err == nil {
							err = finalize(outputs)
						}
						if err != nil {
							b.Fatal(err)
						}
					}
					if err := e.close(); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	}
}

// TestPeersComputeTheOperator holds that every library that is installed computes the same as this engine.
func TestPeersComputeTheOperator(t *testing.T) {
	var works []Work
	for _, axis := range []parc.Axis{parc.Height, parc.Width} {
		for _, training := range []bool{false, true} {
			works = append(works, Work{Shape: Shape{5, 6, 3}, Batch: 2, Axis: axis, Training: training, Threads: 1})
		}
	}
	report, err := Run(t.Context(), works, Options{Rounds: 1, Peers: Libraries()})
	if err != nil {
		t.Fatal(err)
	}
	for library, version := range report.Versions {
		t.Logf("%s: %s", library, version)
	}
	for _, result := range report.Works {
		for _, reason := range result.LeftOut {
			t.Errorf("%s: left out: %s", result.Work, reason)
		}
		if result.Chosen == "" {
			t.Errorf("%s: which form the engine chose is not known", result.Work)
		}
	}
}

func TestTheChosenFormIsKnownByItsBits(t *testing.T) {
	spatial, fft := results{"y": {1, 2}, "gradient of x": {3}}, results{"y": {1, 2.0000002}, "gradient of x": {3.0000002}}
	for _, c := range []struct {
		auto results
		want string
	}{
		{results{"y": {1, 2}, "gradient of x": {3}}, "spatial"},
		{results{"y": {1, 2.0000002}, "gradient of x": {3.0000002}}, "fft"},
		{results{"y": {1, 2.0000002}, "gradient of x": {3}}, "fft and spatial"},
		{results{"y": {1, 2.5}, "gradient of x": {3}}, "spatial"},
		{results{"y": {5, 5}, "gradient of x": {5}}, ""},
	} {
		if got := (ourResults{"spatial": spatial, "fft": fft, "auto": c.auto}).chosen(); got != c.want {
			t.Errorf("%v: %q, want %q", c.auto, got, c.want)
		}
	}
}

// TestWorksTakeTurnsWhereTheyAreCompared holds that with ChoiceOnly each round goes through all works.
func TestWorksTakeTurnsWhereTheyAreCompared(t *testing.T) {
	works := []Work{{Shape: Shape{3, 2, 1}, Batch: 1, Threads: 1}, {Shape: Shape{4, 2, 1}, Batch: 1, Threads: 1}}
	var order []string
	report, err := Run(t.Context(), works, Options{Rounds: 3, ChoiceOnly: true, Progress: func(part float64, next string) {
		if len(order) == 0 || order[len(order)-1] != next {
			order = append(order, next)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := works[0].String(), works[1].String()
	if want := []string{a, b, a, b, a, b}; !slices.Equal(order, want) {
		t.Errorf("the order is %q, want %q", order, want)
	}
	for i, result := range report.Works {
		if result.Work != works[i] || len(result.Entries) != 1 || result.Entries[0].Rounds != 3 {
			t.Errorf("result %d is %+v, want %s in three rounds", i, result, works[i])
		}
	}
}

func TestDifferencesAreFoundWhereverTheyAre(t *testing.T) {
	want := results{"y": {1, -4, 2}, "gradient of x": {0, 0}}
	for _, c := range []struct {
		got  results
		want float64
	}{
		{results{"y": {1, -4, 2}, "gradient of x": {0, 0}}, 0},
		{results{"y": {1, -3, 2}, "gradient of x": {0, 0}}, 0.25},
		{results{"y": {1, -4, 2}, "gradient of x": {0, 1}}, math.Inf(1)},
		{results{"y": {1, float32(math.NaN()), 2}, "gradient of x": {0, 0}}, math.Inf(1)},
		{results{"y": {1, -4}, "gradient of x": {0, 0}}, math.Inf(1)},
		{results{"y": {1, -4, 2}}, math.Inf(1)},
	} {
		if got := c.got.difference(want); got != c.want {
			t.Errorf("%v differs from %v by %g, want %g", c.got, want, got, c.want)
		}
	}
}

func TestQuartiles(t *testing.T) {
	got := timingOf([]float64{4, 1, 3, 2, 5})
	if want := (Timing{Median: 3, Low: 2, High: 4, Rounds: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := timingOf([]float64{7}); got.Low != 7 || got.Median != 7 || got.High != 7 {
		t.Errorf("of one: %+v", got)
	}
}

// resultOf returns a result with these times of our forms, and of a peer.
func resultOf(n int, spatial, fft, auto, peer float64) Result {
	entry := func(library, method string, median float64) Entry {
		return Entry{Library: library, Method: method, Task: string(circular), Timing: Timing{Median: median, Low: median, High: median, Rounds: 3}}
	}
	return Result{
		Work: Work{Shape: Shape{n, n, 16}, Batch: 1, Threads: 1},
		Entries: []Entry{
			entry(Ours, "spatial", spatial), entry(Ours, "fft", fft), entry(Ours, "auto", auto),
			entry("torch", "spatial, contiguous", 2*peer), entry("torch", "spatial, channels-last", peer),
		},
	}
}

func TestTablesShowTheBetterLayoutAndWrongChoices(t *testing.T) {
	report := newReport(Options{Rounds: 3})
	report.Works = []Result{resultOf(8, 1, 2, 1.05, 4.2), resultOf(16, 2, 1, 2, 4), resultOf(32, 2, 1, 1.5, 4), resultOf(64, 2, 1, 1.2, 4)}
	report.Works[1].Chosen, report.Works[2].Chosen = "spatial", "fft"
	var out bytes.Buffer
	if err := report.Text(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, part := range []string{
		"torch spatial", "| 4.2 ", "| 4 ", "| 2 ±0% spatial ",
		"choice, spatial, takes 100 % longer than the better form, fft: 16x16x16",
		"choice is the better form, fft, and took 50 % longer than where it was asked for: so far do times scatter: 32x32x16",
		"choice, takes 20 % longer than the better form, fft: 64x64x16",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Count(text, "longer than") != 3 {
		t.Errorf("not three choices are named in\n%s", text)
	}
}

func TestSlowLengthsAreNamedWithTheFastestNearThem(t *testing.T) {
	report := newReport(Options{Rounds: 3})
	report.Works = []Result{resultOf(8, 0, 0, 64, 0), resultOf(9, 0, 0, 3*81, 0), resultOf(40, 0, 0, 100, 0)}
	var out bytes.Buffer
	if err := report.LengthsText(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ReplaceAll(out.String(), " ", ""), "|9|187500|3|8|") {
		t.Errorf("length 9 takes three times as long as 8 for each element, but:\n%s", out.String())
	}
}
