package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// circularFFTCases returns lines of 1 to 64 and of longer lengths of all kinds, along both axes, whole tensors and
// slices of wider ones.
func circularFFTCases(r *rand.Rand) []Circular {
	var lengths []int
	for n := range 64 {
		lengths = append(lengths, n+1)
	}
	lengths = append(lengths, 81, 97, 112, 121, 125, 128, 169, 176, 224, 225, 251, 256, 343, 448, 509, 512)
	channels := []int{1, 3, 5, 6, 11, 12, 16, 20, 24, 48}
	var cases []Circular
	for i, n := range lengths {
		c := channels[r.IntN(len(channels))]
		shape := Circular{Batch: 1 + r.IntN(3), H: n, W: 1 + r.IntN(9), C: c, Axis: Height, InStride: c, OutStride: c}
		if n > 64 {
			shape.Batch, shape.W, c = 1, 1+r.IntN(3), 12
			shape.C, shape.InStride, shape.OutStride = c, c, c
		}
		if i%2 == 1 {
			shape.H, shape.W, shape.Axis = shape.W, shape.H, Width
		}
		if r.IntN(3) == 0 {
			shape.InStride, shape.OutStride = c+r.IntN(20), c+r.IntN(20)
		}
		cases = append(cases, shape)
	}
	for _, n := range []int{32, 48, 96} { // rows that crowd the cache, which begin with another radix
		cases = append(cases, Circular{Batch: 1, H: n, W: 64, C: 16, Axis: Height, InStride: 16, OutStride: 16})
	}
	return cases
}

// agreeToScale checks got against want, sums of products of normal numbers, to 1e-6 of the largest value. Where there are few
// sums, the products may cancel each other out in all of them: then a product's size counts, which is 1, if it is larger.
func agreeToScale(t *testing.T, got []float32, want []float64) {
	t.Helper()
	largest, few := 0.0, 16
	if len(want) < few {
		largest = 1
	}
	for _, w := range want {
		if !math.IsNaN(w) {
			largest = max(largest, math.Abs(w))
		}
	}
	for i, w := range want {
		if math.IsNaN(w) != math.IsNaN(float64(got[i])) || math.Abs(w-float64(got[i])) > 1e-6*largest {
			t.Fatalf("value %d of %d is %g, want %g within 1e-6 of %g", i, len(want), got[i], w, largest)
		}
	}
}

// fewCancel says whether there are few sums, and all are less than such sums of so many products of normal numbers mostly are: they
// would be compared to less than what was rounded on the way to them.
func fewCancel(sums []float64, products int) bool {
	most := math.Sqrt(float64(products))
	return len(sums) < 16 && !slices.ContainsFunc(sums, func(s float64) bool { return math.Abs(s) >= most })
}

func TestCircularFFTIsTheSumOverItsAxis(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularFFTCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n, outSize := c.length(), c.span(c.OutStride)
				x, _ := guardedSlice(t, c.span(c.InStride), r.IntN(16))
				normal(r, x)
				w, pe := normal(r, make([]float32, n*c.C)), normal(r, make([]float32, n*c.C))
				table, bias := normal(r, make([]float32, n*c.C)), normal(r, make([]float32, c.C))
				terms := [...]CircularTerms{{}, {Bias: bias, Embedding: pe}, {Table: table}, {bias, pe, table}}[i/2%4]
				want := make([]float64, outSize)
				for o := range want {
					want[o] = math.NaN() // what lies between the channels is not written
				}
				c.eachTap(func(o, k, e, i int) {
					if math.IsNaN(want[o]) {
						want[o] = 0
						if terms.Bias != nil {
							want[o] += float64(bias[k%c.C])
						}
						if terms.Table != nil {
							want[o] += float64(table[e]) // the first product of an output has k = 0
						}
					}
					z := float64(x[i])
					if terms.Embedding != nil {
						z += float64(pe[e])
					}
					want[o] += float64(w[k]) * z
				})
				f := CircularFFT{Circular: c}
				packed := sameForAnySplit(t, f.PackedSize(), f.PackUnits(), 0, func(packed []float32, lo, hi int, _ []float32) {
					f.Pack(packed, w, terms, lo, hi)
				})
				got := sameForAnySplit(t, outSize, f.Units(), f.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					f.Run(out, x, packed, lo, hi, scratch)
				})
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularFFTInputGradientIsTheTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularFFTCases(r) {
			c.InStride, c.OutStride = c.C, c.C
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				f, n := CircularFFT{Circular: c}, c.length()
				v, w := normal(r, make([]float32, c.span(c.C))), normal(r, make([]float32, n*c.C))
				want := make([]float64, len(v))
				c.eachTap(func(o, k, _, i int) { want[i] += float64(w[k]) * float64(v[o]) })
				packed := sameForAnySplit(t, f.PackedSize(), f.PackUnits(), 0, func(packed []float32, lo, hi int, _ []float32) {
					f.PackReversed(packed, w, lo, hi)
				})
				got := make([]float32, len(v))
				f.Run(got, v, packed, 0, f.Units(), make([]float32, f.ScratchSize()))
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularFFTKernelGradientIsTheSumOverLines(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularFFTCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n := c.length()
				v, x, want := make([]float32, c.span(c.OutStride)), make([]float32, c.span(c.InStride)), make([]float64, n*c.C)
				var pe []float32
				if i/2%2 == 0 {
					pe = make([]float32, n*c.C)
				}
				for again := true; again; again = fewCancel(want, c.Batch*c.H*c.W) {
					normal(r, v)
					normal(r, x)
					normal(r, pe)
					clear(want)
					c.eachTap(func(o, k, e, i int) {
						z := float64(x[i])
						if pe != nil {
							z += float64(pe[e])
						}
						want[k] += float64(v[o]) * z
					})
				}
				g := CircularFFTGradient{CircularFFT{Circular: c}}
				partial := sameForAnySplit(t, g.PartialSize(), g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(out, v, x, pe, lo, hi, scratch)
				})
				got := make([]float32, n*c.C)
				g.Combine(got, partial)
				agreeToScale(t, got, want)
			})
		}
	})
}

func TestCircularFFTGradientsAreBothInOne(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		several := []Circular{ // with units of several phases, five as four and one
			{Batch: 4, H: 64, W: 32, C: 24, InStride: 24, OutStride: 24}, {Batch: 4, H: 64, W: 32, C: 24, InStride: 24, OutStride: 24},
			{Batch: 8, H: 64, W: 34, C: 20, InStride: 20, OutStride: 20}, {Batch: 8, H: 34, W: 64, C: 20, Axis: Width, InStride: 20, OutStride: 20},
		}
		for _, c := range several {
			g := CircularFFTGradients{CircularFFTGradient{CircularFFT{Circular: c}}, c.C}
			if l := g.lineVectors(nil, c.C); g.division(&l).phases < min(l.phases, unitPhases) {
				t.Fatalf("%+v has units of %d phases", c, g.division(&l).phases)
			}
		}
		for i, c := range append(circularFFTCases(r), several...) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				f := CircularFFT{Circular: c, Streamed: i%2 == 0}
				g := CircularFFTGradients{CircularFFTGradient{f}, c.C + r.IntN(2)*16}
				n, convolution := c.length(), g.convolution()
				v, x := normal(r, make([]float32, c.span(c.OutStride))), normal(r, make([]float32, c.span(c.InStride)))
				w, pe := normal(r, make([]float32, n*c.C)), make([]float32, n*c.C)
				wantX, wantKernel, wantSum := make([]float64, c.Batch*c.H*c.W*g.Stride), make([]float64, n*c.C), make([]float64, n*c.C)
				c.eachTap(func(o, k, e, i int) {
					wantX[i/c.InStride*g.Stride+i%c.InStride] += float64(w[k]) * float64(v[o])
					wantKernel[k] += float64(v[o]) * float64(x[i])
					if k < c.C { // the first tap: e is where the output is
						wantSum[e] += float64(v[o])
					}
				})
				packed := make([]float32, convolution.PackedSize())
				convolution.Pack(packed, w, []CircularTerms{{}, {Table: w}}[r.IntN(2)], 0, convolution.PackUnits())
				dx := make([]float32, len(wantX))
				size := g.PartialSize()
				partial := sameForAnySplit(t, size+g.SumSize(), g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(dx, out[:size], out[size:], v, x, packed, lo, hi, scratch)
				})
				agreeToScale(t, dx[:c.span(g.Stride)], wantX[:c.span(g.Stride)])
				g.Combine(pe, partial[:size])
				agreeToScale(t, pe, wantKernel)
				g.CombineSum(pe, partial[size:])
				agreeToScale(t, pe, wantSum)
			})
		}
	})
}

func TestGradientsOfFewLinesAreDividedBetweenTwoThreads(t *testing.T) {
	for _, w := range []int{4, 8, 13, 14} { // two pairs of lines of sixteen channels and up
		c := Circular{Batch: 1, H: 290, W: w, C: lanes, InStride: lanes, OutStride: lanes}
		g := CircularFFTGradients{CircularFFTGradient: CircularFFTGradient{CircularFFT{Circular: c}}, Stride: lanes}
		if units := g.Units(); units < 2 {
			t.Errorf("%d lines: %d unit, want at least 2", w, units)
		}
	}
}

func TestCircularFFTKeepsNaNAndInfinityInTheirLine(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, wrong := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, c := range []Circular{
				{Batch: 1, H: 56, W: 5, C: 16, Axis: Height, InStride: 16, OutStride: 16},
				{Batch: 1, H: 56, W: 5, C: 20, Axis: Height, InStride: 40, OutStride: 20},
				{Batch: 2, H: 7, W: 12, C: 24, Axis: Width, InStride: 24, OutStride: 48},
				{Batch: 1, H: 9, W: 37, C: 5, Axis: Width, InStride: 5, OutStride: 5},
				{Batch: 2, H: 3, W: 1, C: 16, Axis: Width, InStride: 16, OutStride: 16},
			} {
				t.Run(fmt.Sprintf("%g %+v", wrong, c), func(t *testing.T) {
					f, n := CircularFFT{Circular: c}, c.length()
					x, w := normal(r, make([]float32, c.span(c.InStride))), normal(r, make([]float32, n*c.C))
					packed, out := make([]float32, f.PackedSize()), make([]float32, c.span(c.OutStride))
					want, scratch := make([]float32, len(out)), make([]float32, f.ScratchSize())
					f.Pack(packed, w, CircularTerms{Bias: w}, 0, f.PackUnits())
					f.Run(want, x, packed, 0, f.Units(), scratch)
					pixel, channel := r.IntN(c.Batch*c.H*c.W), r.IntN(c.C)
					x[pixel*c.InStride+channel] = float32(wrong)
					f.Run(out, x, packed, 0, f.Units(), scratch)
					line := func(pixel int) int {
						if c.Axis == Width {
							return pixel / c.W
						}
						return pixel/(c.H*c.W)*c.W + pixel%c.W
					}
					for i, y := range out {
						p, k := i/c.OutStride, i%c.OutStride
						hit, finite := k == channel && line(p) == line(pixel), !math.IsNaN(float64(y-y))
						if hit && finite || !hit && !(math.Abs(float64(y-want[i])) < 1e-4) {
							t.Fatalf("pixel %d channel %d is %g, %g without, after pixel %d channel %d", p, k, y, want[i], pixel, channel)
						}
					}
				})
			}
		}
	})
}

func TestCircularFFTGradientsKeepNaNAndInfinityInTheirChannel(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, wrong := range []float64{math.NaN(), math.Inf(1)} {
			for _, c := range []Circular{
				{Batch: 1, H: 56, W: 5, C: 16, Axis: Height, InStride: 16, OutStride: 16},
				{Batch: 2, H: 7, W: 12, C: 24, Axis: Width, InStride: 24, OutStride: 48},
				{Batch: 1, H: 3, W: 37, C: 5, Axis: Width, InStride: 5, OutStride: 5},
			} {
				t.Run(fmt.Sprintf("%g %+v", wrong, c), func(t *testing.T) {
					g := CircularFFTGradients{CircularFFTGradient{CircularFFT{Circular: c}}, c.C}
					n, convolution := c.length(), g.convolution()
					v, x := normal(r, make([]float32, c.span(c.OutStride))), normal(r, make([]float32, c.span(c.InStride)))
					w, packed := normal(r, make([]float32, n*c.C)), make([]float32, convolution.PackedSize())
					convolution.Pack(packed, w, CircularTerms{}, 0, convolution.PackUnits())
					compute := func() (dx, dw, sum []float32) {
						dx, dw, sum = make([]float32, c.span(c.C)), make([]float32, n*c.C), make([]float32, n*c.C)
						partial, sums := make([]float32, g.PartialSize()), make([]float32, g.SumSize())
						g.Run(dx, partial, sums, v, x, packed, 0, g.Units(), make([]float32, g.ScratchSize()))
						g.Combine(dw, partial)
						g.CombineSum(sum, sums)
						return dx, dw, sum
					}
					wantX, wantKernel, wantSum := compute()
					pixel, channel := r.IntN(c.Batch*c.H*c.W), r.IntN(c.C)
					v[pixel*c.OutStride+channel] = float32(wrong)
					gotX, gotKernel, gotSum := compute()
					line, place := pixel/(c.H*c.W)*c.W+pixel%c.W, pixel/c.W%c.H
					if c.Axis == Width {
						line, place = pixel/c.W, pixel%c.W
					}
					check := func(name string, got, want []float32, hit func(i int) bool) {
						for i := range want {
							finite := !math.IsNaN(float64(got[i] - got[i]))
							if hit(i) && finite || !hit(i) && !(math.Abs(float64(got[i]-want[i])) < 1e-3) {
								t.Fatalf("%s: value %d is %g, %g without, after pixel %d channel %d", name, i, got[i], want[i], pixel, channel)
							}
						}
					}
					check("dx", gotX, wantX, func(i int) bool {
						p := i / c.C
						of := p/(c.H*c.W)*c.W + p%c.W
						if c.Axis == Width {
							of = p / c.W
						}
						return i%c.C == channel && of == line
					})
					check("dw", gotKernel, wantKernel, func(i int) bool { return i%c.C == channel })
					check("the sum", gotSum, wantSum, func(i int) bool { return i == place*c.C+channel })
				})
			}
		}
	})
}

func TestCircularFFTWritesTheSamePastTheCaches(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range []Circular{
			{Batch: 2, H: 28, W: 28, C: 96}, {Batch: 3, H: 56, W: 8, C: 48}, {Batch: 2, H: 112, W: 6, C: 24}, {Batch: 2, H: 224, W: 12, C: 12},
			{Batch: 1, H: 448, W: 16, C: 6}, {Batch: 2, H: 35, W: 5, C: 16}, {Batch: 1, H: 896, W: 16, C: 3}, {Batch: 5, H: 9, W: 3, C: 176}, {Batch: 2, H: 58, W: 6, C: 24},
		} {
			for variant := range 4 {
				c.Axis, c.InStride, c.OutStride = Height, c.C, c.C
				if variant == 1 {
					c.OutStride += 16 * (1 + r.IntN(3))
				}
				t.Run(fmt.Sprintf("%+v, variant %d", c, variant), func(t *testing.T) {
					f, n := CircularFFT{Circular: c}, c.length()
					x, w := normal(r, make([]float32, c.span(c.InStride))), normal(r, make([]float32, n*c.C))
					packed := make([]float32, f.PackedSize())
					f.Pack(packed, w, CircularTerms{Embedding: w}, 0, f.PackUnits())
					if variant == 2 {
						x[r.IntN(len(x))] = float32(math.NaN())
						x[r.IntN(len(x))] = float32(math.Inf(1))
					}
					out := func() []float32 {
						room := make([]float32, c.span(c.OutStride)+32)
						for !aligned(room) {
							room = room[1:]
						}
						if variant == 3 {
							room = room[1:] // then lines cannot be written past the caches
						}
						return room[:c.span(c.OutStride)]
					}
					want, got := out(), out()
					f.Run(want, x, packed, 0, f.Units(), make([]float32, f.ScratchSize()))
					f.Streamed = true
					if f.stageSize() == 0 {
						t.Fatal("nothing is written past the caches")
					}
					units, scratch := f.Units(), make([]float32, f.ScratchSize())
					half := r.IntN(units + 1)
					f.Run(got, x, packed, half, units, scratch)
					f.Run(got, x, packed, 0, half, scratch)
					for i := range want {
						if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
							t.Fatalf("value %d is %g, want %g", i, got[i], want[i])
						}
					}
				})
			}
		}
	})
}

// TestCircularFFTOfLongLines compares some outputs and some of the kernel's gradient with their sums.
func TestCircularFFTOfLongLines(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, n := range []int{600, 896, 1021, 2048, 4093, 4096} {
			c := Circular{Batch: 1, H: n, W: 3, C: 6, Axis: Height, InStride: 6, OutStride: 6}
			if i%2 == 1 {
				c.H, c.W, c.Axis = 3, n, Width
			}
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				x, v := normal(r, make([]float32, c.span(6))), normal(r, make([]float32, c.span(6)))
				w, bias := normal(r, make([]float32, n*6)), normal(r, make([]float32, 6))
				pe := normal(r, make([]float32, n*6)) // of its own: with w, a sum of squares would be far above the others
				f, out := CircularFFT{Circular: c}, make([]float32, len(x))
				packed := make([]float32, f.PackedSize())
				f.Pack(packed, w, CircularTerms{Bias: bias, Embedding: pe}, 0, f.PackUnits())
				f.Run(out, x, packed, 0, f.Units(), make([]float32, f.ScratchSize()))
				g, dw := CircularFFTGradient{f}, make([]float32, len(w))
				partial := make([]float32, g.PartialSize())
				g.Run(partial, v, x, nil, 0, g.Units(), make([]float32, g.ScratchSize()))
				g.Combine(dw, partial)
				at := func(line, i, channel int) int { // of a tensor
					if c.Axis == Width {
						return (line*n+i)*6 + channel
					}
					return (i*3+line)*6 + channel
				}
				scale := math.Sqrt(float64(n))
				for range 50 {
					line, o, channel := r.IntN(3), r.IntN(n), r.IntN(6)
					want, wantGradient := float64(bias[channel]), 0.0
					for k := range n {
						from := (o + k) % n
						want += float64(w[k*6+channel]) * (float64(x[at(line, from, channel)]) + float64(pe[from*6+channel]))
						for l := range 3 {
							wantGradient += float64(v[at(l, k, channel)]) * float64(x[at(l, from, channel)])
						}
					}
					if got := float64(out[at(line, o, channel)]); !(math.Abs(got-want) < 5e-6*scale) {
						t.Fatalf("output %d of line %d, channel %d is %g, want %g", o, line, channel, got, want)
					}
					if got := float64(dw[o*6+channel]); !(math.Abs(got-wantGradient) < 5e-6*scale) {
						t.Fatalf("gradient %d of channel %d is %g, want %g", o, channel, got, wantGradient)
					}
				}
			})
		}
	})
}

func TestCircularFFTPaysForLongLinesOfSmallFactors(t *testing.T) {
	for _, c := range []struct {
		n    int
		pays bool
	}{{7, false}, {14, false}, {17, false}, {31, false}, {56, true}, {64, true}, {112, true}, {127, true}, {448, true}, {4096, true}} {
		f := CircularFFT{Circular: Circular{Batch: 2, H: c.n, W: 8, C: 16, InStride: 16, OutStride: 16}}
		if taps := f.Taps(); taps < 1 || (taps < c.n) != c.pays {
			t.Errorf("a line of %d is worth %d taps", c.n, taps)
		}
		if g := (CircularFFTGradient{f}); g.Taps() < f.Taps() {
			t.Errorf("the gradient along a line of %d is worth %d taps, fewer than the convolution's", c.n, g.Taps())
		}
	}
}

// BenchmarkCircularForms takes the direct form and the one through frequencies in turns, forward and kernel gradient.
func BenchmarkCircularForms(b *testing.B) {
	for _, size := range []struct{ n, channels int }{{14, 192}, {28, 96}, {56, 48}, {97, 32}, {112, 24}, {224, 12}, {448, 6}} {
		for axis := Height; axis <= Width; axis++ {
			for _, batch := range []int{1, 8} {
				c := Circular{Batch: batch, H: size.n, W: size.n, C: size.channels, Axis: axis, InStride: size.channels, OutStride: size.channels}
				b.Run(fmt.Sprintf("%c/N%d/C%d/B%d", "HW"[axis], size.n, size.channels, batch), func(b *testing.B) { benchmarkForms(b, c) })
			}
		}
	}
}

func benchmarkForms(b *testing.B, c Circular) {
	f, g, h, r := CircularFFT{Circular: c}, CircularGradient{c}, CircularFFTGradient{CircularFFT{Circular: c}}, seeded(b)
	x, w := normal(r, make([]float32, c.span(c.C))), normal(r, make([]float32, c.length()*c.C))
	out, dw := make([]float32, len(x)), make([]float32, len(w))
	scratch := make([]float32, max(c.ScratchSize(), f.ScratchSize(), g.ScratchSize(), h.ScratchSize()))
	direct, spectrum := make([]float32, c.PackedSize()), make([]float32, f.PackedSize())
	partial := make([]float32, max(g.PartialSize(), h.PartialSize()))
	c.Pack(direct, w, CircularTerms{Embedding: w}, 0, c.PackUnits())
	f.Pack(spectrum, w, CircularTerms{Embedding: w}, 0, f.PackUnits())
	for _, form := range []struct {
		name string
		run  func()
	}{
		{"direct", func() { c.Run(out, x, direct, 0, c.Units(), scratch) }},
		{"fft", func() { f.Run(out, x, spectrum, 0, f.Units(), scratch) }},
		{"pack", func() { f.Pack(spectrum, w, CircularTerms{Embedding: w}, 0, f.PackUnits()) }},
		{"direct-gradient", func() { g.Run(partial, x, x, nil, 0, g.Units(), scratch); g.Combine(dw, partial) }},
		{"fft-gradient", func() { h.Run(partial, x, x, nil, 0, h.Units(), scratch); h.Combine(dw, partial) }},
	} {
		b.Run(form.name, func(b *testing.B) {
			for b.Loop() {
				form.run()
			}
		})
	}
}

// TestSmallConvolutionsAreDividedEvenly holds that two threads, which take half of the units each, have as many signals.
func TestSmallConvolutionsAreDividedEvenly(t *testing.T) {
	for _, size := range []struct{ n, channels int }{{7, 384}, {14, 192}, {28, 96}} {
		c := CircularFFT{Circular: Circular{
			Batch: 1, H: size.n, W: size.n, C: size.channels, Axis: Height, InStride: size.channels, OutStride: size.channels,
		}}
		in := c.lineVectors(nil, c.InStride)
		r := circularFFTRun{in: in, division: c.units(&in)}
		var signals [2]int
		units := c.Units()
		for u := range units {
			unit := r.unit(u)
			for phase := unit.phase; phase < unit.endPhase; phase++ {
				signals[u*2/units] += r.lastTurn(&unit, phase) + 1 - unit.turn
			}
		}
		if signals[0] != signals[1] {
			t.Errorf("%d×%d×%d: threads have %d and %d signals, want as many", size.n, size.n, size.channels, signals[0], signals[1])
		}
	}
}

// TestAnOrderHasEverySignalOfItsUnitsOnce holds that units have every signal once, and joined ones those that they had before.
func TestAnOrderHasEverySignalOfItsUnitsOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		c := CircularFFT{Streamed: random.IntN(2) == 1, Circular: Circular{
			Batch: 1 + random.IntN(3), H: 1 + random.IntN(600), W: 1 + random.IntN(40), C: 1 + random.IntN(70), Axis: Height,
		}}
		if random.IntN(4) == 0 {
			c.H, c.W, c.Axis = c.W, c.H, Width
		}
		c.InStride, c.OutStride = c.C, c.C
		in := c.lineVectors(nil, c.InStride)
		r := circularFFTRun{c: c, in: in, division: c.units(&in), count: c.Units()}
		lo := random.IntN(r.count)
		hi := lo + 1 + random.IntN(r.count-lo)
		type place struct{ turn, phase int }
		count := map[place]int{}
		add := func(u unit, times int) {
			for phase := u.phase; phase < u.endPhase; phase++ {
				for turn := u.turn; turn <= r.lastTurn(&u, phase); turn++ {
					count[place{turn, phase}] += times
				}
			}
		}
		for u := range r.count {
			add(r.unit(u), 1)
		}
		for phase := range in.phases {
			for turn := range in.turnsOf(phase) {
				count[place{turn, phase}]--
			}
		}
		for at, more := range count {
			if more != 0 {
				t.Fatalf("%+v: signal %+v is in %d units, want 1", c, at, 1+more)
			}
		}
		for u := lo; u < hi; u++ {
			add(r.unit(u), 1)
		}
		r.order(lo, hi)
		for _, u := range r.ordered[:len(r.ordered)-1] {
			add(u, -1)
		}
		for at, left := range count {
			if left != 0 {
				t.Fatalf("%+v: units %d to %d of %d: signal %+v is in their order %d times too few", c, lo, hi, r.count, at, left)
			}
		}
	}
}

// TestLargeSpectraComeOncePerCall holds that units of one turn are joined where that pays.
func TestLargeSpectraComeOncePerCall(t *testing.T) {
	for _, test := range []struct {
		name     string
		streamed bool
		axis     Axis
		joined   bool
	}{{"along the height", false, Height, true}, {"in memory", true, Height, false}, {"along the width", false, Width, false}} {
		c := CircularFFT{Streamed: test.streamed, Circular: Circular{
			Batch: 1, H: 448, W: 448, C: 6, Axis: test.axis, InStride: 6, OutStride: 6,
		}}
		in := c.lineVectors(nil, c.InStride)
		r := circularFFTRun{c: c, in: in, division: c.units(&in), count: c.Units()}
		r.order(0, r.count)
		want := r.count
		if test.joined {
			want = 2 * in.phases // of either half
		}
		if got := len(r.ordered) - 1; got != want {
			t.Errorf("%s: %d units of %d phases come as %d, want %d", test.name, r.count, in.phases, got, want)
		}
	}
}
