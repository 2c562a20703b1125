package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// boolsToFloats writes dst[i] = x[i] for bytes that are 0 or 1. n is a multiple of the vector's width.
func (m machine) boolsToFloats() {
	m.convert("BoolsToFloats", "func(dst *float32, x *byte, n int)", "n floats of dst to the bytes of x, which are 0 or 1",
		func(dst, x, n reg.Register) {
			v := m.register()
			VPMOVZXBD(Mem{Base: x}, v)
			VCVTDQ2PS(v, v)
			VMOVUPS(v, Mem{Base: dst})
			ADDQ(U8(m.width), x)
			ADDQ(U8(4*m.width), dst)
		})
}

// floatsToBools writes dst[i] = 1 where x[i] is not 0, else 0. n is a multiple of the vector's width.
func (m machine) floatsToBools() {
	m.convert("FloatsToBools", "func(dst *byte, x *float32, n int)", "n bytes of dst to 1 where x is not 0, else to 0",
		func(dst, x, n reg.Register) {
			zero := m.register()
			VXORPS(zero, zero, zero)
			k := m.compare(notEqual, m.copy(Mem{Base: x}), zero)
			if m.wide() {
				b := XMM()
				VMOVDQU8_Z(bytes(1), k, b)
				VMOVUPS(b, Mem{Base: dst})
			} else {
				low, high := XMM(), XMM()
				VANDPS(bits(1), k, k)
				VEXTRACTF128(U8(0), k, low)
				VEXTRACTF128(U8(1), k, high)
				VPACKSSDW(high, low, low)
				VPACKSSWB(low, low, low)
				VMOVQ(low, Mem{Base: dst})
			}
			ADDQ(U8(m.width), dst)
			ADDQ(U8(4*m.width), x)
		})
}

// convert writes a loop over whole vectors.
func (m machine) convert(name, signature, doc string, body func(dst, x, n reg.Register)) {
	TEXT(name+m.suffix, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s%s sets %s; n is a multiple of %d.", name, m.suffix, doc, m.width))
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	Label("loop")
	CMPQ(n, U8(m.width))
	JL(LabelRef("done"))
	body(dst, x, n)
	SUBQ(U8(m.width), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func bytes(b uint32) Mem { return bits(b * 0x01010101) }
