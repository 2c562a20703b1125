package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func mapsOf(batch, h, w, c int) CircularGlobal { return CircularGlobal{Batch: batch, H: h, W: w, C: c} }

// circularGlobalCases returns maps of all small heights, with all kinds of widths and channels.
func circularGlobalCases(r *rand.Rand) []CircularGlobal {
	channels := []int{1, 3, 16, 17, 40}
	cases := []CircularGlobal{mapsOf(1, 1, 1, 1), mapsOf(2, 1, 17, 3), mapsOf(1, 19, 1, 16), mapsOf(2, 17, 19, 16), mapsOf(1, 25, 32, 16),
		mapsOf(1, 49, 6, 17), mapsOf(3, 23, 2, 16), mapsOf(1, 8, 64, 16)}
	for h := 1; h <= 20; h++ {
		cases = append(cases, mapsOf(1+r.IntN(3), h, 1+r.IntN(20), channels[r.IntN(len(channels))]))
	}
	return cases
}

// eachTap calls f with the indices of an output, of an element of the kernel and of the input that meet.
func (c *CircularGlobal) eachTap(f func(o, k, i int)) {
	for image := range c.Batch {
		for at := range c.H * c.W {
			i, j := at/c.W, at%c.W
			for tap := range c.H * c.W {
				from := (i+tap/c.W)%c.H*c.W + (j+tap%c.W)%c.W
				for channel := range c.C {
					f(image*c.mapSize()+at*c.C+channel, tap*c.C+channel, image*c.mapSize()+from*c.C+channel)
				}
			}
		}
	}
}

func TestCircularGlobalIsTheSumOverTheMap(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularGlobalCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				x, _ := guardedSlice(t, c.Batch*c.mapSize(), r.IntN(16))
				w, _ := guardedSlice(t, c.mapSize(), r.IntN(16))
				normal(r, x)
				normal(r, w)
				var bias, table []float32
				if i%2 == 1 {
					bias = normal(r, make([]float32, c.C))
				}
				if c.Table = i/2%2 == 1; c.Table {
					table = normal(r, make([]float32, c.mapSize()))
				}
				want := make([]float64, len(x))
				for o := range want {
					if bias != nil {
						want[o] = float64(bias[o%c.C])
					}
					if table != nil {
						want[o] += float64(table[o%c.mapSize()])
					}
				}
				c.eachTap(func(o, k, i int) { want[o] += float64(w[k]) * float64(x[i]) })
				packed := sameForAnySplit(t, c.PackedSize(), c.PackUnits(), c.PackScratchSize(), func(packed []float32, lo, hi int, scratch []float32) {
					c.Pack(packed, w, bias, table, lo, hi, scratch)
				})
				got := sameForAnySplit(t, len(x), c.Units(), c.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					c.Run(out, x, packed, lo, hi, scratch)
				})
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularGlobalInputGradientIsTheTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularGlobalCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				v, w := normal(r, make([]float32, c.Batch*c.mapSize())), normal(r, make([]float32, c.mapSize()))
				want := make([]float64, len(v))
				c.eachTap(func(o, k, i int) { want[i] += float64(w[k]) * float64(v[o]) })
				packed := sameForAnySplit(t, c.PackedSize(), c.PackUnits(), c.PackScratchSize(), func(packed []float32, lo, hi int, scratch []float32) {
					c.PackReversed(packed, w, lo, hi, scratch)
				})
				got := make([]float32, len(v))
				c.Run(got, v, packed, 0, c.Units(), make([]float32, c.ScratchSize()))
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularGlobalKernelGradientIsTheSumOverImages(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularGlobalCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				v, x := normal(r, make([]float32, c.Batch*c.mapSize())), normal(r, make([]float32, c.Batch*c.mapSize()))
				want := make([]float64, c.mapSize())
				c.eachTap(func(o, k, i int) { want[k] += float64(v[o]) * float64(x[i]) })
				g := CircularGlobalGradient{c}
				partial := sameForAnySplit(t, g.PartialSize(), g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(out, v, x, lo, hi, scratch)
				})
				got, check := guardedSlice(t, len(want), 3)
				g.Combine(got, partial)
				check()
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularGlobalKeepsNaNAndInfinityInTheirMap(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, wrong := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, c := range []CircularGlobal{mapsOf(2, 14, 14, 16), mapsOf(3, 7, 5, 20), mapsOf(2, 17, 6, 3), mapsOf(2, 1, 9, 17)} {
				t.Run(fmt.Sprintf("%g %+v", wrong, c), func(t *testing.T) {
					x, w := normal(r, make([]float32, c.Batch*c.mapSize())), normal(r, make([]float32, c.mapSize()))
					c.Table = true
					packed, scratch := make([]float32, c.PackedSize()), make([]float32, c.ScratchSize())
					out, want := make([]float32, len(x)), make([]float32, len(x))
					c.Pack(packed, w, nil, w, 0, c.PackUnits(), scratch)
					c.Run(want, x, packed, 0, c.Units(), scratch)
					at := r.IntN(len(x))
					x[at] = float32(wrong)
					c.Run(out, x, packed, 0, c.Units(), scratch)
					for o, y := range out {
						hit, finite := o%c.C == at%c.C && o/c.mapSize() == at/c.mapSize(), !math.IsNaN(float64(y-y))
						if hit && finite || !hit && y != want[o] {
							t.Fatalf("value %d is %g, %g without, after value %d", o, y, want[o], at)
						}
					}
				})
			}
		}
	})
}

func TestCircularGlobalPaysForMapsThatAreNotSmall(t *testing.T) {
	for _, c := range []struct {
		h, w int
		pays bool
	}{{1, 7, false}, {3, 3, false}, {7, 7, false}, {14, 14, true}, {17, 17, true}, {7, 56, true}, {56, 56, true}, {127, 127, true}} {
		shape := mapsOf(2, c.h, c.w, 16)
		if taps := shape.Taps(); taps < 1 || (taps < c.h*c.w) != c.pays {
			t.Errorf("a map of %d by %d is worth %d taps", c.h, c.w, taps)
		}
		if g := (CircularGlobalGradient{shape}); g.Taps() < shape.Taps() {
			t.Errorf("the gradient on a map of %d by %d is worth %d taps, fewer than the convolution's", c.h, c.w, g.Taps())
		}
	}
}

func TestCircularGlobalAllocatesNothing(t *testing.T) {
	c := mapsOf(2, 17, 14, 20)
	c.Table = true
	g := CircularGlobalGradient{c}
	x, w, out := make([]float32, 2*c.mapSize()), make([]float32, c.mapSize()), make([]float32, 2*c.mapSize())
	packed, partial := make([]float32, c.PackedSize()), make([]float32, g.PartialSize())
	scratch := make([]float32, max(c.PackScratchSize(), c.ScratchSize(), g.ScratchSize()))
	for name, run := range map[string]func(){
		"packing":     func() { c.Pack(packed, w, nil, w, 0, c.PackUnits(), scratch) },
		"convolution": func() { c.Run(out, x, packed, 0, c.Units(), scratch) },
		"gradient":    func() { g.Run(partial, x, x, 0, g.Units(), scratch) },
	} {
		eachLevel(t, func(t *testing.T) {
			if n := testing.AllocsPerRun(10, run); n > 0 {
				t.Errorf("%s allocates %g times", name, n)
			}
		})
	}
}

func BenchmarkCircularGlobal(b *testing.B) {
	for _, c := range []CircularGlobal{mapsOf(1, 7, 7, 384), mapsOf(1, 14, 14, 192), mapsOf(1, 28, 28, 96), mapsOf(1, 56, 56, 48), mapsOf(1, 112, 112, 16), mapsOf(8, 28, 28, 96)} {
		b.Run(fmt.Sprintf("B%d/N%d/C%d", c.Batch, c.H, c.C), func(b *testing.B) { benchmarkGlobal(b, c) })
	}
}

// benchmarkGlobal takes the convolution, its parts and, for comparison, the direct sums.
func benchmarkGlobal(b *testing.B, c CircularGlobal) {
	g, r := CircularGlobalGradient{c}, seeded(b)
	h, w := 2*c.H-1, 2*c.W-1
	d := Depthwise{Batch: c.Batch, H: h, W: w, C: c.C, Multiplier: 1, KH: c.H, KW: c.W, StrideH: 1, StrideW: 1,
		DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: c.H, OutW: c.W}
	dg := DepthwiseGradient{d}
	x, large := normal(r, make([]float32, c.Batch*c.mapSize())), normal(r, make([]float32, c.Batch*h*w*c.C))
	taps, out := normal(r, make([]float32, c.mapSize())), make([]float32, len(x))
	packed, direct, partial := make([]float32, c.PackedSize()), make([]float32, d.PackedSize()), make([]float32, max(g.PartialSize(), dg.PartialSize()))
	scratch := make([]float32, max(c.PackScratchSize(), c.ScratchSize(), g.ScratchSize(), d.ScratchSize(), dg.ScratchSize()))
	d.Pack(direct, taps, nil)
	for _, form := range []struct {
		name string
		run  func()
	}{
		{"pack", func() { c.Pack(packed, taps, nil, nil, 0, c.PackUnits(), scratch) }},
		{"fft", func() { c.Run(out, x, packed, 0, c.Units(), scratch) }},
		{"fft-gradient", func() { g.Run(partial, x, x, 0, g.Units(), scratch); g.Combine(taps, partial) }},
		{"direct", func() { d.Run(out, large, direct, 0, d.Units(), scratch) }},
		{"direct-gradient", func() { dg.Run(partial, x, large, 0, dg.Units(), scratch); dg.Combine(taps, partial) }},
	} {
		b.Run(form.name, func(b *testing.B) {
			for b.Loop() {
				form.run()
			}
		})
	}
}
