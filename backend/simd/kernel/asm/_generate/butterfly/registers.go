package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// An allocator emits a program with a few registers: where they do not suffice, the value that is needed last goes to
// the stack, after Belady. A vector on the stack must not lie across two lines of the cache, which takes several times as
// long, and Go's stack is not aligned: so a first, silent run finds how much room there must be.
type allocator struct {
	*program
	registers []reg.VecPhysical
	holds     []int       // the value of each register, or -1
	register  map[int]int // of a value, where it has one
	slot      map[int]int // of a value on the stack
	free      []int       // slots of values that are gone
	slots     int         // all there are
	uses      [][]int     // operations that still need a value
	silent    bool
	stack     reg.Register // where the first slot is
}

// emit writes the program, after what comes between its preparation and itself.
func (p *program) emit(registers []reg.VecPhysical, begin func()) {
	slots := p.allocate(registers, true, nil)
	var stack reg.Register
	if slots > 0 {
		size := int(registers[0].Size())
		stack = GP64()
		LEAQ(AllocLocal((slots+1)*size), stack)
		ADDQ(Imm(uint64(size-1)), stack)
		ANDQ(I32(-size), stack)
	}
	begin()
	p.allocate(registers, false, stack)
}

// allocate goes through the program, and returns how many slots it took.
func (p *program) allocate(registers []reg.VecPhysical, silent bool, stack reg.Register) int {
	a := &allocator{
		program: p, registers: registers, holds: make([]int, len(registers)), register: map[int]int{}, slot: map[int]int{},
		uses: make([][]int, len(p.operations)), silent: silent, stack: stack,
	}
	for r := range a.holds {
		a.holds[r] = -1
	}
	for i, o := range p.operations {
		for _, v := range o.operands {
			a.uses[v] = append(a.uses[v], i)
		}
	}
	for i := range p.operations {
		a.operation(i)
	}
	return a.slots
}

// write emits instructions, where this is not the silent run.
func (a *allocator) write(instructions func()) {
	if !a.silent {
		instructions()
	}
}

// operation emits operation i.
func (a *allocator) operation(i int) {
	o := &a.operations[i]
	if o.kind == broadcast {
		return // when it is needed
	}
	in := make([]int, len(o.operands))
	for k, v := range o.operands {
		in[k] = a.fetch(v, o.operands)
	}
	for _, v := range o.operands {
		a.uses[v] = a.uses[v][1:]
	}
	if o.kind == store {
		a.write(func() { VMOVUPS(a.registers[in[0]], o.address()) })
		a.release(o.operands)
		return
	}
	var last [3]bool // of operands that are not needed again
	for k, v := range o.operands {
		last[k] = len(a.uses[v]) == 0
	}
	if o.kind == multiplyAdd {
		a.multiplyAdd(i, in, last)
		return
	}
	if o.kind == load {
		r := a.take(nil)
		a.write(func() { VMOVUPS(o.address(), a.registers[r]) })
		a.hold(r, i)
		return
	}
	a.release(o.operands)
	r := a.take(o.operands)
	x, y, z := a.registers[in[0]], a.registers[in[1]], a.registers[r]
	a.write(func() {
		switch o.kind {
		case add:
			VADDPS(y, x, z)
		case subtract:
			VSUBPS(y, x, z)
		case multiply:
			VMULPS(y, x, z)
		}
	})
	a.hold(r, i)
}

// multiplyAdd emits operation i over the register of an operand that is not needed again, or a copy of the addend.
func (a *allocator) multiplyAdd(i int, in []int, last [3]bool) {
	o := &a.operations[i]
	x, y, z := a.registers[in[0]], a.registers[in[1]], a.registers[in[2]]
	over, product := in[2], false
	switch {
	case last[2]:
	case last[0]:
		over, product = in[0], true
	case last[1]:
		over, product, x, y = in[1], true, y, x
	default:
		over = a.take(o.operands)
		a.write(func() { VMOVAPS(z, a.registers[over]) })
	}
	a.release(o.operands)
	a.hold(over, i)
	to := a.registers[over]
	a.write(func() {
		switch {
		case product && o.negateProduct:
			VFNMADD213PS(z, y, to)
		case product && o.negateAddend:
			VFMSUB213PS(z, y, to)
		case product:
			VFMADD213PS(z, y, to)
		case o.negateProduct:
			VFNMADD231PS(y, x, to)
		case o.negateAddend:
			VFMSUB231PS(y, x, to)
		default:
			VFMADD231PS(y, x, to)
		}
	})
}

func (a *allocator) hold(register, v int) { a.holds[register], a.register[v] = v, register }

// fetch returns a register with value v.
func (a *allocator) fetch(v int, locked []int) int {
	if r, ok := a.register[v]; ok {
		return r
	}
	r := a.take(locked)
	if o := &a.operations[v]; o.kind == broadcast {
		a.write(func() { VBROADCASTSS(o.address(), a.registers[r]) })
	} else {
		a.write(func() { VMOVUPS(a.place(a.slot[v]), a.registers[r]) })
	}
	a.hold(r, v)
	return r
}

// take returns a register for a new value, which none of the locked ones is in.
func (a *allocator) take(locked []int) int {
	best, farthest := -1, -1
	for r, v := range a.holds {
		if v < 0 {
			return r
		}
		if next := a.uses[v][0]; next > farthest && !slices.Contains(locked, v) {
			best, farthest = r, next
		}
	}
	v := a.holds[best]
	if _, ok := a.slot[v]; !ok && a.operations[v].kind != broadcast {
		a.slot[v] = a.newSlot()
		a.write(func() { VMOVUPS(a.registers[best], a.place(a.slot[v])) })
	}
	delete(a.register, v)
	return best
}

// newSlot returns a slot that is not in use.
func (a *allocator) newSlot() int {
	if n := len(a.free); n > 0 {
		slot := a.free[n-1]
		a.free = a.free[:n-1]
		return slot
	}
	a.slots++
	return a.slots - 1
}

// place returns where a slot is.
func (a *allocator) place(slot int) Mem {
	return Mem{Base: a.stack, Disp: slot * int(a.registers[0].Size())}
}

// release gives up the registers and slots of those values that are not needed again.
func (a *allocator) release(values []int) {
	for _, v := range values {
		if len(a.uses[v]) > 0 {
			continue
		}
		if r, ok := a.register[v]; ok {
			a.holds[r] = -1
			delete(a.register, v)
		}
		if m, ok := a.slot[v]; ok {
			a.free = append(a.free, m)
			delete(a.slot, v)
		}
	}
}
