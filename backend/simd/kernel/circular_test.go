package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// circularCases returns lines of 1 to 33 and 56 with all sorts of channels, whole tensors and slices of wider ones.
func circularCases(r *rand.Rand) []Circular {
	var cases []Circular
	for n := range 35 {
		if n == 34 {
			n = 55
		}
		c := channelCounts[r.IntN(len(channelCounts))]
		for axis := Height; axis <= Width; axis++ {
			shape := Circular{Batch: 1 + r.IntN(2), H: n + 1, W: n + 1, C: c, Axis: axis, InStride: c, OutStride: c}
			if axis == Height {
				shape.W = 1 + r.IntN(9)
			} else {
				shape.H = 1 + r.IntN(9)
			}
			if r.IntN(2) == 0 {
				shape.InStride, shape.OutStride = c+r.IntN(20), c+r.IntN(20)
			}
			cases = append(cases, shape)
		}
	}
	for n := 1; n <= 6; n++ { // many short lines
		cases = append(cases,
			Circular{Batch: 2, H: n, W: 23, C: 16, Axis: Height, InStride: 16, OutStride: 37},
			Circular{Batch: 3, H: 8, W: n, C: 48, Axis: Width, InStride: 50, OutStride: 48},
			Circular{Batch: 1, H: n, W: 37, C: 12, Axis: Height, InStride: 12, OutStride: 12})
	}
	return cases
}

// eachTap calls f once a product with the indices of out, of w and of the embedding, and of x.
func (c Circular) eachTap(f func(out, w, pe, x int)) {
	n := c.length()
	for b := range c.Batch {
		for i := range c.H {
			for j := range c.W {
				for k := range n {
					along, row, column := j, i, (j+k)%n
					if c.Axis == Height {
						along, row, column = i, (i+k)%n, j
					}
					for channel := range c.C {
						f(((b*c.H+i)*c.W+j)*c.OutStride+channel, k*c.C+channel, (along+k)%n*c.C+channel, ((b*c.H+row)*c.W+column)*c.InStride+channel)
					}
				}
			}
		}
	}
}

func TestCircularIsTheSumOverItsAxis(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n, outSize := c.length(), c.span(c.OutStride)
				x, _ := guardedSlice(t, c.span(c.InStride), r.IntN(16))
				normal(r, x)
				w, pe := normal(r, make([]float32, n*c.C)), normal(r, make([]float32, n*c.C))
				table, bias := normal(r, make([]float32, n*c.C)), normal(r, make([]float32, c.C))
				terms := [...]CircularTerms{{}, {Bias: bias, Embedding: pe}, {Table: table}}[i%3]
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
				packed := sameForAnySplit(t, c.PackedSize(), c.PackUnits(), 0, func(packed []float32, lo, hi int, _ []float32) {
					c.Pack(packed, w, terms, lo, hi)
				})
				got := sameForAnySplit(t, outSize, c.Units(), c.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					c.Run(out, x, packed, lo, hi, scratch)
				})
				agree(t, got, want, 3*n)
			})
		}
	})
}

func TestCircularInputGradientIsTheTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularCases(r) {
			c.InStride, c.OutStride = c.C, c.C
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n := c.length()
				v, w := normal(r, make([]float32, c.span(c.C))), normal(r, make([]float32, n*c.C))
				want := make([]float64, len(v))
				c.eachTap(func(o, k, _, i int) { want[i] += float64(w[k]) * float64(v[o]) })
				packed := sameForAnySplit(t, c.PackedSize(), c.PackUnits(), 0, func(packed []float32, lo, hi int, _ []float32) {
					c.PackReversed(packed, w, lo, hi)
				})
				got := make([]float32, len(v))
				c.Run(got, v, packed, 0, c.Units(), make([]float32, c.ScratchSize()))
				agree(t, got, want, n)
			})
		}
	})
}

// exceptional fills s with normal numbers and now and then a zero, an infinity or NaN.
func exceptional(r *rand.Rand, s []float32) []float32 {
	normal(r, s)
	values := []float64{0, math.Inf(1), math.Inf(-1), math.NaN()}
	for range 1 + len(s)/50 {
		s[r.IntN(len(s))] = float32(values[r.IntN(len(values))])
	}
	return s
}

func TestCircularAndItsGradientPassNaNAndInfinityAsArithmeticDoes(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n := c.length()
				x, v := exceptional(r, make([]float32, c.span(c.InStride))), exceptional(r, make([]float32, c.span(c.OutStride)))
				w, pe := normal(r, make([]float32, n*c.C)), exceptional(r, make([]float32, n*c.C))
				if i%2 == 0 {
					exceptional(r, w)
					clear(pe)
				}
				out, dw := make([]float64, c.span(c.OutStride)), make([]float64, n*c.C)
				c.eachTap(func(o, k, e, i int) {
					out[o] += float64(w[k]) * (float64(x[i]) + float64(pe[e]))
					dw[k] += float64(v[o]) * (float64(x[i]) + float64(pe[e]))
				})
				scratch, packed, got := make([]float32, c.ScratchSize()), make([]float32, c.PackedSize()), make([]float32, len(out))
				var terms CircularTerms
				if i%2 == 1 {
					terms.Embedding = pe
				}
				c.Pack(packed, w, terms, 0, c.PackUnits())
				c.Run(got, x, packed, 0, c.Units(), scratch)
				agree(t, got, out, 3*n)
				g := CircularGradient{c}
				partial, gotGradient := make([]float32, g.PartialSize()), make([]float32, n*c.C)
				g.Run(partial, v, x, pe, 0, g.Units(), make([]float32, g.ScratchSize()))
				g.Combine(gotGradient, partial)
				agree(t, gotGradient, dw, 3*c.Batch*c.H*c.W)
			})
		}
	})
}

func BenchmarkCircular(b *testing.B) {
	for _, size := range []struct{ n, channels int }{{7, 384}, {14, 192}, {28, 96}, {56, 48}, {56, 24}, {112, 24}} {
		for axis := Height; axis <= Width; axis++ {
			b.Run(fmt.Sprintf("%c/N%d/C%d", "HW"[axis], size.n, size.channels), func(b *testing.B) {
				c := Circular{Batch: 1, H: size.n, W: size.n, C: size.channels, Axis: axis, InStride: size.channels, OutStride: size.channels}
				r := seeded(b)
				x, w := normal(r, make([]float32, c.span(c.C))), normal(r, make([]float32, size.n*c.C))
				out, packed, scratch := make([]float32, len(x)), make([]float32, c.PackedSize()), make([]float32, c.ScratchSize())
				c.Pack(packed, w, CircularTerms{Embedding: w}, 0, c.PackUnits())
				for b.Loop() {
					c.Run(out, x, packed, 0, c.Units(), scratch)
				}
				reportRate(b, len(x)*size.n)
			})
		}
	}
}

func TestCircularKernelGradientIsTheSumOverLines(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, c := range circularCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				n := c.length()
				v, x := normal(r, make([]float32, c.span(c.OutStride))), normal(r, make([]float32, c.span(c.InStride)))
				var pe []float32
				if i%2 == 0 {
					pe = normal(r, make([]float32, n*c.C))
				}
				want := make([]float64, n*c.C)
				c.eachTap(func(o, k, e, i int) {
					z := float64(x[i])
					if pe != nil {
						z += float64(pe[e])
					}
					want[k] += float64(v[o]) * z
				})
				g := CircularGradient{c}
				partial := sameForAnySplit(t, g.PartialSize(), g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(out, v, x, pe, lo, hi, scratch)
				})
				got := make([]float32, n*c.C)
				g.Combine(got, partial)
				agree(t, got, want, 3*c.Batch*c.H*c.W)
			})
		}
	})
}

func BenchmarkCircularKernelGradient(b *testing.B) {
	for _, size := range []struct{ n, channels int }{{7, 384}, {14, 192}, {28, 96}, {56, 48}} {
		b.Run(fmt.Sprintf("N%d/C%d", size.n, size.channels), func(b *testing.B) {
			g := CircularGradient{Circular{Batch: 2, H: size.n, W: size.n, C: size.channels, Axis: Height, InStride: size.channels, OutStride: size.channels}}
			r := seeded(b)
			x, v := normal(r, make([]float32, g.span(g.C))), normal(r, make([]float32, g.span(g.C)))
			dw, partial, scratch := make([]float32, size.n*g.C), make([]float32, g.PartialSize()), make([]float32, g.ScratchSize())
			for b.Loop() {
				g.Run(partial, v, x, nil, 0, g.Units(), scratch)
				g.Combine(dw, partial)
			}
			reportRate(b, len(x)*size.n)
		})
	}
}
