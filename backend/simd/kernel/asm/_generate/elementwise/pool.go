package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
)

// moveWhereEqual writes the step of max pooling's gradient at one element of a window.
func (m machine) moveWhereEqual() {
	TEXT("MoveWhereEqual"+m.suffix, attr.NOSPLIT, "func(dst, left, x, y *float32, n int)")
	Pragma("noescape")
	Doc("MoveWhereEqual" + m.suffix + " adds left[i] to dst[i] and sets it to 0 where x[i] == y[i].")
	dst, left, x, y := pointer("dst"), pointer("left"), pointer("x"), pointer("y")
	m.alongRow("move", pointer("n"), 1, func(_ int, p place) {
		k := m.compare(equal, p.load(x), p.load(y))
		v, zero := p.load(left), m.copy(constant(0))
		p.store(m.add(p.load(dst), m.choose(k, v, zero)), dst)
		p.store(m.choose(k, zero, v), left)
	})
	VZEROUPPER()
	RET()
}
