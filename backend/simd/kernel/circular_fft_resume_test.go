package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestCircularFFTTakesWhatIsNewInTheSameSlices computes again and again from the same slices, in which all numbers are new,
// terms come and go, and some are NaN: what a run remembers from one call to the next must not depend on numbers.
func TestCircularFFTTakesWhatIsNewInTheSameSlices(t *testing.T) {
	for _, c := range []Circular{
		{Batch: 2, H: 28, W: 10, C: 24, Axis: Height, InStride: 24, OutStride: 24},
		{Batch: 1, H: 56, W: 9, C: 16, Axis: Height, InStride: 16, OutStride: 16},
		{Batch: 1, H: 5, W: 29, C: 20, Axis: Width, InStride: 20, OutStride: 24},
	} {
		f := CircularFFT{Circular: c}
		g := CircularFFTGradients{CircularFFTGradient{f}, c.C}
		k := g.CircularFFTGradient
		sums := mostOfLevels(func() int { return k.Units() * k.productSize() })
		for _, o := range []struct {
			name  string
			sizes []int // of what comes out
			units func() int
			run   func(out [][]float32, v, x, packed, pe []float32, lo, hi int, scratch []float32)
		}{
			{"convolution", []int{c.span(c.OutStride)}, f.Units, func(out [][]float32, _, x, packed, _ []float32, lo, hi int, scratch []float32) {
				f.Run(out[0], x, packed, lo, hi, scratch)
			}},
			{"gradients", []int{c.span(c.C), sums, mostOfLevels(g.SumSize)}, g.Units, func(out [][]float32, v, x, packed, _ []float32, lo, hi int, scratch []float32) {
				g.Run(out[0], out[1], out[2], v, x, packed, lo, hi, scratch)
			}},
			{"kernel gradient", []int{sums}, k.Units, func(out [][]float32, v, x, _, pe []float32, lo, hi int, scratch []float32) {
				k.Run(out[0], v, x, pe, lo, hi, scratch)
			}},
		} {
			t.Run(fmt.Sprintf("%s of %+v", o.name, c), func(t *testing.T) {
				r := seeded(t)
				fresh := func() [][]float32 {
					var out [][]float32
					for _, size := range o.sizes {
						out = append(out, make([]float32, size))
					}
					return out
				}
				type round struct {
					level            Level
					v, x, packed, pe []float32
					out              [][]float32
				}
				scratchSize := mostOfLevels(func() int { return max(f.ScratchSize(), g.ScratchSize(), k.ScratchSize()) })
				v, x, w := make([]float32, c.span(c.OutStride)), make([]float32, c.span(c.InStride)), make([]float32, c.length()*c.C)
				out, packed, scratch := fresh(), make([]float32, mostOfLevels(f.PackedSize)), make([]float32, scratchSize)
				var rounds []round
				eachLevel(t, func(t *testing.T) {
					for _, values := range out { // a level may leave some of them
						clear(values)
					}
					for i := range 4 { // all calls that follow each other are on the same slices
						for _, numbers := range [][]float32{v, x, w} {
							normal(r, numbers)
						}
						if i == 2 {
							x[0], v[0] = float32(math.NaN()), float32(math.Inf(1))
						}
						var pe []float32
						if i%2 == 0 {
							pe = w
						}
						f.Pack(packed, w, CircularTerms{Embedding: pe}, 0, f.PackUnits())
						units := o.units()
						o.run(out, v, x, packed, pe, 0, units/2, scratch)
						o.run(out, v, x, packed, pe, units/2, units, scratch)
						done := round{level, slices.Clone(v), slices.Clone(x), slices.Clone(packed), slices.Clone(pe), nil}
						for _, values := range out {
							done.out = append(done.out, slices.Clone(values))
						}
						rounds = append(rounds, done)
					}
				})
				eachLevel(t, func(t *testing.T) {
					for i, d := range rounds {
						if d.level != level {
							continue
						}
						want := fresh()
						o.run(want, d.v, d.x, d.packed, d.pe, 0, o.units(), make([]float32, scratchSize))
						for j := range want {
							for at, value := range want[j] {
								if got := d.out[j][at]; math.Float32bits(got) != math.Float32bits(value) && !(got != got && value != value) {
									t.Fatalf("round %d: value %d of result %d is %g, want %g as in slices of their own", i, at, j, got, value)
								}
							}
						}
					}
				})
			})
		}
	}
}

// TestCircularFFTGoesOnPastTheCaches computes from the same slices to the caches and past them: what a run remembers of one
// must not be taken for the other.
func TestCircularFFTGoesOnPastTheCaches(t *testing.T) {
	r := seeded(t)
	c := Circular{Batch: 1, H: 448, W: 32, C: 6, Axis: Height, InStride: 6, OutStride: 6}
	kept := CircularFFT{Circular: c}
	streamed := CircularFFT{Circular: c, Streamed: true}
	if kept.ScratchSize() == streamed.ScratchSize() {
		t.Fatal("nothing is written past the caches")
	}
	x, w := normal(r, make([]float32, c.span(c.InStride))), normal(r, make([]float32, c.length()*c.C))
	out, packed := make([]float32, c.span(c.OutStride)+lanes), make([]float32, kept.PackedSize())
	for !aligned(out) {
		out = out[1:]
	}
	out = out[:c.span(c.OutStride)]
	scratch := make([]float32, max(kept.ScratchSize(), streamed.ScratchSize()))
	kept.Pack(packed, w, CircularTerms{}, 0, kept.PackUnits())
	var want []float32
	for i, f := range []CircularFFT{kept, streamed, kept, streamed} {
		clear(out)
		f.Run(out, x, packed, 0, f.Units(), scratch)
		if i == 0 {
			want = slices.Clone(out)
		}
		if !slices.Equal(out, want) {
			t.Errorf("call %d, past the caches: %t, computes something else", i, f.Streamed)
		}
	}
}
