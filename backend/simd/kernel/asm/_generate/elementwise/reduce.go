package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduction is a way to make one number of many.
type reduction struct {
	name, doc string
	identity  float64
	join      func(m machine, x, y reg.Register) reg.VecVirtual
}

var reductions = []reduction{
	{"Sum", "Σ", 0, func(m machine, x, y reg.Register) reg.VecVirtual { return m.add(x, y) }},
	{"Max", "max", math.Inf(-1), machine.maximum},
	{"Min", "min", math.Inf(1), machine.minimum},
	{"Product", "Π", 1, func(m machine, x, y reg.Register) reg.VecVirtual { return m.mul(x, y) }},
}

// update sets d to the join of d and x.
func (m machine) update(r reduction, d reg.VecVirtual, x reg.Register) { VMOVUPS(r.join(m, d, x), d) }

// reduceRow writes the reduction of a contiguous row, with four accumulators.
func (m machine) reduceRow(r reduction) {
	TEXT(r.name+"Row"+m.suffix, attr.NOSPLIT, "func(x *float32, n int) float32")
	Pragma("noescape")
	Doc(fmt.Sprintf("%sRow%s returns %s x[i] of n floats.", r.name, m.suffix, r.doc))
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	acc := make([]reg.VecVirtual, 4)
	for i := range acc {
		acc[i] = m.copy(constant(r.identity))
	}
	Label("four")
	CMPQ(n, U8(4*m.width))
	JL(LabelRef("one"))
	for i := range acc {
		m.update(r, acc[i], m.copy(Mem{Base: x, Disp: 4 * m.width * i}))
	}
	ADDQ(I32(16*m.width), x)
	SUBQ(U8(4*m.width), n)
	JMP(LabelRef("four"))
	Label("one")
	CMPQ(n, U8(m.width))
	JL(LabelRef("tail"))
	m.update(r, acc[0], m.copy(Mem{Base: x}))
	ADDQ(U8(4*m.width), x)
	SUBQ(U8(m.width), n)
	JMP(LabelRef("one"))
	Label("tail")
	TESTQ(n, n)
	JZ(LabelRef("join"))
	k := m.tailMask(n)
	m.update(r, acc[1], m.choose(k, m.loadMasked(k, Mem{Base: x}), m.copy(constant(r.identity))))
	Label("join")
	total := r.join(m, r.join(m, acc[0], acc[1]), r.join(m, acc[2], acc[3]))
	Store(m.horizontal(r, total).AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// horizontal joins the lanes of v pairwise; the result is in lane 0.
func (m machine) horizontal(r reduction, v reg.VecVirtual) reg.VecVirtual {
	if m.wide() {
		high := YMM()
		VEXTRACTF32X8(U8(1), v, high)
		m, v = machine{"", 8}, r.join(machine{"", 8}, v.AsY(), high)
	}
	high := XMM()
	VEXTRACTF128(U8(1), v.AsY(), high)
	m = machine{"", 4}
	v = r.join(m, v.AsX(), high)
	for _, lanes := range []uint8{0b01_00_11_10, 0b10_11_00_01} {
		other := XMM()
		VPERMILPS(U8(lanes), v, other)
		v = r.join(m, v, other)
	}
	return v
}

// reduceColumns writes the reduction down the columns: four vectors of columns at a time, then one, then the rest.
func (m machine) reduceColumns(r reduction) {
	TEXT(r.name+"Columns"+m.suffix, attr.NOSPLIT, "func(dst, x *float32, rows, columns, stride int)")
	Pragma("noescape")
	Doc(
		fmt.Sprintf("%sColumns%s joins %s x[row·stride+column] over the rows to what dst[column] holds.", r.name, m.suffix, r.doc),
	)
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	rows, n := Load(Param("rows"), GP64()), Load(Param("columns"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(U8(2), stride)
	block := func(vectors int, load func(at Mem) reg.VecVirtual, store func(v reg.VecVirtual, at Mem)) {
		name := fmt.Sprintf("rows%d", vectors)
		acc := make([]reg.VecVirtual, max(vectors, 1))
		for i := range acc {
			acc[i] = m.copy(constant(r.identity))
		}
		from, left := GP64(), GP64()
		MOVQ(x, from)
		MOVQ(rows, left)
		Label(name)
		for i := range acc {
			m.update(r, acc[i], load(Mem{Base: from, Disp: 4 * m.width * i}))
		}
		ADDQ(stride, from)
		DECQ(left)
		JNZ(LabelRef(name))
		for i := range acc {
			at := Mem{Base: dst, Disp: 4 * m.width * i}
			store(r.join(m, load(at), acc[i]), at)
		}
	}
	whole := func(v reg.VecVirtual, at Mem) { VMOVUPS(v, at) }
	for _, vectors := range []int{4, 1} {
		loop, next := fmt.Sprintf("columns%d", vectors), fmt.Sprintf("after%d", vectors)
		Label(loop)
		CMPQ(n, U8(vectors*m.width))
		JL(LabelRef(next))
		block(vectors, func(at Mem) reg.VecVirtual { return m.copy(at) }, whole)
		ADDQ(I32(4*vectors*m.width), x)
		ADDQ(I32(4*vectors*m.width), dst)
		SUBQ(U8(vectors*m.width), n)
		JMP(LabelRef(loop))
		Label(next)
	}
	TESTQ(n, n)
	JZ(LabelRef("done"))
	k := m.tailMask(n)
	block(0, func(at Mem) reg.VecVirtual { return m.loadMasked(k, at) }, func(v reg.VecVirtual, at Mem) { m.storeMasked(k, v, at) })
	Label("done")
	VZEROUPPER()
	RET()
}
