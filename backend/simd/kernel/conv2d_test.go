package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// conv2D64 walks over every product y[out] += x[in]·w[tap] of a convolution, by index.
func conv2D64(c *Conv2D, visit func(y, x, w, column int)) {
	groups, or1 := max(c.Groups, 1), func(n int) int { return max(n, 1) }
	perGroup, columns := c.CIn/groups, c.COut/groups
	source := func(out, tap, stride, pad, dilation, inputDilation, n int) (int, bool) {
		i := out*or1(stride) - pad + tap*or1(dilation)
		return i / or1(inputDilation), i >= 0 && i%or1(inputDilation) == 0 && i/or1(inputDilation) < n
	}
	for b := range c.Batch {
		for oh := range c.OutH() {
			for ow := range c.OutW() {
				for tap := range c.KH * c.KW {
					kh, kw := tap/c.KW, tap%c.KW
					ih, inside := source(oh, kh, c.StrideH, c.PadTop, c.DilationH, c.InputDilationH, c.H)
					iw, insideW := source(ow, kw, c.StrideW, c.PadLeft, c.DilationW, c.InputDilationW, c.W)
					if !inside || !insideW {
						continue
					}
					for co := range c.COut {
						for ci := range perGroup {
							visit(((b*c.OutH()+oh)*c.OutW()+ow)*c.COut+co, ((b*c.H+ih)*c.W+iw)*c.CIn+co/columns*perGroup+ci, (tap*perGroup+ci)*c.COut+co, co)
						}
					}
				}
			}
		}
	}
}

// randomConv2D draws a convolution whose result is not empty.
func randomConv2D(r *rand.Rand, inputDilated bool) Conv2D {
	upTo := func(n int) int { return r.IntN(n + 1) }
	for {
		c := Conv2D{
			Batch: 1 + upTo(1), H: 1 + upTo(11), W: 1 + upTo(11), KH: 1 + upTo(3), KW: 1 + upTo(3),
			StrideH: upTo(3), StrideW: upTo(3), DilationH: upTo(2), DilationW: upTo(2),
			PadTop: upTo(3) - 1, PadBottom: upTo(3) - 1, PadLeft: upTo(3) - 1, PadRight: upTo(3) - 1,
		}
		if inputDilated {
			c.InputDilationH, c.InputDilationW = upTo(3), upTo(3)
		}
		if r.IntN(4) == 0 {
			c = Conv2D{Batch: c.Batch, H: c.H, W: c.W, KH: 1, KW: 1}
		}
		groups := 1
		if r.IntN(3) == 0 {
			groups = 1 + upTo(2)
			c.Groups = groups
		}
		c.CIn, c.COut = groups*(1+upTo([]int{3, 20, 70}[r.IntN(3)])), groups*(1+upTo([]int{9, 40, 70}[r.IntN(3)]))
		if c.OutH() > 0 && c.OutW() > 0 {
			return c
		}
	}
}

// eachRandomConv2D runs f at every level for a number of drawn convolutions.
func eachRandomConv2D(t *testing.T, inputDilated bool, f func(t *testing.T, r *rand.Rand, c *Conv2D)) {
	eachLevel(t, func(t *testing.T) {
		for seed := range uint64(30) {
			t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 2))
				c := randomConv2D(r, inputDilated)
				f(t, r, &c)
				if t.Failed() {
					t.Logf("%+v", c)
				}
			})
		}
	})
}

// unitWise is what the convolution and its gradients have in common.
type unitWise interface {
	Units() int
	ScratchSize() int
}

// checkUnits runs all units at once over got, and one by one from the last on over a copy, which must give the same
// bits; then compares with want, whose rounding errors magnitude bounds.
func checkUnits(t *testing.T, k unitWise, got []float32, want, magnitude []float64, run func(result []float32, lo, hi int, scratch []float32)) {
	t.Helper()
	again := append([]float32(nil), got...)
	run(got, 0, k.Units(), guarded(t, k.ScratchSize()))
	for unit := k.Units() - 1; unit >= 0; unit-- {
		run(again, unit, unit+1, guarded(t, k.ScratchSize()))
	}
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(again[i]) {
			t.Fatalf("unit by unit gives %g at %d, all at once %g", again[i], i, got[i])
		}
		if e := math.Abs(float64(got[i]) - want[i]); !(e < 2e-6*(1+magnitude[i])) {
			t.Fatalf("element %d is %g, want %g", i, got[i], want[i])
		}
	}
}

func TestConv2DAgreesWithFloat64(t *testing.T) {
	eachRandomConv2D(t, true, func(t *testing.T, r *rand.Rand, c *Conv2D) {
		size := c.Batch * c.OutH() * c.OutW() * c.COut
		x, w := normals(t, r, c.Batch*c.H*c.W*c.CIn), normals(t, r, c.KH*c.KW*c.CIn/max(c.Groups, 1)*c.COut)
		c.Epilogue = randomEpilogue(t, r, c.COut, size)
		y := normals(t, r, size)
		want, magnitude := make([]float64, size), make([]float64, size)
		if c.Accumulate {
			for i := range y {
				want[i], magnitude[i] = float64(y[i]), math.Abs(float64(y[i]))
			}
		}
		conv2D64(c, func(at, from, tap, _ int) {
			p := float64(x[from]) * float64(w[tap])
			want[at] += p
			magnitude[at] += math.Abs(p)
		})
		for i := range want {
			want[i] = epilogue64(&c.Epilogue, want[i], i%c.COut, i)
			if c.Scale != nil {
				magnitude[i] *= math.Abs(float64(c.Scale[i%c.COut]))
			}
		}
		packed := guarded(t, c.PackedKernelSize())
		c.PackKernel(packed, w)
		checkUnits(t, c, y, want, magnitude, func(y []float32, lo, hi int, scratch []float32) { c.Run(y, x, packed, lo, hi, scratch) })
	})
}

func TestConv2DInputGradientAgreesWithFloat64(t *testing.T) {
	eachRandomConv2D(t, true, func(t *testing.T, r *rand.Rand, c *Conv2D) {
		v, w := normals(t, r, c.Batch*c.OutH()*c.OutW()*c.COut), normals(t, r, c.KH*c.KW*c.CIn/max(c.Groups, 1)*c.COut)
		dx := normals(t, r, c.Batch*c.H*c.W*c.CIn)
		want, magnitude := make([]float64, len(dx)), make([]float64, len(dx))
		conv2D64(c, func(at, from, tap, _ int) {
			p := float64(v[at]) * float64(w[tap])
			want[from] += p
			magnitude[from] += math.Abs(p)
		})
		g := &Conv2DInputGradient{*c}
		packed := guarded(t, g.PackedKernelSize())
		g.PackKernel(packed, w)
		checkUnits(t, g, dx, want, magnitude, func(dx []float32, lo, hi int, scratch []float32) { g.Run(dx, v, packed, lo, hi, scratch) })
	})
}

func TestConv2DWeightGradientAgreesWithFloat64(t *testing.T) {
	eachRandomConv2D(t, false, func(t *testing.T, r *rand.Rand, c *Conv2D) {
		x, v := normals(t, r, c.Batch*c.H*c.W*c.CIn), normals(t, r, c.Batch*c.OutH()*c.OutW()*c.COut)
		dw := normals(t, r, c.KH*c.KW*c.CIn/max(c.Groups, 1)*c.COut)
		want, magnitude := make([]float64, len(dw)), make([]float64, len(dw))
		conv2D64(c, func(at, from, tap, _ int) {
			p := float64(v[at]) * float64(x[from])
			want[tap] += p
			magnitude[tap] += math.Abs(p)
		})
		g := &Conv2DWeightGradient{*c}
		checkUnits(t, g, dw, want, magnitude, func(dw []float32, lo, hi int, scratch []float32) { g.Run(dw, x, v, lo, hi, scratch) })
	})
}

// BenchmarkConv2D reports GFLOP/s of one thread, forward and of both gradients.
func BenchmarkConv2D(b *testing.B) {
	for _, c := range []Conv2D{
		{Batch: 1, H: 56, W: 56, CIn: 64, KH: 3, KW: 3, COut: 64, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1},
		{Batch: 1, H: 7, W: 7, CIn: 512, KH: 3, KW: 3, COut: 512, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1},
		{Batch: 1, H: 56, W: 56, CIn: 128, KH: 3, KW: 3, COut: 128, StrideH: 2, StrideW: 2, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1},
		{Batch: 1, H: 224, W: 224, CIn: 3, KH: 4, KW: 4, COut: 96, StrideH: 4, StrideW: 4},
		{Batch: 8, H: 56, W: 56, CIn: 48, KH: 1, KW: 1, COut: 192},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		fill := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			return x
		}
		x, w, y := fill(c.Batch*c.H*c.W*c.CIn), fill(c.KH*c.KW*c.CIn*c.COut), fill(c.Batch*c.OutH()*c.OutW()*c.COut)
		bench := func(name string, scratch int, run func(scratch []float32)) {
			b.Run(fmt.Sprintf("%dx%d×%d,%d-%d/%s", c.Batch, c.H, c.KH, c.CIn, c.COut, name), func(b *testing.B) {
				memory := make([]float32, scratch)
				for b.Loop() {
					run(memory)
				}
				b.ReportMetric(2*float64(len(y))*float64(c.KH*c.KW*c.CIn)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		packed := make([]float32, c.PackedKernelSize())
		c.PackKernel(packed, w)
		bench("forward", c.ScratchSize(), func(s []float32) { c.Run(y, x, packed, 0, c.Units(), s) })
		dx := Conv2DInputGradient{c}
		packedDX := make([]float32, dx.PackedKernelSize())
		dx.PackKernel(packedDX, w)
		bench("dx", dx.ScratchSize(), func(s []float32) { dx.Run(x, y, packedDX, 0, dx.Units(), s) })
		dw := Conv2DWeightGradient{c}
		bench("dw", dw.ScratchSize(), func(s []float32) { dw.Run(w, x, y, 0, dw.Units(), s) })
	}
}
