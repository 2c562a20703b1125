package kernel

// This file turns the values of a program into instructions on registers.

import "slices"

// instruction is one operation on a tile; a scalar one works on the first element only.
type instruction struct {
	op     Op
	scalar bool
	dst    location
	args   [3]location
}

// location is where a tile of a value is.
type location struct {
	memory memorySpace
	index  int32
}

type memorySpace uint8

const (
	nowhere       memorySpace = iota
	constantPlace             // a constant
	inputPlace                // an input, or its expansion in the register of the same number
	registerPlace             // a tile of scratch
	scalarPlace               // the first element of a tile of scratch
	outputPlace               // an output's own memory
)

// assembler holds what is known of each value while instructions are written.
type assembler struct {
	nodes   []node
	uses    []int
	last    []int // the instruction that reads the value last
	scalar  []bool
	where   []location
	free    []int32
	program *Program
}

// assemble writes the instructions of all values that outputs need. Registers 0 to inputs−1 hold expanded inputs; the
// others are handed out by last use.
func (b *ProgramBuilder) assemble(p *Program) {
	nodes := slices.Clone(b.nodes)
	a := &assembler{
		nodes: nodes, uses: make([]int, len(nodes)), last: make([]int, len(nodes)),
		scalar: make([]bool, len(nodes)), where: make([]location, len(nodes)), program: p,
	}
	p.registers = len(p.inputs)
	a.countUses()
	a.joinProducts()
	a.findLastUses()
	for v, nd := range a.nodes {
		switch nd.kind {
		case constantNode:
			a.scalar[v], a.where[v] = true, location{constantPlace, int32(nd.index)}
		case inputNode:
			a.scalar[v], a.where[v] = p.inputs[nd.index].scalar(), location{inputPlace, int32(nd.index)}
		case opNode:
			if a.uses[v] > 0 {
				a.write(Value(v))
			}
		}
	}
	a.finishOutputs()
}

// countUses counts the readers of each value that an output needs.
func (a *assembler) countUses() {
	for _, o := range a.program.outputs {
		a.uses[o.value]++
	}
	for v := len(a.nodes) - 1; v >= 0; v-- {
		if nd := a.nodes[v]; a.uses[v] > 0 && nd.kind == opNode {
			for _, arg := range nd.args[:nd.op.Operands()] {
				a.uses[arg]++
			}
		}
	}
}

// joinProducts makes x·y ± z one operation where nothing else reads the product.
func (a *assembler) joinProducts() {
	for v, nd := range a.nodes {
		if a.uses[v] == 0 || nd.kind != opNode || nd.op != OpAdd && nd.op != OpSub {
			continue
		}
		joined := [2]Op{OpMulAdd, OpMulAdd}
		if nd.op == OpSub {
			joined = [2]Op{OpMulSub, OpSubMul}
		}
		for side, op := range joined {
			product := a.nodes[nd.args[side]]
			if product.kind == opNode && product.op == OpMul && a.uses[nd.args[side]] == 1 {
				a.uses[nd.args[side]] = 0
				a.nodes[v] = node{kind: opNode, op: op, args: [3]Value{product.args[0], product.args[1], nd.args[1-side]}}
				break
			}
		}
	}
}

func (a *assembler) findLastUses() {
	for v, nd := range a.nodes {
		if a.uses[v] > 0 && nd.kind == opNode {
			for _, arg := range nd.args[:nd.op.Operands()] {
				a.last[arg] = v
			}
		}
	}
	for _, o := range a.program.outputs {
		a.last[o.value] = len(a.nodes)
	}
}

// write appends the instruction that computes v.
func (a *assembler) write(v Value) {
	nd := a.nodes[v]
	s := instruction{op: nd.op, scalar: nd.op != OpCopy}
	args := nd.args[:nd.op.Operands()]
	for i, arg := range args {
		s.args[i] = a.where[arg]
		s.scalar = s.scalar && a.scalar[arg]
	}
	a.scalar[v] = s.scalar
	a.release(v, args, registerPlace)
	s.dst = a.destination(v)
	a.release(v, args, scalarPlace) // later: a tile written over its own scalar operand would change it on the way
	a.where[v] = s.dst
	a.program.instructions = append(a.program.instructions, s)
}

// release frees the registers in a place that v is the last to read.
func (a *assembler) release(v Value, args []Value, from memorySpace) {
	for i, arg := range args {
		if w := a.where[arg]; w.memory == from && a.last[arg] == int(v) && !slices.Contains(args[:i], arg) {
			a.free = append(a.free, w.index)
		}
	}
}

// destination is the memory of the output that v is, else a register.
func (a *assembler) destination(v Value) location {
	if !a.scalar[v] {
		for i, o := range a.program.outputs {
			if o.value == v && o.kind == floatOutput {
				return location{outputPlace, int32(i)}
			}
		}
	}
	r := int32(a.program.registers)
	if n := len(a.free); n > 0 {
		r, a.free = a.free[n-1], a.free[:n-1]
	} else {
		a.program.registers++
	}
	if a.scalar[v] {
		return location{scalarPlace, r}
	}
	return location{registerPlace, r}
}

// finishOutputs says where each output is read from when the instructions are through.
func (a *assembler) finishOutputs() {
	for i := range a.program.outputs {
		o := &a.program.outputs[i]
		o.source = a.where[o.value]
	}
}
