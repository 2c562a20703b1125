package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// BenchmarkGELU runs y = x/2·(1+erf(x/√2)) over a tensor that fits the third-level cache.
func BenchmarkGELU(b *testing.B) {
	const n = 1 << 20
	p := NewProgram(n)
	x := p.Input(Broadcast{1, 1, n})
	e := p.Apply(OpErf, p.Apply(OpMul, x, p.Constant(0.70710678)))
	p.Output(p.Apply(OpMul, p.Apply(OpMul, x, p.Constant(0.5)), p.Apply(OpAdd, e, p.Constant(1))))
	benchmarkProgram(b, p, n, n)
}

// BenchmarkScaleShift runs y = max(x·scale + shift + r, 0) with a scale and a shift a channel.
func BenchmarkScaleShift(b *testing.B) {
	const n, c = 1 << 20, 64
	p := NewProgram(n)
	row := Broadcast{1, n / c, c}
	x, scale, shift, r := p.Input(Broadcast{1, 1, n}), p.Input(row), p.Input(row), p.Input(Broadcast{1, 1, n})
	y := p.Apply(OpAdd, p.Apply(OpAdd, p.Apply(OpMul, x, scale), shift), r)
	p.Output(p.Apply(OpMax, y, p.Constant(0)))
	benchmarkProgram(b, p, n, n, c, c, n)
}

// benchmarkProgram times a program with one output; sizes are those of the output and the inputs.
func benchmarkProgram(b *testing.B, builder *ProgramBuilder, sizes ...int) {
	p, err := builder.Done()
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var memory []Memory
	for _, n := range sizes {
		memory = append(memory, Memory(unsafe.SliceData(gaussians(r, n))))
	}
	total := 0
	for _, n := range sizes {
		total += 4 * n
	}
	b.SetBytes(int64(total))
	scratch := make([]float32, p.ScratchSize())
	for b.Loop() {
		p.Run(memory[1:], memory[:1], nil, scratch, 0, p.Units())
	}
}
