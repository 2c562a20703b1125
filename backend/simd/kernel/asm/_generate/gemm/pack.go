package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packColumns emits the gathering of a tile of A whose rows are neighbours in memory.
func (s set) packColumns() {
	lanes := s.vector.Lanes()
	TEXT("PackColumns"+s.name, NOSPLIT, "func(dst, src *float32, srcRow, k, rows int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("PackColumns%s sets dst[l*%d+i] = src[l*srcRow+i] for l < k and i < rows, and zero for rows ≤ i < %d.", s.name, lanes, lanes))
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("srcRow"), GP64())
	SHLQ(operand.U8(2), stride)
	k := Load(Param("k"), GP64())
	load, _ := s.maskedTail(Load(Param("rows"), GP64()))
	x := s.vector.Register()
	TESTQ(k, k)
	JZ(operand.LabelRef("done"))
	Label("loop")
	load(operand.Mem{Base: src}, x)
	VMOVUPS(x, operand.Mem{Base: dst})
	ADDQ(stride, src)
	ADDQ(operand.U8(s.vector), dst)
	DECQ(k)
	JNZ(operand.LabelRef("loop"))
	Label("done")
	s.ret()
}

// opmask returns a mask register with the first n lanes set.
func (s set) opmask(n reg.Register) reg.Register {
	MOVQ(n, reg.RCX)
	bits, mask := GP64(), K()
	MOVQ(operand.U32(1), bits)
	SHLQ(reg.CL, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	return mask
}

// laneVector returns a vector with all ones in the first n lanes, zero elsewhere.
func (s set) laneVector(n reg.Register) reg.Register {
	base, offset, mask := GP64(), GP64(), YMM()
	LEAQ(lanesTable(), base)
	MOVQ(n, offset)
	NEGQ(offset)
	VMOVUPS(operand.Mem{Base: base, Index: offset, Scale: 4, Disp: 4 * 16}, mask)
	return mask
}
