package kernel

// This file builds programs: chains of element-wise operations that run tile by tile in the first-level cache.

import (
	"fmt"
	"slices"
	"unsafe"
)

// Program computes one or more tensors of n elements, or reductions of them, from inputs that may repeat. It works a
// tile of at most a thousand elements at a time, so that what passes between operations stays in the cache. It may run
// at the same time in several places, each with scratch memory of its own, and gives the same bits however its units
// are split.
type Program struct {
	inputs       []programInput
	outputs      []programOutput
	constants    []float32
	instructions []instruction
	registers    int
	partialSize  int
	geometry
}

// Broadcast says how an input of shape [Outer, 1, Inner] repeats to [Outer, Repeat, Inner]: element i of the result is
// source[i/(Repeat·Inner)·Inner + i%Inner]. A full tensor has Repeat 1, a scalar Outer and Inner 1, a row of channels
// Outer 1, a column Inner 1.
type Broadcast struct{ Outer, Repeat, Inner int }

// Len returns how many elements the source has.
func (b Broadcast) Len() int { return b.Outer * b.Inner }

func (b Broadcast) full() bool   { return b.Repeat == 1 }
func (b Broadcast) scalar() bool { return b.Outer == 1 && b.Inner == 1 && b.Repeat > 1 }

// Reduction is a way to make one number of many. An empty sum is 0, an empty product 1, an empty maximum −Inf.
type Reduction uint8

// The reductions. Max and min are NaN if an element is.
const (
	ReduceSum Reduction = iota
	ReduceMax
	ReduceMin
	ReduceProduct
)

// Value stands for a tensor inside a program.
type Value int32

// ProgramBuilder makes a Program. Its first error is kept and returned by Done.
type ProgramBuilder struct {
	n         int
	inputs    []programInput
	outputs   []programOutput
	constants []float32
	nodes     []node
	known     map[node]Value
	err       error
}

type programInput struct {
	Broadcast
	bool bool
}

// programOutput is a full tensor, or a reduction of it along the rows or down the columns of [n/columns, columns].
type programOutput struct {
	value     Value
	kind      outputKind
	reduction Reduction
	columns   int
	source    location
	partial   int // where its partial results begin; −1 without
}

type outputKind uint8

const (
	floatOutput outputKind = iota
	boolOutput
	rowOutput
	columnOutput
)

// node is one value: a constant or input (index says which) or an operation on earlier values.
type node struct {
	kind  nodeKind
	op    Op
	index int
	args  [3]Value
}

type nodeKind uint8

const (
	constantNode nodeKind = iota
	inputNode
	opNode
)

const (
	maxInputs = 64
	none      = Value(-1)
)

// NewProgram begins a program over n elements.
func NewProgram(n int) *ProgramBuilder {
	b := &ProgramBuilder{n: n, known: map[node]Value{}}
	if n < 1 {
		b.fail("program of %d elements, want at least 1", n)
	}
	return b
}

// Input adds the next float32 input.
func (b *ProgramBuilder) Input(pattern Broadcast) Value { return b.input(programInput{pattern, false}) }

// BoolInput adds the next input of type bool; its value is 1 or 0.
func (b *ProgramBuilder) BoolInput(pattern Broadcast) Value {
	return b.input(programInput{pattern, true})
}

func (b *ProgramBuilder) input(in programInput) Value {
	if in.Outer < 1 || in.Repeat < 1 || in.Inner < 1 || in.Outer*in.Repeat*in.Inner != b.n {
		b.fail("input %d repeats [%d, 1, %d] %d times, want %d elements in all", len(b.inputs), in.Outer, in.Inner, in.Repeat, b.n)
	}
	if len(b.inputs) == maxInputs {
		b.fail("program of more than %d inputs", maxInputs)
	}
	b.inputs = append(b.inputs, in)
	return b.add(node{kind: inputNode, index: len(b.inputs) - 1})
}

// Constant adds a number.
func (b *ProgramBuilder) Constant(v float32) Value {
	for i, c := range b.constants {
		if c == v && v != 0 {
			return b.add(node{kind: constantNode, index: i})
		}
	}
	b.constants = append(b.constants, v)
	return b.add(node{kind: constantNode, index: len(b.constants) - 1})
}

// Apply adds an operation. Equal operations on equal operands are computed once, constants are folded, and a product
// that only a sum or difference uses is rounded once together with it.
func (b *ProgramBuilder) Apply(op Op, operands ...Value) Value {
	if op >= opCount || len(operands) != op.Operands() {
		b.fail("operation %d on %d operands", op, len(operands))
		return 0
	}
	nd, folded := node{kind: opNode, op: op, args: [3]Value{none, none, none}}, true
	for i, v := range operands {
		if v < 0 || int(v) >= len(b.nodes) {
			b.fail("operation %d on value %d of %d", op, v, len(b.nodes))
			return 0
		}
		nd.args[i] = v
		folded = folded && b.nodes[v].kind == constantNode
	}
	switch {
	case folded:
		return b.Constant(b.fold(nd))
	case op == OpPow && b.nodes[operands[1]].kind == constantNode:
		if v, ok := b.power(operands[0], b.constants[b.nodes[operands[1]].index]); ok {
			return v
		}
	}
	return b.add(nd)
}

// fold computes an operation on constants.
func (b *ProgramBuilder) fold(nd node) float32 {
	var c [3]float32
	for i := range nd.op.Operands() {
		c[i] = b.constants[b.nodes[nd.args[i]].index]
	}
	switch nd.op.Operands() {
	case 1:
		return unaryFunctions[nd.op](c[0])
	case 2:
		return binaryFunctions[nd.op](c[0], c[1])
	default:
		return ternaryFunctions[nd.op](c[0], c[1], c[2])
	}
}

// power gives x to the powers that have a shorter way than OpPow.
func (b *ProgramBuilder) power(x Value, exponent float32) (Value, bool) {
	switch exponent {
	case 1:
		return x, true
	case 2:
		return b.Apply(OpMul, x, x), true
	case 3:
		return b.Apply(OpMul, b.Apply(OpMul, x, x), x), true
	case 0.5:
		return b.Apply(OpSqrt, x), true
	case -0.5:
		return b.Apply(OpRsqrt, x), true
	case -1:
		return b.Apply(OpDiv, b.Constant(1), x), true
	default:
		return 0, false
	}
}

// Output makes v the next output, a float32 tensor of n elements.
func (b *ProgramBuilder) Output(v Value) {
	b.output(programOutput{value: v, kind: floatOutput, columns: b.n})
}

// BoolOutput makes v the next output, a tensor of n elements of type bool.
func (b *ProgramBuilder) BoolOutput(v Value) {
	b.output(programOutput{value: v, kind: boolOutput, columns: b.n})
}

// ReduceRows makes the reduction of v, as [n/columns, columns], over its last axis the next output, [n/columns].
// All reductions of a program have the same number of columns.
func (b *ProgramBuilder) ReduceRows(r Reduction, v Value, columns int) {
	b.output(programOutput{value: v, kind: rowOutput, reduction: r, columns: columns})
}

// ReduceColumns makes the reduction of v, as [n/columns, columns], over its first axis the next output, [columns].
func (b *ProgramBuilder) ReduceColumns(r Reduction, v Value, columns int) {
	b.output(programOutput{value: v, kind: columnOutput, reduction: r, columns: columns})
}

func (b *ProgramBuilder) output(o programOutput) {
	o.partial = -1
	switch {
	case o.value < 0 || int(o.value) >= len(b.nodes):
		b.fail("output %d is value %d of %d", len(b.outputs), o.value, len(b.nodes))
		return
	case o.columns < 1 || b.n%max(o.columns, 1) != 0:
		b.fail("output %d has %d columns, want a divisor of %d", len(b.outputs), o.columns, b.n)
		return
	}
	if o.kind >= rowOutput {
		for i, other := range b.outputs {
			if other.kind >= rowOutput && other.columns != o.columns {
				b.fail("output %d reduces rows of %d columns, output %d of %d; want the same", i, other.columns, len(b.outputs), o.columns)
			}
		}
	}
	if o.kind != floatOutput && !b.tiled(o.value) {
		o.value = b.add(node{kind: opNode, op: OpCopy, args: [3]Value{o.value, none, none}})
	}
	b.outputs = append(b.outputs, o)
}

// tiled reports whether a value lies in memory element by element: neither repeated nor made of scalars alone.
func (b *ProgramBuilder) tiled(v Value) bool {
	switch nd := b.nodes[v]; nd.kind {
	case constantNode:
		return false
	case inputNode:
		return b.inputs[nd.index].full()
	default:
		return nd.op == OpCopy || slices.ContainsFunc(nd.args[:nd.op.Operands()], func(arg Value) bool {
			made := b.nodes[arg]
			return made.kind == inputNode && !b.inputs[made.index].scalar() || made.kind == opNode && b.tiled(arg)
		})
	}
}

// add returns the value of a node, the earlier one if it is known.
func (b *ProgramBuilder) add(nd node) Value {
	if v, ok := b.known[nd]; ok {
		return v
	}
	v := Value(len(b.nodes))
	b.nodes = append(b.nodes, nd)
	b.known[nd] = v
	return v
}

func (b *ProgramBuilder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("kernel: "+format, args...)
	}
}

// Done returns the program.
func (b *ProgramBuilder) Done() (*Program, error) {
	if len(b.outputs) == 0 {
		b.fail("program without outputs")
	}
	if b.err != nil {
		return nil, b.err
	}
	p := &Program{inputs: b.inputs, outputs: b.outputs, constants: b.constants}
	b.assemble(p)
	p.geometry = chooseGeometry(b.n, p)
	p.placePartials()
	return p, nil
}

// ScratchSize returns how many floats of memory of its own a Run needs.
func (p *Program) ScratchSize() int { return p.registers*p.tile + tileAlignment }

// MayAlias reports whether output o may use the memory of input i: both are full and of one type, and no tile of the
// input is read after that of the output is written.
func (p *Program) MayAlias(i, o int) bool {
	in, out := p.inputs[i], p.outputs[o]
	if !in.full() || in.bool || out.kind != floatOutput {
		return false
	}
	at := location{inputPlace, int32(i)}
	written := false
	for _, s := range p.instructions {
		for _, a := range s.args[:s.op.Operands()] {
			if written && a == at {
				return false
			}
		}
		written = written || s.dst == location{outputPlace, int32(o)}
	}
	for j, other := range p.outputs {
		if j != o && other.source == at {
			return false
		}
	}
	return true
}

// Memory is where a tensor begins: float32, or bytes for bool.
type Memory = unsafe.Pointer
