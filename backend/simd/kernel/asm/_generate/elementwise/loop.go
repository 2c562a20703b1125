package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stream is an operand: a pointer and how far it moves from one vector to the next (0 for a scalar).
type stream struct{ pointer, step reg.Register }

// routine writes the loop of one operation. A scalar is spread over one vector on the stack, so that the loop reads
// vectors and scalars alike.
func (m machine) routine(o operation) {
	name := o.name + m.suffix
	TEXT(name, attr.NOSPLIT, o.signature())
	Pragma("noescape")
	Doc(
		fmt.Sprintf("%s sets n floats of dst to %s.", name, o.doc),
		"A step of 1 reads a vector, a step of 0 the one float that the operand points to.",
	)
	dst := Load(Param("dst"), GP64())
	n := Load(Param("n"), GP64())
	streams := make([]stream, o.operands)
	spread := AllocLocal(64 * (o.operands + 1))
	for i := range streams {
		streams[i] = m.open(operandNames[i], spread.Offset(64*i+63))
	}
	Label("loop")
	CMPQ(n, U8(m.width))
	JL(LabelRef("tail"))
	v := make([]reg.VecVirtual, o.operands)
	for i, s := range streams {
		v[i] = m.copy(Mem{Base: s.pointer})
		ADDQ(s.step, s.pointer)
	}
	VMOVUPS(o.body(m, v), Mem{Base: dst})
	ADDQ(U8(4*m.width), dst)
	SUBQ(U8(m.width), n)
	JMP(LabelRef("loop"))
	Label("tail")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	k := m.tailMask(n)
	for i, s := range streams {
		v[i] = m.loadMasked(k, Mem{Base: s.pointer})
	}
	m.storeMasked(k, o.body(m, v), Mem{Base: dst})
	Label("done")
	VZEROUPPER()
	RET()
}

var operandNames = []string{"x", "y", "z"}

func (o operation) signature() string {
	names := operandNames[:o.operands]
	return fmt.Sprintf("func(dst, %s *float32, n, %sStep int)", strings.Join(names, ", "), strings.Join(names, "Step, "))
}

// open loads an operand's pointer and step and, if it is a scalar, spreads it over one aligned vector that ends in the
// 64 bytes from place on.
func (m machine) open(name string, place Mem) stream {
	s := stream{Load(Param(name), GP64()), Load(Param(name+"Step"), GP64())}
	shift := uint8(5)
	if m.wide() {
		shift = 6
	}
	SHLQ(U8(shift), s.step)
	JNZ(LabelRef(name + "Vector"))
	v := m.register()
	VBROADCASTSS(Mem{Base: s.pointer}, v)
	LEAQ(place, s.pointer)
	ANDQ(I8(-64), s.pointer)
	VMOVUPS(v, Mem{Base: s.pointer})
	Label(name + "Vector")
	return s
}

// tailMask selects the first n lanes, 0 < n < width.
func (m machine) tailMask(n reg.Register) mask {
	if m.wide() {
		ones, k := GP32(), K()
		MOVL(I32(-1), ones)
		BZHIL(n.(reg.GPVirtual).As32(), ones, ones)
		KMOVW(ones, k)
		return k
	}
	table, offset, k := GP64(), GP64(), YMM()
	LEAQ(tailTable(), table)
	MOVQ(U32(8), offset)
	SUBQ(n, offset)
	VMOVUPS(Mem{Base: table, Index: offset, Scale: 4}, k)
	return k
}

func (m machine) loadMasked(k mask, from Mem) reg.VecVirtual {
	d := m.register()
	if m.wide() {
		VMOVUPS_Z(from, k, d)
	} else {
		VMASKMOVPS(from, k, d)
	}
	return d
}

func (m machine) storeMasked(k mask, v reg.Register, to Mem) {
	if m.wide() {
		VMOVUPS(v, k, to)
	} else {
		VMASKMOVPS(v, k, to)
	}
}

var table Mem

// tailTable is eight lanes of ones before eight of zeros.
func tailTable() Mem {
	if table.Base == nil {
		table = GLOBL("elementwise_tail", attr.RODATA|attr.NOPTR)
		for i := range 16 {
			DATA(4*i, I32(i/8-1))
		}
	}
	return table
}
