package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes the transposition of a matrix by blocks of eight by eight floats.
func (m machine) transpose() {
	TEXT("Transpose"+m.suffix, attr.NOSPLIT, "func(dst, x *float32, rows, columns, dstStride, xStride int)")
	Pragma("noescape")
	Doc("Transpose" + m.suffix + " sets dst[column·dstStride+row] = x[row·xStride+column]; rows and columns are multiples of 8.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	rows, columns := Load(Param("rows"), GP64()), Load(Param("columns"), GP64())
	dstStride, xStride := Load(Param("dstStride"), GP64()), Load(Param("xStride"), GP64())
	SHLQ(U8(2), dstStride)
	SHLQ(U8(2), xStride)
	from, to, left := GP64(), GP64(), GP64()
	Label("columns")
	MOVQ(x, from)
	MOVQ(dst, to)
	MOVQ(rows, left)
	Label("rows")
	v := make([]reg.VecVirtual, 8)
	at := GP64()
	MOVQ(from, at)
	for i := range v {
		v[i] = m.copy(Mem{Base: at})
		ADDQ(xStride, at)
	}
	MOVQ(at, from)
	MOVQ(to, at)
	for _, column := range transposed(v) {
		VMOVUPS(column, Mem{Base: at})
		ADDQ(dstStride, at)
	}
	ADDQ(U8(32), to)
	SUBQ(U8(8), left)
	JNZ(LabelRef("rows"))
	ADDQ(U8(32), x)
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 8}, dst)
	SUBQ(U8(8), columns)
	JNZ(LabelRef("columns"))
	VZEROUPPER()
	RET()
}

// transposed exchanges rows and columns of an 8×8 block: pairs, then quads, then halves.
func transposed(v []reg.VecVirtual) []reg.VecVirtual {
	pairs, quads, out := make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8)
	for i := range pairs {
		pairs[i] = YMM()
		if i%2 == 0 {
			VUNPCKLPS(v[i+1], v[i], pairs[i])
		} else {
			VUNPCKHPS(v[i], v[i-1], pairs[i])
		}
	}
	for i := range quads {
		quads[i] = YMM()
		low, high := i/4*4+i%4/2, i/4*4+i%4/2+2
		VSHUFPS(U8([2]uint8{0x44, 0xee}[i%2]), pairs[high], pairs[low], quads[i])
	}
	for i := range out {
		out[i] = YMM()
		VPERM2F128(U8([2]uint8{0x20, 0x31}[i/4]), quads[i%4+4], quads[i%4], out[i])
	}
	return out
}
