package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// writeCopies writes the routines that copy up to eight floats of pixels between layouts with gaps.
func writeCopies() {
	pixels := func(level string, prepare func(lanes reg.Register), copyPixel func(dst, src Mem)) {
		TEXT("CopyLanes"+level, 0, "func(dst, src *float32, pixels, dstStride, srcStride, lanes int)")
		Pragma("noescape")
		Doc("CopyLanes" + level + " copies lanes ≤ 8 floats of each of pixels ≥ 1 pixels; strides count floats.")
		dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		dstStride, srcStride := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
		left := Load(Param("pixels"), GP64())
		prepare(Load(Param("lanes"), GP64()))
		Label("pixel")
		copyPixel(Mem{Base: dst}, Mem{Base: src})
		LEAQ(Mem{Base: dst, Index: dstStride, Scale: 4}, dst)
		LEAQ(Mem{Base: src, Index: srcStride, Scale: 4}, src)
		DECQ(left)
		JNZ(LabelRef("pixel"))
		VZEROUPPER()
		RET()
	}
	x, bit, k := YMM(), GP64(), K()
	pixels("AVX512", func(lanes reg.Register) {
		MOVQ(U32(1), bit)
		SHLXQ(lanes, bit, bit)
		DECQ(bit)
		KMOVW(bit.As32(), k)
	}, func(dst, src Mem) {
		VMOVUPS_Z(src, k, x)
		VMOVUPS(x, k, dst)
	})
	at, mask := GP64(), YMM()
	pixels("AVX2", func(lanes reg.Register) {
		LEAQ(NewDataAddr(Symbol{Name: laneMaskName, Static: true}, 32), at)
		SHLQ(Imm(2), lanes)
		SUBQ(lanes, at)
		VMOVUPS(Mem{Base: at}, mask)
	}, func(dst, src Mem) {
		VMASKMOVPS(src, mask, x)
		VMASKMOVPS(x, mask, dst)
	})
}

const laneMaskName = "butterflyLaneMask"
