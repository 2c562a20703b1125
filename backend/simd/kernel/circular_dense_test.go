package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// circularDenseCases returns lines of 1 to 33 and some longer ones with all sorts of channels, whole tensors and slices
// of wider ones.
func circularDenseCases(r *rand.Rand) []CircularDense {
	var lengths []int
	for n := range 33 {
		lengths = append(lengths, n+1)
	}
	lengths = append(lengths, 40, 49, 56, 61, 80, 112)
	var cases []CircularDense
	for i, n := range lengths {
		c := CircularDense{Batch: 1 + r.IntN(3), H: n, W: 1 + r.IntN(9), CIn: 1 + r.IntN(40), COut: 1 + r.IntN(70), Axis: Axis(i % 2)}
		if n > 33 {
			c.Batch, c.W, c.CIn, c.COut = 1, 1+r.IntN(3), 1+r.IntN(9), 1+r.IntN(9)
		}
		if c.Axis == Width {
			c.H, c.W = c.W, c.H
		}
		c.InStride, c.OutStride = c.CIn, c.COut
		if r.IntN(3) == 0 {
			c.InStride, c.OutStride = c.CIn+r.IntN(20), c.COut+r.IntN(20)
		}
		cases = append(cases, c)
	}
	return cases
}

// eachDenseTap calls f once a product with the indices of out, of w, of the embedding and of x.
func (c *CircularDense) eachDenseTap(f func(out, w, pe, x int)) {
	n := c.length()
	for line := range c.Lines() {
		pixel, step := c.place(line)
		for i := range n {
			for k := range n {
				at := (i + k) % n
				for in := range c.CIn {
					for o := range c.COut {
						f((pixel+i*step)*c.OutStride+o, (k*c.CIn+in)*c.COut+o, at*c.CIn+in, (pixel+at*step)*c.InStride+in)
					}
				}
			}
		}
	}
}

// span returns the number of floats from the first to the last of images whose pixels are so far apart.
func (c *CircularDense) span(stride, channels int) int { return (c.Batch*c.H*c.W-1)*stride + channels }

// denseProblem is a convolution with everything that can be added to it.
type denseProblem struct {
	CircularDense
	x, w, embedding []float32
}

func newDenseProblem(t *testing.T, r *rand.Rand, c CircularDense) *denseProblem {
	x, _ := guardedSlice(t, c.span(c.InStride, c.CIn), r.IntN(16))
	p := &denseProblem{CircularDense: c, x: normal(r, x), w: normal(r, make([]float32, c.length()*c.CIn*c.COut))}
	if r.IntN(2) == 0 {
		p.embedding = normal(r, make([]float32, c.length()*c.CIn))
	}
	if r.IntN(2) == 0 {
		p.Scale = normal(r, make([]float32, c.COut))
	}
	if r.IntN(2) == 0 {
		p.Bias = normal(r, make([]float32, c.COut))
	}
	if r.IntN(3) == 0 {
		p.Residual = normal(r, make([]float32, c.span(c.OutStride, c.COut)))
	}
	p.Activation = []Activation{None, ReLU, ReLU6}[r.IntN(3)]
	return p
}

// solve returns what the operator's definition gives, and the largest size that a value has on its way there; what lies
// between the channels is NaN. Reversed takes w[(-k) mod N].
func (p *denseProblem) solve(reversed bool) (want []float64, largest float64) {
	n, tap := p.length(), p.CIn*p.COut
	want = make([]float64, p.span(p.OutStride, p.COut))
	for o := range want {
		want[o] = math.NaN()
	}
	p.eachDenseTap(func(o, w, pe, x int) {
		if math.IsNaN(want[o]) {
			want[o] = 0
		}
		if reversed {
			w = (n-w/tap)%n*tap + w%tap
		}
		z := float64(p.x[x])
		if p.embedding != nil {
			z += float64(p.embedding[pe])
		}
		want[o] += float64(p.w[w]) * z
	})
	for o, sum := range want {
		if math.IsNaN(sum) {
			continue
		}
		channel := o % p.OutStride
		if p.Scale != nil {
			largest = max(largest, math.Abs(sum))
			sum *= float64(p.Scale[channel])
		}
		if p.Bias != nil {
			sum += float64(p.Bias[channel])
		}
		largest = max(largest, math.Abs(sum))
		if p.Activation != None {
			sum = max(sum, 0)
		}
		if p.Activation == ReLU6 {
			sum = min(sum, 6)
		}
		if p.Residual != nil {
			sum += float64(p.Residual[o])
		}
		want[o] = sum
		largest = max(largest, math.Abs(sum))
	}
	return want, largest
}

// agreeAsSums checks got against want, values that came from sums of so many terms and were at most so large on the way:
// the roundings of a sum grow like the root of the number of its terms.
func agreeAsSums(t *testing.T, got []float32, want []float64, terms int, largest float64) {
	t.Helper()
	tolerance := 8 * 0x1p-24 * math.Sqrt(float64(terms)) * largest
	for i, w := range want {
		if math.IsNaN(w) != math.IsNaN(float64(got[i])) || math.Abs(w-float64(got[i])) > tolerance {
			t.Fatalf("value %d of %d is %g, want %g ± %g", i, len(want), got[i], w, tolerance)
		}
	}
}

func TestCircularDenseIsTheSumOverItsAxisAndChannels(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularDenseCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				p := newDenseProblem(t, r, c)
				reversed := r.IntN(3) == 0
				want, largest := p.solve(reversed)
				packed := sameForAnySplit(t, p.PackedSize(), p.PackUnits(), p.PackScratchSize(), func(packed []float32, lo, hi int, scratch []float32) {
					p.Pack(packed, p.w, p.embedding, reversed, lo, hi, scratch)
				})
				got := sameForAnySplit(t, len(want), p.Units(), p.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					p.Run(out, p.x, packed, lo, hi, scratch)
				})
				agreeAsSums(t, got, want, c.length()*c.CIn, largest)
			})
		}
	})
}

func TestCircularDenseDFTIsTheSumOverItsAxisAndChannels(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularDenseCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				p := newDenseProblem(t, r, c)
				reversed := r.IntN(3) == 0
				want, largest := p.solve(reversed)
				d := CircularDenseDFT{p.CircularDense}
				packed := sameForAnySplit(t, d.PackedSize(), d.PackUnits(), d.PackScratchSize(), func(packed []float32, lo, hi int, scratch []float32) {
					d.Pack(packed, p.w, p.embedding, reversed, lo, hi, scratch)
				})
				spectrum := sameForAnySplit(t, d.SpectrumSize(), d.LineUnits(), d.ScratchSize(), func(spectrum []float32, lo, hi int, scratch []float32) {
					d.Transform(spectrum, p.x, lo, hi, scratch)
				})
				products := sameForAnySplit(t, d.ProductsSize(), d.MultiplyUnits(), d.ScratchSize(), func(products []float32, lo, hi int, scratch []float32) {
					d.Multiply(products, spectrum, packed, lo, hi, scratch)
				})
				got := sameForAnySplit(t, len(want), d.LineUnits(), d.ScratchSize(), func(out []float32, lo, hi int, scratch []float32) {
					d.Return(out, products, lo, hi, scratch)
				})
				agreeAsSums(t, got, want, c.length()+c.CIn, largest)
			})
		}
	})
}

func TestCircularDenseDFTGradientIsTheSumOverImagesAndLines(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, c := range circularDenseCases(r) {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				x, v := normal(r, make([]float32, c.span(c.InStride, c.CIn))), normal(r, make([]float32, c.span(c.OutStride, c.COut)))
				want := make([]float64, c.length()*c.CIn*c.COut)
				c.eachDenseTap(func(o, w, _, i int) { want[w] += float64(v[o]) * float64(x[i]) })
				g := CircularDenseDFTGradient{CircularDenseDFT{c}}
				size := g.ScratchSize()
				spectrum := sameForAnySplit(t, g.SpectrumSize(), g.LineUnits(), size, func(spectrum []float32, lo, hi int, scratch []float32) {
					g.Transform(spectrum, x, lo, hi, scratch)
				})
				gradientSpectrum := sameForAnySplit(t, g.GradientSpectrumSize(), g.LineUnits(), size, func(spectrum []float32, lo, hi int, scratch []float32) {
					g.TransformGradient(spectrum, v, lo, hi, scratch)
				})
				sums := sameForAnySplit(t, g.SumsSize(), g.MultiplyUnits(), size, func(sums []float32, lo, hi int, scratch []float32) {
					g.Multiply(sums, spectrum, gradientSpectrum, lo, hi, scratch)
				})
				got := sameForAnySplit(t, len(want), g.ReturnUnits(), size, func(dw []float32, lo, hi int, scratch []float32) {
					g.Return(dw, sums, lo, hi, scratch)
				})
				largest := 0.0
				for _, w := range want {
					largest = max(largest, math.Abs(w))
				}
				agreeAsSums(t, got, want, c.length()+c.Lines(), largest)
			})
		}
	})
}

func TestPlanesTakeTheirTimeOnce(t *testing.T) {
	first := planeMatricesOf(12)
	if again := planeMatricesOf(12); again != first {
		t.Error("the matrices of one length are made twice")
	}
}

func BenchmarkCircularDense(b *testing.B) {
	for _, c := range []CircularDense{
		{Batch: 1, H: 14, W: 14, CIn: 128, COut: 128, InStride: 128, OutStride: 128},
		{Batch: 8, H: 14, W: 14, CIn: 128, COut: 128, InStride: 128, OutStride: 128},
		{Batch: 1, H: 7, W: 7, CIn: 256, COut: 256, InStride: 256, OutStride: 256},
		{Batch: 8, H: 7, W: 7, CIn: 256, COut: 256, InStride: 256, OutStride: 256},
		{Batch: 1, H: 56, W: 56, CIn: 64, COut: 64, InStride: 64, OutStride: 64},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		x, w := normal(r, make([]float32, c.span(c.InStride, c.CIn))), normal(r, make([]float32, c.length()*c.CIn*c.COut))
		out := make([]float32, c.span(c.OutStride, c.COut))
		name := fmt.Sprintf("N=%d/C=%d/batch=%d", c.H, c.CIn, c.Batch)
		b.Run("direct/"+name, func(b *testing.B) {
			packed, scratch := make([]float32, c.PackedSize()), make([]float32, c.ScratchSize())
			c.Pack(packed, w, nil, false, 0, c.PackUnits(), scratch)
			for b.Loop() {
				c.Run(out, x, packed, 0, c.Units(), scratch)
			}
			b.ReportMetric(2*float64(c.MultiplyAdds())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
		d := CircularDenseDFT{c}
		packed, scratch := make([]float32, d.PackedSize()), make([]float32, d.ScratchSize()+d.PackScratchSize())
		d.Pack(packed, w, nil, false, 0, d.PackUnits(), scratch)
		spectrum, products := make([]float32, d.SpectrumSize()), make([]float32, d.ProductsSize())
		for step, run := range map[string]func(){
			"pack":      func() { d.Pack(packed, w, nil, false, 0, d.PackUnits(), scratch) },
			"transform": func() { d.Transform(spectrum, x, 0, d.LineUnits(), scratch) },
			"multiply":  func() { d.Multiply(products, spectrum, packed, 0, d.MultiplyUnits(), scratch) },
			"return":    func() { d.Return(out, products, 0, d.LineUnits(), scratch) },
			"frequencies": func() {
				d.Transform(spectrum, x, 0, d.LineUnits(), scratch)
				d.Multiply(products, spectrum, packed, 0, d.MultiplyUnits(), scratch)
				d.Return(out, products, 0, d.LineUnits(), scratch)
			},
		} {
			b.Run(step+"/"+name, func(b *testing.B) {
				for b.Loop() {
					run()
				}
			})
		}
	}
}
