package costs

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

var parts = []Part{Forward, KernelGradient, Gradients, Packing}

// each calls f with every table that the program has.
func each(t *testing.T, f func(t *testing.T, table *Table)) {
	t.Helper()
	entries, err := files.ReadDir(".")
	if err != nil || len(entries) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			data, err := files.ReadFile(entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			table := &Table{}
			if err := json.Unmarshal(data, table); err != nil {
				t.Fatal(err)
			}
			f(t, table)
		})
	}
}

func TestTablesAreComplete(t *testing.T) {
	each(t, func(t *testing.T, table *Table) {
		if table.Processor == "" || table.Instructions == "" || !slices.IsSorted(table.Lengths) || len(table.Transforms) != len(table.Lengths) {
			t.Errorf("processor %q, instructions %q, %d lengths, %d transforms", table.Processor, table.Instructions, len(table.Lengths), len(table.Transforms))
		}
		for name, size := range table.Streamed.Sizes() {
			if *size < 1<<20 {
				t.Errorf("%s: tensors of %d bytes are written past the caches", name, *size)
			}
		}
		for _, c := range table.Curves {
			if len(c.Direct) != len(table.Lengths) || len(c.Frequencies) != len(table.Lengths) {
				t.Errorf("%s along %s, %d channels: %d and %d times, want %d", c.Part, c.Axis, c.Channels, len(c.Direct), len(c.Frequencies), len(table.Lengths))
			}
			if slices.Min(c.Direct) < 1 || slices.Min(c.Frequencies) < 1 {
				t.Errorf("%s along %s, %d channels: a time is not positive", c.Part, c.Axis, c.Channels)
			}
		}
	})
}

func TestLengthsOfAllKindsHaveAPrediction(t *testing.T) {
	each(t, func(t *testing.T, table *Table) {
		for n := 1; n <= 4096; n += 1 + n/1024*7 { // a length takes milliseconds to plan
			for _, channels := range []int{1, 5, 16, 24, 384} {
				for _, axis := range []kernel.Axis{kernel.Height, kernel.Width} {
					for _, part := range parts {
						direct, frequencies := table.Predict(part, line(axis, n, channels))
						if !(direct > 0 && frequencies > 0) || math.IsInf(direct+frequencies, 0) {
							t.Fatalf("%s of length %d, %d channels, along %s: %g and %g ns", part, n, channels, AxisName(axis), direct, frequencies)
						}
					}
				}
			}
		}
	})
}

// TestTimesGrowAsTheAlgorithmsDo: eight times as long, the direct sums take about eight times as long for each element,
// and the transforms hardly longer.
func TestTimesGrowAsTheAlgorithmsDo(t *testing.T) {
	each(t, func(t *testing.T, table *Table) {
		for _, part := range []Part{Forward, KernelGradient, Gradients} {
			for n := 128; n <= 512; n += 61 {
				d1, f1 := table.Predict(part, line(kernel.Height, n, 16))
				d8, f8 := table.Predict(part, line(kernel.Height, 8*n, 16))
				d, f := d8/d1/8, f8/f1/8
				if d < 3 || d > 24 || f < 0.3 || f > 6 {
					t.Errorf("%s from length %d to %d: direct grows %g times for each element, through the frequencies %g times", part, n, 8*n, d, f)
				}
			}
		}
	})
}

func TestPredictionsMeetTheTableAndLieBetweenItsLengths(t *testing.T) {
	lengths, times := []int{8, 16, 32}, []int{10, 20, 60}
	all := func(int) bool { return true }
	for _, c := range []struct {
		n    int
		want float64
	}{{4, 10}, {8, 10}, {12, 15}, {16, 20}, {24, 40}, {32, 60}, {48, 60}} {
		if got := interpolate(c.n, lengths, times, all); got != c.want {
			t.Errorf("at %d: %g, want %g", c.n, got, c.want)
		}
	}
}

func line(axis kernel.Axis, n, channels int) kernel.Circular {
	c := kernel.Circular{Batch: 1, H: n, W: 2, C: channels, Axis: axis, InStride: channels, OutStride: channels}
	if axis == kernel.Width {
		c.H, c.W = 2, n
	}
	return c
}
