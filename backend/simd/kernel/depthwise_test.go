package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var channelCounts = []int{1, 3, 5, 12, 16, 17, 24, 48, 96, 100}

// depthwiseCases returns the shapes of the field, small, and random ones.
func depthwiseCases(r *rand.Rand) []Depthwise {
	same := func(size, c, k, stride int) Depthwise {
		out := (size + stride - 1) / stride
		return Depthwise{Batch: 2, H: size, W: size, C: c, Multiplier: 1, KH: k, KW: k, StrideH: stride, StrideW: stride, PadTop: k / 2, PadLeft: k / 2,
			DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: out, OutW: out}
	}
	cases := []Depthwise{same(14, 48, 7, 1), same(7, 32, 7, 1), same(15, 24, 3, 2), same(16, 16, 3, 1), same(1, 16, 7, 1), same(29, 3, 5, 1)}
	for _, c := range channelCounts {
		d := Depthwise{Batch: 1 + r.IntN(2), C: c, Multiplier: 1, H: 1 + r.IntN(20), W: 1 + r.IntN(20), KH: 1 + r.IntN(8), KW: 1 + r.IntN(9),
			StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3), DilationH: 1 + r.IntN(2), DilationW: 1 + r.IntN(2),
			InputDilationH: 1 + r.IntN(2), InputDilationW: 1 + r.IntN(2), PadTop: r.IntN(5) - 1, PadLeft: r.IntN(12) - 3, OutH: 1 + r.IntN(18), OutW: 1 + r.IntN(18)}
		cases = append(cases, d)
		d.Multiplier = 2 + r.IntN(2)
		cases = append(cases, d)
		d.Multiplier, d.InputDilationH, d.InputDilationW = 1, 1, 1
		cases = append(cases, d)
	}
	return cases
}

// eachTap calls f once a product of the convolution with the indices of out, w and x.
func (d Depthwise) eachTap(f func(out, w, x int)) {
	channels := d.C * d.Multiplier
	inside := func(at, dilation, size int) (int, bool) {
		return at / dilation, at >= 0 && at%dilation == 0 && at/dilation < size
	}
	for b := range d.Batch {
		for i := range d.OutH {
			for j := range d.OutW {
				for k := range d.KH * d.KW {
					row, rowIn := inside(i*d.StrideH+k/d.KW*d.DilationH-d.PadTop, d.InputDilationH, d.H)
					column, columnIn := inside(j*d.StrideW+k%d.KW*d.DilationW-d.PadLeft, d.InputDilationW, d.W)
					if !rowIn || !columnIn {
						continue
					}
					for o := range channels {
						f(((b*d.OutH+i)*d.OutW+j)*channels+o, k*channels+o, ((b*d.H+row)*d.W+column)*d.C+o/d.Multiplier)
					}
				}
			}
		}
	}
}

func (d Depthwise) sizes() (out, w, x int) {
	channels := d.C * d.Multiplier
	return d.Batch * d.OutH * d.OutW * channels, d.KH * d.KW * channels, d.Batch * d.H * d.W * d.C
}

func TestDepthwiseIsTheSumOverTaps(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for i, d := range depthwiseCases(r) {
			t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
				outSize, wSize, xSize := d.sizes()
				x, _ := guardedSlice(t, xSize, r.IntN(16))
				normal(r, x)
				w, bias := normal(r, make([]float32, wSize)), normal(r, make([]float32, d.C*d.Multiplier))
				if i%3 == 0 {
					bias = nil
				}
				want := make([]float64, outSize)
				for o := range want {
					if bias != nil {
						want[o] = float64(bias[o%len(bias)])
					}
				}
				d.eachTap(func(o, k, i int) { want[o] += float64(w[k]) * float64(x[i]) })
				packed, check := guardedSlice(t, d.PackedSize(), 0)
				d.Pack(packed, w, bias)
				check()
				got := sameForAnySplit(t, outSize, d.Units(), d.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					d.Run(out, x, packed, lo, hi, scratch)
				})
				agree(t, got, want, d.KH*d.KW)
			})
		}
	})
}

func TestDepthwiseInputGradientIsTheTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, d := range depthwiseCases(r) {
			t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
				outSize, wSize, xSize := d.sizes()
				v, w := normal(r, make([]float32, outSize)), normal(r, make([]float32, wSize))
				want := make([]float64, xSize)
				d.eachTap(func(o, k, i int) { want[i] += float64(w[k]) * float64(v[o]) })
				g := d.InputGradient()
				packed := make([]float32, g.PackedSize())
				g.PackReversed(packed, w)
				got := sameForAnySplit(t, xSize, g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(out, v, packed, lo, hi, scratch)
				})
				agree(t, got, want, d.KH*d.KW*d.Multiplier)
			})
		}
	})
}

func TestDepthwisePassesNaNOn(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		d := Depthwise{Batch: 1, H: 9, W: 9, C: 20, Multiplier: 1, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1,
			DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: 9, OutW: 9}
		x, w := make([]float32, 9*9*20), make([]float32, 9*20)
		x[(4*9+4)*20+18] = float32(math.NaN())
		packed, out := make([]float32, d.PackedSize()), make([]float32, len(x))
		d.Pack(packed, w, nil)
		d.Run(out, x, packed, 0, d.Units(), make([]float32, d.ScratchSize()))
		for i, y := range out {
			row, column, channel := i/180, i/20%9, i%20
			reached := channel == 18 && row >= 3 && row <= 5 && column >= 3 && column <= 5
			if math.IsNaN(float64(y)) != reached {
				t.Fatalf("output %d,%d channel %d is %g", row, column, channel, y)
			}
		}
	})
}

func BenchmarkDepthwise(b *testing.B) {
	for _, c := range []struct{ k, stride, size, channels int }{{7, 1, 56, 48}, {7, 1, 28, 96}, {7, 1, 14, 192}, {7, 1, 7, 384}, {3, 1, 56, 144}, {3, 2, 56, 144}, {3, 1, 14, 384}} {
		b.Run(fmt.Sprintf("%dx%d/s%d/%dx%dx%d", c.k, c.k, c.stride, c.size, c.size, c.channels), func(b *testing.B) {
			d := Depthwise{Batch: 1, H: c.size, W: c.size, C: c.channels, Multiplier: 1, KH: c.k, KW: c.k, StrideH: c.stride, StrideW: c.stride,
				PadTop: c.k / 2, PadLeft: c.k / 2, DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: c.size / c.stride, OutW: c.size / c.stride}
			outSize, wSize, xSize := d.sizes()
			r := seeded(b)
			x, w := normal(r, make([]float32, xSize)), normal(r, make([]float32, wSize))
			out, packed, scratch := make([]float32, outSize), make([]float32, d.PackedSize()), make([]float32, d.ScratchSize())
			d.Pack(packed, w, nil)
			for b.Loop() {
				d.Run(out, x, packed, 0, d.Units(), scratch)
			}
			reportRate(b, outSize*c.k*c.k)
		})
	}
}

// reportRate reports billions of float operations a second, two a product.
func reportRate(b *testing.B, products int) {
	b.ReportMetric(2*float64(products)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

func TestDepthwiseKernelGradientIsTheSumOverPixels(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, d := range depthwiseCases(r) {
			t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
				outSize, wSize, xSize := d.sizes()
				v, x := normal(r, make([]float32, outSize)), normal(r, make([]float32, xSize))
				want := make([]float64, wSize)
				d.eachTap(func(o, k, i int) { want[k] += float64(v[o]) * float64(x[i]) })
				g := DepthwiseGradient{d}
				partial := sameForAnySplit(t, g.PartialSize(), g.Units(), g.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					g.Run(out, v, x, lo, hi, scratch)
				})
				got := make([]float32, wSize)
				g.Combine(got, partial)
				agree(t, got, want, d.Batch*d.OutH*d.OutW)
			})
		}
	})
}

func BenchmarkDepthwiseKernelGradient(b *testing.B) {
	for _, c := range []struct{ k, size, channels int }{{7, 56, 48}, {7, 14, 192}, {7, 7, 384}, {3, 56, 144}} {
		b.Run(fmt.Sprintf("%dx%d/%dx%dx%d", c.k, c.k, c.size, c.size, c.channels), func(b *testing.B) {
			g := DepthwiseGradient{Depthwise{Batch: 2, H: c.size, W: c.size, C: c.channels, Multiplier: 1, KH: c.k, KW: c.k, StrideH: 1, StrideW: 1,
				PadTop: c.k / 2, PadLeft: c.k / 2, DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: c.size, OutW: c.size}}
			outSize, wSize, xSize := g.sizes()
			r := seeded(b)
			x, v := normal(r, make([]float32, xSize)), normal(r, make([]float32, outSize))
			dw, partial, scratch := make([]float32, wSize), make([]float32, g.PartialSize()), make([]float32, g.ScratchSize())
			for b.Loop() {
				g.Run(partial, v, x, 0, g.Units(), scratch)
				g.Combine(dw, partial)
			}
			reportRate(b, outSize*c.k*c.k)
		})
	}
}
