package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// measure returns the picoseconds for each element that a part takes in both forms. They take turns, and the shortest
// of many times counts: what else runs on the machine only adds to a time.
func measure(part costs.Part, c kernel.Circular) (direct, frequencies int) {
	elements := c.Batch * c.H * c.W * c.C
	if part == costs.Packing {
		elements = costs.Length(c) * c.C
	}
	calls := [2]func(){prepare(part, c, c), prepare(part, c, kernel.CircularFFT{Circular: c})}
	shortest := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	const atLeast, budget = 2, 3 * time.Millisecond
	begun := time.Now()
	for turn := 0; turn < atLeast || time.Since(begun) < budget; turn++ {
		for i, call := range calls {
			start := time.Now()
			call()
			shortest[i] = min(shortest[i], time.Since(start))
		}
	}
	picoseconds := func(d time.Duration) int { return int(math.Round(1e3 * float64(d) / float64(elements))) }
	return picoseconds(shortest[0]), picoseconds(shortest[1])
}

// form is what both forms of the convolution can do.
type form interface {
	PackedSize() int
	PackUnits() int
	Pack(packed, w []float32, terms kernel.CircularTerms, lo, hi int)
	Units() int
	ScratchSize() int
	Run(out, x, packed []float32, lo, hi int, scratch []float32)
}

// gradientForm is what both forms of the kernel's gradient can do.
type gradientForm interface {
	Units() int
	PartialSize() int
	ScratchSize() int
	Run(partial, v, x, embedding []float32, lo, hi int, scratch []float32)
	Combine(dw, partial []float32)
}

// prepare returns a call of a part in a form.
func prepare(part costs.Part, c kernel.Circular, f form) func() {
	elements, n := c.Batch*c.H*c.W*c.C, costs.Length(c)
	x := normal(elements)
	switch part {
	case costs.KernelGradient:
		return prepareGradient(c, x, gradientOf(c, f))
	case costs.Gradients:
		return prepareGradients(c, x, f)
	}
	w, bias := normal(n*c.C), normal(c.C)
	packed := make([]float32, f.PackedSize())
	pack := func() { f.Pack(packed, w, kernel.CircularTerms{Bias: bias}, 0, f.PackUnits()) }
	pack()
	if part == costs.Packing {
		return pack
	}
	out, scratch := make([]float32, elements), make([]float32, f.ScratchSize())
	return func() { f.Run(out, x, packed, 0, f.Units(), scratch) }
}

func gradientOf(c kernel.Circular, f form) gradientForm {
	if frequencies, ok := f.(kernel.CircularFFT); ok {
		return kernel.CircularFFTGradient{CircularFFT: frequencies}
	}
	return kernel.CircularGradient{Circular: c}
}

func prepareGradient(c kernel.Circular, x []float32, g gradientForm) func() {
	partial, scratch := make([]float32, g.PartialSize()), make([]float32, g.ScratchSize())
	dw := make([]float32, costs.Length(c)*c.C)
	return func() {
		g.Run(partial, x, x, nil, 0, g.Units(), scratch)
		g.Combine(dw, partial)
	}
}

func prepareGradients(c kernel.Circular, x []float32, f form) func() {
	gradient := gradientOf(c, f)
	frequencies, ok := gradient.(kernel.CircularFFTGradient)
	if !ok {
		convolve, correlate := prepare(costs.Forward, c, f), prepareGradient(c, x, gradient)
		return func() {
			convolve()
			correlate()
		}
	}
	g := kernel.CircularFFTGradients{CircularFFTGradient: frequencies, Stride: c.OutStride}
	packed, scratch := make([]float32, f.PackedSize()), make([]float32, g.ScratchSize())
	f.Pack(packed, normal(costs.Length(c)*c.C), kernel.CircularTerms{}, 0, f.PackUnits())
	dx, partial, sum := make([]float32, len(x)), make([]float32, g.PartialSize()), make([]float32, g.SumSize())
	dw, lines := make([]float32, costs.Length(c)*c.C), make([]float32, costs.Length(c)*c.C)
	return func() {
		g.Run(dx, partial, sum, x, x, packed, 0, g.Units(), scratch)
		g.Combine(dw, partial)
		g.CombineSum(lines, sum)
	}
}

// normal returns normal numbers, which nobody may change.
func normal(size int) []float32 {
	for len(numbers) < size {
		numbers = append(numbers, float32(random.NormFloat64()))
	}
	return numbers[:size]
}

var (
	random  = rand.New(rand.NewPCG(1, 2))
	numbers []float32
)
