package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/operand"
)

// dependences says which operations of a program come before and which after each, of those that are needed.
type dependences struct {
	all           []int
	before, after [][]int
}

// dependences returns those of the program. Operations that emit nothing until their value is used are left out.
func (p *program) dependences() *dependences {
	d := &dependences{before: make([][]int, len(p.operations)), after: make([][]int, len(p.operations))}
	link := func(first, then int) {
		if first != then && !p.operations[first].emitsNothing() && !slices.Contains(d.after[first], then) {
			d.after[first], d.before[then] = append(d.after[first], then), append(d.before[then], first)
		}
	}
	needed, readers := p.needed(), map[Mem][]int{}
	for i := range p.operations {
		o := &p.operations[i]
		if !needed[i] || o.emitsNothing() {
			continue
		}
		d.all = append(d.all, i)
		for _, v := range o.operands {
			link(v, i)
			if from := &p.operations[v]; from.kind == memory {
				readers[*from.place] = append(readers[*from.place], i)
			}
		}
	}
	for _, i := range d.all { // what is in memory is used before something else is written there
		if o := &p.operations[i]; o.kind == store && o.place != nil {
			for _, reader := range readers[*o.place] {
				link(reader, i)
			}
		}
	}
	return d
}

// needed says of each operation whether a store depends on it.
func (p *program) needed() []bool {
	needed := make([]bool, len(p.operations))
	for i := len(p.operations) - 1; i >= 0; i-- {
		o := &p.operations[i]
		if needed[i] = needed[i] || o.kind == store; needed[i] {
			for _, v := range o.operands {
				needed[v] = true
			}
		}
	}
	return needed
}

// asWritten returns the order in which operations were written, as far as they may come in it.
func (d *dependences) asWritten() (order []int) {
	done := map[int]bool{}
	var put func(i int)
	put = func(i int) {
		if done[i] {
			return
		}
		done[i] = true
		for _, b := range d.before[i] {
			put(b)
		}
		order = append(order, i)
	}
	for _, i := range d.all {
		put(i)
	}
	return order
}

// halved returns an order in which few values are alive at a time, after Frigo, "A fast Fourier transform compiler", PLDI 1999:
// operations near what is read are parted from those near what is written, and each part of a half that has nothing to do
// with the others is put in order on its own in the same way.
func (d *dependences) halved() []int {
	h := &halving{dependences: d, half: make([]half, len(d.before))}
	h.put(d.all)
	return h.order
}

type halving struct {
	*dependences
	half  []half // of each operation
	order []int
}

type half int

const (
	outside half = iota // of what is halved
	undecided
	early
	late
)

// put appends operations to the order.
func (h *halving) put(operations []int) {
	if len(operations) == 1 {
		h.order = append(h.order, operations[0])
		return
	}
	for _, i := range operations {
		h.half[i] = undecided
	}
	var halves [late + 1][]int
	for left := len(operations); left > 0; {
		for _, side := range []half{early, late} {
			var found []int
			for _, i := range operations {
				if h.half[i] == undecided && h.belongs(i, side) {
					found = append(found, i)
				}
			}
			for _, i := range found {
				h.half[i] = side
			}
			halves[side] = append(halves[side], found...)
			left -= len(found)
		}
	}
	for _, part := range append(h.connected(halves[early]), h.connected(halves[late])...) {
		h.put(part)
	}
}

// belongs says whether all that comes before an operation is early, or all that comes after it late.
func (h *halving) belongs(i int, side half) bool {
	neighbours := h.before[i]
	if side == late {
		neighbours = h.after[i]
	}
	return !slices.ContainsFunc(neighbours, func(n int) bool { return h.half[n] != outside && h.half[n] != side })
}

// connected returns the parts of some operations that have nothing to do with each other, and takes all of them out of what
// is halved.
func (h *halving) connected(operations []int) (parts [][]int) {
	for _, i := range operations {
		h.half[i] = undecided
	}
	var part []int
	var visit func(i int)
	visit = func(i int) {
		if h.half[i] != undecided {
			return
		}
		h.half[i] = outside
		part = append(part, i)
		for _, n := range h.before[i] {
			visit(n)
		}
		for _, n := range h.after[i] {
			visit(n)
		}
	}
	slices.Sort(operations)
	for _, i := range operations {
		if part = nil; h.half[i] == undecided {
			visit(i)
			slices.Sort(part)
			parts = append(parts, part)
		}
	}
	return parts
}
