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
// long, and Go's stack is not aligned: so silent runs find how much room there must be, and which of several orders and
// policies costs the least.
type allocator struct {
	*program
	policy
	order     []int // of the operations
	registers []reg.VecPhysical
	holds     []int        // the value of each register, or -1
	register  []int        // of each value, or -1
	lasting   []int        // constants that have a register for good, from the last register down
	slot      []int        // of each value on the stack, or -1
	free      []int        // slots of values that are gone
	leaving   []int        // those that the operation may still read, but no later one
	slots     int          // all there are
	uses      [][]int      // where in the order each value is still needed
	silent    bool         // whether nothing is emitted
	stack     reg.Register // where the first slot is

	trace         []instruction
	loads, stores int // instructions that read memory, and those that store on the stack
}

// emit writes the program, after what comes between its preparation and itself.
func (p *program) emit(registers []reg.VecPhysical, begin func()) {
	write := p.prepare(registers)
	begin()
	write()
}

// prepare returns what writes the program, as often as it is called: addresses may be others then.
func (p *program) prepare(registers []reg.VecPhysical) (write func()) {
	best := p.cheapest(registers)
	for _, v := range best.lasting {
		VBROADCASTSS(p.operations[v].address(), registers[best.register[v]])
	}
	var stack reg.Register
	if best.slots > 0 {
		size := int(registers[0].Size())
		stack = GP64()
		LEAQ(AllocLocal((best.slots+1)*size), stack)
		ADDQ(Imm(uint64(size-1)), stack)
		ANDQ(I32(-size), stack)
	}
	return func() {
		a := p.allocator(best.order, registers, best.policy)
		a.silent, a.stack = false, stack
		a.run()
	}
}

// allocate runs an allocator silently.
func (p *program) allocate(order []int, registers []reg.VecPhysical, policy policy) *allocator {
	a := p.allocator(order, registers, policy)
	a.run()
	return a
}

func (p *program) allocator(order []int, registers []reg.VecPhysical, policy policy) *allocator {
	none := func(n int) []int { return slices.Repeat([]int{-1}, n) }
	a := &allocator{
		program: p, policy: policy, order: order, registers: registers, holds: none(len(registers)),
		register: none(len(p.operations)), slot: none(len(p.operations)), uses: make([][]int, len(p.operations)), silent: true,
	}
	for at, i := range order {
		for _, v := range p.operations[i].operands {
			a.uses[v] = append(a.uses[v], at)
		}
	}
	for _, v := range a.mostUsedConstants(policy.lasting) {
		a.lasting = append(a.lasting, v)
		a.hold(len(registers)-len(a.lasting), v)
	}
	return a
}

// mostUsedConstants returns at most so many of the constants, those that are used the most often.
func (a *allocator) mostUsedConstants(most int) []int {
	var used []int
	for v := range a.operations {
		if a.operations[v].constant && len(a.uses[v]) > 0 {
			used = append(used, v)
		}
	}
	slices.SortStableFunc(used, func(v, w int) int { return len(a.uses[w]) - len(a.uses[v]) })
	return used[:min(most, len(used))]
}

// lasts says whether a value has a register for good.
func (a *allocator) lasts(v int) bool { return slices.Contains(a.lasting, v) }

// run goes through the program, and fetches meanwhile.
func (a *allocator) run() {
	fetched := make([]int, len(a.fetches))
	for at, i := range a.order {
		a.operation(i)
		if a.silent {
			continue
		}
		for k, f := range a.fetches {
			begin := int(f.from * float64(len(a.order)))
			for ; fetched[k]*(len(a.order)-begin) < f.count*(at+1-begin); fetched[k]++ {
				f.emit(fetched[k])
			}
		}
	}
}

// write emits an instruction, where this is not a silent run.
func (a *allocator) write(in instruction, emit func()) {
	a.trace = append(a.trace, in)
	if in.memory {
		a.loads++
	}
	if !a.silent {
		emit()
	}
}

// reads returns an instruction that reads the operands of o, the folded one from memory and the others from registers.
func (a *allocator) reads(u unit, o *operation, folded int) instruction {
	in := instruction{unit: u, from: [3]int{-1, -1, -1}, to: -1, slot: -1}
	for k, v := range o.operands {
		if k == folded {
			in.memory, in.slot = true, a.slot[v]
		} else {
			in.from[k] = a.register[v]
		}
	}
	return in
}

// loadsTo returns an instruction that reads memory, the stack where slot is not -1.
func loadsTo(register, slot int, addressed bool) instruction {
	return instruction{unit: loader, from: [3]int{-1, -1, -1}, to: register, memory: true, slot: slot, addressed: addressed}
}

// operation emits operation i.
func (a *allocator) operation(i int) {
	o := &a.operations[i]
	a.free, a.leaving = append(a.free, a.leaving...), nil
	folded := a.fold(o)
	in := make([]Op, len(o.operands))
	for k, v := range o.operands {
		if k == folded {
			in[k] = a.inMemory(v)
		} else {
			in[k] = a.registers[a.inRegister(v, o.operands)]
		}
	}
	for _, v := range o.operands {
		a.uses[v] = a.uses[v][1:]
	}
	made := a.reads(units[o.kind], o, folded)
	switch o.kind {
	case store:
		made.addressed = o.place == nil
		a.write(made, func() { VMOVUPS(in[0], o.address()) })
		a.release(o.operands)
	case load:
		r := a.take(nil)
		a.write(loadsTo(r, -1, o.place == nil), func() { VMOVUPS(o.address(), a.registers[r]) })
		a.hold(r, i)
	case multiplyAdd:
		a.multiplyAdd(i, in, folded, made)
	default:
		a.release(o.operands)
		r := a.take(o.operands)
		if folded == 0 && o.kind != subtract {
			in[0], in[1] = in[1], in[0]
		}
		made.to = r
		a.write(made, func() {
			switch o.kind {
			case add:
				VADDPS(in[1], in[0], a.registers[r])
			case subtract:
				VSUBPS(in[1], in[0], a.registers[r])
			case multiply:
				VMULPS(in[1], in[0], a.registers[r])
			}
		})
		a.hold(r, i)
	}
}

// fold returns the operand that an operation takes from memory, or -1: one that is in no register, and is not worth one.
func (a *allocator) fold(o *operation) int {
	var places []int
	switch o.kind {
	case add, multiply, multiplyAdd:
		places = []int{1, 0}
	case subtract:
		places = []int{1}
	}
	if o.kind == multiplyAdd && (len(a.uses[o.operands[0]]) == 1 || len(a.uses[o.operands[1]]) == 1) {
		places = append(places, 2) // over a factor that is not needed again
	}
	for _, k := range places {
		v := o.operands[k]
		if a.register[v] >= 0 || slices.Index(o.operands, v) != k || slices.Contains(o.operands[k+1:], v) {
			continue
		}
		switch kind := a.operations[v].kind; {
		case (kind != broadcast || a.foldable(v)) && len(a.uses[v]) <= a.few:
		case a.foldable(v):
			if len(a.uses[v]) > 1 && (a.spare() || a.uses[v][1]-a.uses[v][0] < a.nearby) {
				continue
			}
		case kind == broadcast || len(a.uses[v]) > 1 && a.uses[v][1]-a.uses[v][0] < a.nearby:
			continue
		}
		if k == 2 && !a.overFactor(o) {
			continue
		}
		return k
	}
	return -1
}

// spare says whether a register is free, and would be were one more taken.
func (a *allocator) spare() bool {
	free := 0
	for _, v := range a.holds {
		if v < 0 {
			free++
		}
	}
	return free > 1
}

// foldable says whether a value can be taken from where it is in memory whenever it is needed.
func (a *allocator) foldable(v int) bool {
	o := &a.operations[v]
	return o.kind == memory || o.kind == broadcast && o.constant && a.registers[0].Size() == 32
}

// overFactor says whether a factor of a multiplication is in a register and not needed again.
func (a *allocator) overFactor(o *operation) bool {
	for _, v := range o.operands[:2] {
		if kind := a.operations[v].kind; len(a.uses[v]) == 1 && kind != memory && kind != broadcast {
			return true
		}
	}
	return false
}

// inMemory returns where a value is that is in no register.
func (a *allocator) inMemory(v int) Mem {
	switch o := &a.operations[v]; o.kind {
	case memory:
		return o.address()
	case broadcast:
		return constantVector(o.address())
	default:
		return a.place(a.slot[v])
	}
}

// multiplyAdd emits operation i over the register of an operand that is not needed again, or a copy of the addend.
func (a *allocator) multiplyAdd(i int, in []Op, folded int, made instruction) {
	o := &a.operations[i]
	last := func(k int) bool {
		v := o.operands[k]
		return k != folded && len(a.uses[v]) == 0 && !a.lasts(v)
	}
	x, y, z := 0, 1, 2 // what is multiplied, what it is multiplied by, what is added
	over, product := 2, false
	switch {
	case last(2):
	case last(0):
		over, product = 0, true
	case last(1):
		over, product, x, y = 1, true, 1, 0
	default:
		r := a.take(o.operands)
		a.write(instruction{unit: renamer, from: [3]int{made.from[2], -1, -1}, to: r, slot: -1}, func() { VMOVAPS(in[2], a.registers[r]) })
		in[2], made.from[2] = a.registers[r], r
		a.release(o.operands)
		a.hold(r, i)
		if folded == 0 {
			x, y = 1, 0
		}
		made.to = r
		a.write(made, func() { o.emitMultiplyAdd(in[y], in[x], in[2], form231) })
		return
	}
	register := made.from[over]
	made.to = register
	a.release(o.operands)
	a.hold(register, i)
	a.write(made, func() {
		switch {
		case !product && folded == 0:
			o.emitMultiplyAdd(in[0], in[1], in[2], form231)
		case !product:
			o.emitMultiplyAdd(in[1], in[0], in[2], form231)
		case folded == y:
			o.emitMultiplyAdd(in[y], in[z], in[x], form132)
		default:
			o.emitMultiplyAdd(in[z], in[y], in[x], form213)
		}
	})
}

type multiplyAddForm int

const (
	form231 multiplyAddForm = iota // to = second·first + to
	form213                        // to = second·to + first
	form132                        // to = to·first + second
)

// emitMultiplyAdd emits a multiply-add, of which the first operand may be in memory.
func (o *operation) emitMultiplyAdd(first, second, to Op, form multiplyAddForm) {
	sign := 0
	if o.negateProduct {
		sign = 1
	} else if o.negateAddend {
		sign = 2
	}
	instructions := [3][3]func(...Op){
		form231: {VFMADD231PS, VFNMADD231PS, VFMSUB231PS},
		form213: {VFMADD213PS, VFNMADD213PS, VFMSUB213PS},
		form132: {VFMADD132PS, VFNMADD132PS, VFMSUB132PS},
	}
	instructions[form][sign](first, second, to)
}

func (a *allocator) hold(register, v int) { a.holds[register], a.register[v] = v, register }

// inRegister returns a register with value v.
func (a *allocator) inRegister(v int, locked []int) int {
	if r := a.register[v]; r >= 0 {
		return r
	}
	r := a.take(locked)
	made := loadsTo(r, a.slot[v], false)
	if a.operations[v].kind == broadcast {
		made.unit = spreader
	}
	a.write(made, func() {
		switch o := &a.operations[v]; o.kind {
		case broadcast:
			VBROADCASTSS(o.address(), a.registers[r])
		case memory:
			VMOVUPS(o.address(), a.registers[r])
		default:
			VMOVUPS(a.place(a.slot[v]), a.registers[r])
		}
	})
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
		if a.lasts(v) {
			continue
		}
		next := a.uses[v][0]
		if a.foldable(v) {
			next += a.cheap
		}
		if next > farthest && !slices.Contains(locked, v) {
			best, farthest = r, next
		}
	}
	v := a.holds[best]
	if a.slot[v] < 0 && !a.operations[v].emitsNothing() {
		a.slot[v] = a.newSlot()
		a.stores++
		a.write(instruction{unit: storer, from: [3]int{best, -1, -1}, to: -1, slot: a.slot[v]}, func() {
			VMOVUPS(a.registers[best], a.place(a.slot[v]))
		})
	}
	a.register[v] = -1
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
		if len(a.uses[v]) > 0 || a.lasts(v) {
			continue
		}
		if r := a.register[v]; r >= 0 {
			a.holds[r], a.register[v] = -1, -1
		}
		if m := a.slot[v]; m >= 0 {
			a.leaving, a.slot[v] = append(a.leaving, m), -1
		}
	}
}
