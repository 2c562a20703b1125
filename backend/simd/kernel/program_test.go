package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// reference is one value of a random program, element by element in float64.
type reference []float64

// programCase is a random program, its inputs and what its outputs must be.
type programCase struct {
	program *Program
	inputs  []Memory
	keep    []any
	wants   []reference
	bools   []bool
	text    string
}

// randomProgram builds a program over [rows, middle, columns] with every sort of input and output.
func randomProgram(t *testing.T, r *rand.Rand, rows, middle, columns int) programCase {
	n := rows * middle * columns
	b := NewProgram(n)
	c := programCase{text: fmt.Sprintf("[%d %d %d]", rows, middle, columns)}
	var values []Value
	var refs []reference
	patterns := []Broadcast{
		{1, 1, n}, {n, 1, 1}, {1, n, 1}, {1, rows * middle, columns}, {rows * middle, columns, 1}, {rows, middle, columns}, {rows, middle * columns, 1},
	}
	for i := range 3 + r.IntN(5) {
		p := patterns[r.IntN(len(patterns))]
		ref := make(reference, n)
		if r.IntN(4) == 0 {
			data := make([]byte, p.Len())
			for k := range data {
				data[k] = byte(r.IntN(2))
			}
			for k := range ref {
				ref[k] = float64(data[k/(p.Repeat*p.Inner)*p.Inner+k%p.Inner])
			}
			values = append(values, b.BoolInput(p))
			c.inputs, c.keep = append(c.inputs, Memory(unsafe.SliceData(data))), append(c.keep, data)
		} else {
			data := gaussians(r, p.Len())
			for k := range ref {
				ref[k] = float64(data[k/(p.Repeat*p.Inner)*p.Inner+k%p.Inner])
			}
			values = append(values, b.Input(p))
			c.inputs, c.keep = append(c.inputs, Memory(unsafe.SliceData(data))), append(c.keep, data)
		}
		c.text += fmt.Sprintf(" in%d %v %T", i, p, c.keep[i])
		refs = append(refs, ref)
	}
	inputs := len(values)
	values = append(values, b.Constant(0.75), b.Constant(-1.25))
	for _, v := range []float64{0.75, -1.25} {
		ref := make(reference, n)
		for k := range ref {
			ref[k] = v
		}
		refs = append(refs, ref)
	}
	ops := []Op{OpAdd, OpSub, OpMul, OpMul, OpAdd, OpSub, OpMax, OpMin, OpTanh, OpLogistic, OpErf, OpNeg, OpAbs, OpMulAdd, OpMulSub, OpSubMul}
	for range 2 + r.IntN(14) {
		op := ops[r.IntN(len(ops))]
		limit := len(values)
		if r.IntN(6) == 0 { // comparisons of inputs only, where rounding cannot turn them
			op, limit = OpLess, inputs
		}
		var args []Value
		var x [3]reference
		for k := range op.Operands() {
			i := r.IntN(limit)
			args, x[k] = append(args, values[i]), refs[i]
		}
		ref := make(reference, n)
		for k := range ref {
			switch op {
			case OpLess:
				ref[k] = float64(oneIf(x[0][k] < x[1][k]))
			case OpMulAdd:
				ref[k] = x[0][k]*x[1][k] + x[2][k]
			case OpMulSub:
				ref[k] = x[0][k]*x[1][k] - x[2][k]
			case OpSubMul:
				ref[k] = x[2][k] - x[0][k]*x[1][k]
			case OpAdd:
				ref[k] = x[0][k] + x[1][k]
			case OpSub:
				ref[k] = x[0][k] - x[1][k]
			case OpMul:
				ref[k] = math.Tanh(x[0][k] * x[1][k])
			case OpMax:
				ref[k] = math.Max(x[0][k], x[1][k])
			case OpMin:
				ref[k] = math.Min(x[0][k], x[1][k])
			case OpTanh:
				ref[k] = math.Tanh(x[0][k])
			case OpErf:
				ref[k] = math.Erf(x[0][k])
			case OpLogistic:
				ref[k] = 1 / (1 + math.Exp(-x[0][k]))
			case OpNeg:
				ref[k] = -x[0][k]
			case OpAbs:
				ref[k] = math.Abs(x[0][k])
			}
		}
		v := b.Apply(op, args...)
		if op == OpMul { // kept small
			v = b.Apply(OpTanh, v)
		}
		values, refs = append(values, v), append(refs, ref)
	}
	for range 1 + r.IntN(4) {
		i := len(values) - 1 - r.IntN(min(len(values), 6))
		v, ref, want := values[i], refs[i], reference(nil)
		reduction := Reduction(r.IntN(3))
		if r.IntN(3) == 0 {
			reduction = ReduceSum
		}
		kind := r.IntN(5)
		c.text += fmt.Sprint(" out", v, kind, reduction)
		switch kind {
		case 0:
			less := b.Apply(OpLess, values[0], values[1])
			b.BoolOutput(less)
			for k := range refs[0] {
				want = append(want, float64(oneIf(refs[0][k] < refs[1][k])))
			}
		case 1:
			b.ReduceRows(reduction, v, columns)
			for k := range rows * middle {
				want = append(want, reduce64(reduction, ref[k*columns:][:columns]))
			}
		case 2:
			b.ReduceColumns(reduction, v, columns)
			for k := range columns {
				var column []float64
				for j := k; j < n; j += columns {
					column = append(column, ref[j])
				}
				want = append(want, reduce64(reduction, column))
			}
		default:
			b.Output(v)
			want = ref
		}
		c.wants, c.bools = append(c.wants, want), append(c.bools, kind == 0)
	}
	var err error
	if c.program, err = b.Done(); err != nil {
		t.Fatal(err)
	}
	return c
}

func reduce64(r Reduction, x []float64) float64 {
	y := float64(r.identity())
	for _, v := range x {
		switch r {
		case ReduceSum:
			y += v
		case ReduceMax:
			y = math.Max(y, v)
		case ReduceMin:
			y = math.Min(y, v)
		default:
			y *= v
		}
	}
	return y
}

// runProgram runs a program in units of at most step, from the last to the first, and returns its outputs as floats.
func (c *programCase) run(t *testing.T, step int) [][]float32 {
	var outputs []Memory
	var results [][]float32
	var bools [][]byte
	var checks []func() bool
	for i, want := range c.wants {
		x, intact := fencedFloats(len(want))
		m := make([]byte, len(want)+1)
		m[len(want)] = 77
		results, bools, checks = append(results, x), append(bools, m), append(checks, func() bool { return intact() && m[len(want)] == 77 })
		if c.bools[i] {
			outputs = append(outputs, Memory(unsafe.SliceData(m)))
		} else {
			outputs = append(outputs, Memory(unsafe.SliceData(x)))
		}
	}
	partials, partialsIntact := fencedFloats(c.program.PartialSize())
	scratch, scratchIntact := fencedFloats(c.program.ScratchSize())
	for lo := (c.program.Units() - 1) / step * step; lo >= 0; lo -= step {
		fill(scratch, float32(math.NaN()))
		c.program.Run(c.inputs, outputs, partials, scratch, lo, min(lo+step, c.program.Units()))
	}
	c.program.Combine(outputs, partials)
	for i, intact := range append(checks, partialsIntact, scratchIntact) {
		if !intact() {
			t.Errorf("%s: memory %d was written past its end", c.text, i)
		}
	}
	for i := range results {
		if c.bools[i] {
			boolsToFloatsGeneric(results[i], bools[i][:len(results[i])])
		}
	}
	return results
}

func TestProgramAgreesWithFloat64AndWithAnySplit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		shapes := [][3]int{{1, 1, 1}, {1, 1, 5}, {3, 7, 1}, {2, 9, 16}, {4, 50, 3}, {5, 11, 48}, {3, 70, 96}, {2, 13, 300}, {2, 3, 1030}, {1, 2, 3000}, {1, 1, 40000}, {2, 2, 9000}, {1, 20000, 2}, {300, 10, 17}}
		for round := range 60 {
			shape := shapes[round%len(shapes)]
			c := randomProgram(t, r, shape[0], shape[1], shape[2])
			whole := c.run(t, c.program.Units())
			split := c.run(t, 1+r.IntN(3))
			for i, want := range c.wants {
				for k, w := range want {
					if whole[i][k] != split[i][k] {
						t.Fatalf("%s: output %d at %d is %g whole, %g split", c.text, i, k, whole[i][k], split[i][k])
					}
					tolerance := 2e-5 * (1 + math.Abs(w))
					if len(want) < len(c.wants[0]) || len(want) < shape[0]*shape[1]*shape[2] {
						tolerance *= math.Sqrt(float64(shape[0] * shape[1] * shape[2] / len(want)))
					}
					if !(math.Abs(float64(whole[i][k])-w) <= tolerance) {
						t.Fatalf("%s: output %d at %d is %g, want %g", c.text, i, k, whole[i][k], w)
					}
				}
			}
		}
	})
}

func TestProgramRunAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	c := randomProgram(t, r, 4, 50, 48)
	var outputs []Memory
	for _, w := range c.wants {
		outputs = append(outputs, Memory(unsafe.SliceData(make([]float32, len(w)))))
	}
	partials, scratch := make([]float32, c.program.PartialSize()), make([]float32, c.program.ScratchSize())
	if n := testing.AllocsPerRun(10, func() {
		c.program.Run(c.inputs, outputs, partials, scratch, 0, c.program.Units())
		c.program.Combine(outputs, partials)
	}); n != 0 {
		t.Errorf("%g allocations a run, want none", n)
	}
}
