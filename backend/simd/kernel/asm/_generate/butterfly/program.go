package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
)

// A program is straight-line code on vectors, written down before registers are known.
type program struct {
	operations []operation
	constants  map[float64]int // operations that load a constant
	inOrder    bool            // whether addresses need the operations in order
	oddCyclic  bool            // whether cosines are taken as cyclic convolutions of odd length, too
	timed      bool            // whether the order is chosen by the time it takes
	storesWait bool            // whether what is stored on the stack waits for other stores
	fetches    []fetches       // what is brought into the caches meanwhile
}

// fetches is code that is emitted many times, evenly, from some place of a program to its end.
type fetches struct {
	count int
	from  float64 // the share of the program that comes before
	emit  func(i int)
}

// An operation makes one value from others; its place in the program is the value's name.
type operation struct {
	kind          operationKind
	operands      []int
	negateProduct bool
	negateAddend  bool
	constant      bool       // a broadcast of the same number in all routines
	address       func() Mem // of what is read or written; it may emit code
	place         *Mem       // the same, where it is known beforehand
}

type operationKind int

const (
	load        operationKind = iota // sixteen or eight floats
	memory                           // the same, from where it can be read again and again
	broadcast                        // one float in all lanes; may be done again
	add                              // a + b
	subtract                         // a - b
	multiply                         // a · b
	multiplyAdd                      // ±a·b ± c
	store
)

// emitsNothing says whether nothing is to be done for the operation until its value is used.
func (o *operation) emitsNothing() bool { return o.kind == memory || o.kind == broadcast }

// A value is a multiple of what an operation made. The factor costs nothing where an operation that uses the value can
// take it along.
type value struct {
	id     int
	factor float64
}

func (v value) times(factor float64) value { return value{v.id, v.factor * factor} }
func (v value) negated() value {
	if v == zero {
		return v
	}
	return v.times(-1)
}
func (v value) negative() bool { return v.factor < 0 }

// unscaled returns the value with the sign of its factor alone.
func (v value) unscaled() value { return value{v.id, math.Copysign(1, v.factor)} }

// zero is the value of no operation.
var zero = value{id: -1}

type complexValue struct{ re, im value }

func (z complexValue) times(factor float64) complexValue {
	return complexValue{z.re.times(factor), z.im.times(factor)}
}

func (z complexValue) exchanged() complexValue { return complexValue{z.im, z.re} }

func (p *program) append(o operation) value {
	p.operations = append(p.operations, o)
	return value{len(p.operations) - 1, 1}
}

func (p *program) load(address func() Mem) value {
	return p.append(operation{kind: load, address: address})
}

// memory is a load that is done where the value is used, and again where it is used again. The address emits no code.
func (p *program) memory(m Mem) value {
	return p.append(operation{kind: memory, address: func() Mem { return m }, place: &m})
}

func (p *program) broadcast(m Mem) value {
	return p.append(operation{kind: broadcast, address: func() Mem { return m }})
}

func (p *program) store(v value, address func() Mem) { p.storeAt(v, address, nil) }

// storeIn is a store whose address emits no code.
func (p *program) storeIn(v value, m Mem) { p.storeAt(v, func() Mem { return m }, &m) }

func (p *program) storeAt(v value, address func() Mem, place *Mem) {
	if v = p.signed(v); v.negative() {
		panic("a negative cannot be stored")
	}
	p.append(operation{kind: store, operands: []int{v.id}, address: address, place: place})
}

// constant returns c, loaded at its first use.
func (p *program) constant(c float64) value {
	size := float64(float32(math.Abs(c)))
	id, ok := p.constants[size]
	if !ok {
		id = p.broadcast(constantAddress(size)).id
		p.operations[id].constant = true
		if p.constants == nil {
			p.constants = map[float64]int{}
		}
		p.constants[size] = id
	}
	return value{id, math.Copysign(1, c)}
}

// signed returns v with a factor of 1 or -1.
func (p *program) signed(v value) value {
	if size := math.Abs(v.factor); size != 1 {
		return p.multiply(value{v.id, 1}, p.constant(v.factor))
	}
	return v
}

// add returns a + b, with a's factor but for its sign.
func (p *program) add(a, b value) value {
	if a == zero {
		return b
	}
	if b == zero {
		return a
	}
	size := math.Abs(a.factor)
	if math.Abs(b.factor) != size {
		return p.multiplyAdd(value{b.id, 1}, p.constant(b.factor/size), a.unscaled()).times(size)
	}
	switch {
	case a.negative() == b.negative():
		return p.append(operation{kind: add, operands: []int{a.id, b.id}}).times(a.factor)
	case a.negative():
		a, b = b, a
	}
	return p.append(operation{kind: subtract, operands: []int{a.id, b.id}}).times(size)
}

func (p *program) subtract(a, b value) value { return p.add(a, b.negated()) }

func (p *program) multiply(a, b value) value {
	return p.append(operation{kind: multiply, operands: []int{a.id, b.id}}).times(a.factor * b.factor)
}

// multiplyAdd returns a·b + c, with c's factor but for its sign where a has the same.
func (p *program) multiplyAdd(a, b, c value) value {
	if size := math.Abs(c.factor); size != 1 && math.Abs(a.factor) == size {
		return p.multiplyAdd(a.unscaled(), b, c.unscaled()).times(size)
	}
	a, b, c = p.signed(a), p.signed(b), p.signed(c)
	minus := a.negative() != b.negative()
	o := operation{kind: multiplyAdd, operands: []int{a.id, b.id, c.id}, negateProduct: minus, negateAddend: c.negative()}
	if minus && c.negative() {
		o.negateProduct, o.negateAddend = false, false
		return p.append(o).negated()
	}
	return p.append(o)
}

func (p *program) addComplex(a, b complexValue) complexValue {
	return complexValue{p.add(a.re, b.re), p.add(a.im, b.im)}
}

func (p *program) subtractComplex(a, b complexValue) complexValue {
	return complexValue{p.subtract(a.re, b.re), p.subtract(a.im, b.im)}
}

// multiplyComplex returns a·b, or a·b + c where c is not nil.
func (p *program) multiplyComplex(a, b complexValue, c *complexValue) complexValue {
	var re, im value
	if c == nil {
		re, im = p.multiply(a.im.negated(), b.im), p.multiply(a.im, b.re)
	} else {
		re, im = p.multiplyAdd(a.im.negated(), b.im, c.re), p.multiplyAdd(a.im, b.re, c.im)
	}
	return complexValue{p.multiplyAdd(a.re, b.re, re), p.multiplyAdd(a.re, b.im, im)}
}
