// Command lanes writes the routines that copy up to sixteen channels of a row of pixels to and from vectors of sixteen.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	mask := GLOBL("laneMask", RODATA|NOPTR)
	for i := range 32 {
		word := U32(0)
		if i < 16 {
			word = U32(0xffffffff)
		}
		DATA(4*i, word)
	}
	pack512()
	pack256(mask)
	writeStream("AVX512", ZMM)
	writeStream("AVX2", YMM)
	writeFence()
	writeCopies()
	writeAdds()
	writePairAdds()
	writePieces()
	writeFinite()
	Generate()
}

// begin opens a routine that packs pixels.
func begin(level string) (dst, src, stride, pixels, lanes Register) {
	TEXT("PackLanes"+level, NOSPLIT, "func(dst, src *float32, pixels, stride, lanes int)")
	Pragma("noescape")
	Doc("PackLanes" + level + " copies lanes ≤ 16 floats of each of pixels ≥ 1 pixels, stride floats apart, to vectors of sixteen; the other lanes become zero.")
	dst, src = Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	pixels = Load(Param("pixels"), GP64())
	return dst, src, Load(Param("stride"), GP64()), pixels, Load(Param("lanes"), GP64())
}

// end closes the loop over pixels.
func end(dst, src, stride, pixels Register) {
	ADDQ(Imm(64), dst)
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

func pack512() {
	dst, src, stride, pixels, lanes := begin("AVX512")
	bits, mask, x := GP64(), K(), ZMM()
	MOVQ(U32(1), bits)
	SHLXQ(lanes, bits, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	Label("pixel")
	VMOVUPS_Z(Mem{Base: src}, mask, x)
	VMOVUPS(x, Mem{Base: dst})
	end(dst, src, stride, pixels)
}

func pack256(table Mem) {
	dst, src, stride, pixels, lanes := begin("AVX2")
	at := GP64()
	LEAQ(table.Offset(64), at)
	SHLQ(Imm(2), lanes)
	SUBQ(lanes, at)
	masks, x := [2]VecVirtual{YMM(), YMM()}, [2]VecVirtual{YMM(), YMM()}
	for v := range masks {
		VMOVUPS(Mem{Base: at}.Offset(32*v), masks[v])
	}
	Label("pixel")
	for v := range x {
		VMASKMOVPS(Mem{Base: src}.Offset(32*v), masks[v], x[v])
	}
	for v := range x {
		VMOVUPS(x[v], Mem{Base: dst}.Offset(32*v))
	}
	end(dst, src, stride, pixels)
}

// writeStream writes the routine that copies a whole vector for each pixel past the caches.
func writeStream[V Register](level string, vector func() V) {
	TEXT("StreamLanes"+level, NOSPLIT, "func(dst, src *float32, pixels, dstStride, srcStride int)")
	Pragma("noescape")
	Doc("StreamLanes" + level + " copies a vector of sixteen of each of pixels ≥ 1 pixels past the caches, to a multiple of 64 bytes. Fence must follow.")
	dst, src, pixels := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("pixels"), GP64())
	dstStride, srcStride := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
	SHLQ(Imm(2), dstStride)
	SHLQ(Imm(2), srcStride)
	Label("pixel")
	var parts []V
	for i := 0; i < 64; i += int(vector().Size()) {
		v := vector()
		VMOVUPS(Mem{Base: src, Disp: i}, v)
		parts = append(parts, v)
	}
	for i, v := range parts {
		VMOVNTPS(v, Mem{Base: dst, Disp: i * int(v.Size())})
	}
	ADDQ(dstStride, dst)
	ADDQ(srcStride, src)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// writeFence writes what lets others see what was copied past the caches.
func writeFence() {
	TEXT("Fence", NOSPLIT, "func()")
	Doc("Fence lets all that reads memory later see what StreamLanes wrote before.")
	SFENCE()
	RET()
}
