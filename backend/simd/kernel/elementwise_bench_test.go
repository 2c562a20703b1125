package kernel

import (
	"math/rand/v2"
	"strconv"
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

func BenchmarkLayerNorm(b *testing.B) {
	for _, columns := range []int{96, 768} {
		b.Run(strconv.Itoa(columns), func(b *testing.B) {
			rows := 1 << 20 / columns
			l, err := NewLayerNorm(rows, columns, 1e-6)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			x, gamma, y := gaussians(r, rows*columns), gaussians(r, columns), make([]float32, rows*columns)
			mean, invStd := make([]float32, rows), make([]float32, rows)
			b.SetBytes(int64(8 * rows * columns))
			for b.Loop() {
				l.Run(y, x, gamma, gamma, mean, invStd, 0, l.Units())
			}
		})
	}
}

func BenchmarkTranspose(b *testing.B) {
	c, err := NewTranspose(4, []int{8, 3136, 48}, []int{0, 2, 1})
	if err != nil {
		b.Fatal(err)
	}
	const n = 8 * 3136 * 48
	x, y := gaussians(rand.New(rand.NewPCG(1, 2)), n), make([]float32, n)
	b.SetBytes(8 * n)
	for b.Loop() {
		c.Run(Memory(unsafe.SliceData(y)), Memory(unsafe.SliceData(x)), 0, c.Units())
	}
}

func BenchmarkColumnSum(b *testing.B) {
	const rows, columns = 10000, 96
	a, err := NewAxisReduction(ReduceSum, 1, rows, columns)
	if err != nil {
		b.Fatal(err)
	}
	x, y, partials := gaussians(rand.New(rand.NewPCG(1, 2)), rows*columns), make([]float32, columns), make([]float32, a.PartialSize())
	b.SetBytes(4 * rows * columns)
	for b.Loop() {
		a.Run(y, x, partials, 0, a.Units())
		a.Combine(y, partials)
	}
}

// BenchmarkUnary runs one operation over a slice in the first-level cache.
func BenchmarkUnary(b *testing.B) {
	x := gaussians(rand.New(rand.NewPCG(1, 2)), 1024)
	y := make([]float32, len(x))
	for name, op := range map[string]Op{"exp": OpExp, "erf": OpErf, "tanh": OpTanh, "log": OpLog, "logistic": OpLogistic, "abs": OpAbs} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(8 * len(x)))
			for b.Loop() {
				Unary(op, y, x)
			}
		})
	}
}
