// Command lanes writes the routines that copy up to sixteen channels of a row of pixels to and from vectors of sixteen.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/parts"
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
	for _, pack := range []bool{true, false} {
		write512(pack)
		write256(pack, mask)
	}
	writeStream("AVX512", ZMM)
	writeStream("AVX2", YMM)
	writeFence()
	writeAdd("AVX512", ZMM)
	writeAdd("AVX2", YMM)
	writeCopies()
	writePieces()
	writeFinite()
	Generate()
}

// begin opens one routine and returns its two pointers, and what each moves by a pixel.
func begin(pack bool, level string) (dst, src, dstStride, srcStride Register, pixels Register) {
	name, doc := "PackLanes", " copies lanes ≤ 16 floats of each of pixels ≥ 1 pixels, stride floats apart, to vectors of sixteen; the other lanes become zero."
	if !pack {
		name, doc = "UnpackLanes", " copies the first lanes ≤ 16 floats of each of pixels ≥ 1 vectors of sixteen to pixels stride floats apart."
	}
	TEXT(name+level, NOSPLIT, "func(dst, src *float32, pixels, stride, lanes int)")
	Pragma("noescape")
	Doc(name + level + doc)
	dst, src = Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	pixels = Load(Param("pixels"), GP64())
	stride := Load(Param("stride"), GP64())
	sixteen := GP64()
	MOVQ(U32(16), sixteen)
	if pack {
		return dst, src, sixteen, stride, pixels
	}
	return dst, src, stride, sixteen, pixels
}

// end closes the loop over pixels.
func end(dst, src, dstStride, srcStride, pixels Register) {
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 4}, dst)
	LEAQ(Mem{Base: src, Index: srcStride, Scale: 4}, src)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

func write512(pack bool) {
	dst, src, dstStride, srcStride, pixels := begin(pack, "AVX512")
	lanes, bits, mask, x := GP64(), GP64(), K(), ZMM()
	Load(Param("lanes"), lanes)
	MOVQ(U32(1), bits)
	SHLXQ(lanes, bits, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	Label("pixel")
	VMOVUPS_Z(Mem{Base: src}, mask, x)
	if pack {
		VMOVUPS(x, Mem{Base: dst})
	} else {
		VMOVUPS(x, mask, Mem{Base: dst})
	}
	end(dst, src, dstStride, srcStride, pixels)
}

func write256(pack bool, table Mem) {
	dst, src, dstStride, srcStride, pixels := begin(pack, "AVX2")
	lanes := GP64()
	Load(Param("lanes"), lanes)
	if !pack {
		Label("pixel")
		parts.Copy("without", dst, src, lanes, 16)
		end(dst, src, dstStride, srcStride, pixels)
		return
	}
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
	end(dst, src, dstStride, srcStride, pixels)
}

// writeStream writes the routine that copies whole vectors past the caches.
func writeStream[V Register](level string, vector func() V) {
	TEXT("StreamLanes"+level, NOSPLIT, "func(dst, src *float32, pixels, dstStride, srcStride, vectors int)")
	Pragma("noescape")
	Doc("StreamLanes" + level + " copies vectors ≥ 1 vectors of sixteen of each of pixels ≥ 1 pixels past the caches, to a multiple of 64 bytes. Fence must follow.")
	dst, src, pixels := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("pixels"), GP64())
	dstStride, srcStride, vectors := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64()), Load(Param("vectors"), GP64())
	SHLQ(Imm(2), dstStride)
	SHLQ(Imm(2), srcStride)
	SHLQ(Imm(6), vectors)
	Label("pixel")
	at := GP64()
	XORQ(at, at)
	Label("vector")
	var parts []V
	for i := 0; i < 64; i += int(vector().Size()) {
		v := vector()
		VMOVUPS(Mem{Base: src, Index: at, Scale: 1, Disp: i}, v)
		parts = append(parts, v)
	}
	for i, v := range parts {
		VMOVNTPS(v, Mem{Base: dst, Index: at, Scale: 1, Disp: i * int(v.Size())})
	}
	ADDQ(Imm(64), at)
	CMPQ(at, vectors)
	JNE(LabelRef("vector"))
	ADDQ(dstStride, dst)
	ADDQ(srcStride, src)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// writeAdd writes the routine that adds whole vectors to others.
func writeAdd[V Register](level string, vector func() V) {
	TEXT("AddLanes"+level, NOSPLIT, "func(dst, src *float32, pixels, stride int)")
	Pragma("noescape")
	Doc("AddLanes" + level + " adds sixteen floats of each of pixels ≥ 1 pixels, stride floats apart, to vectors of sixteen.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	pixels, stride := Load(Param("pixels"), GP64()), Load(Param("stride"), GP64())
	Label("pixel")
	for i := 0; i < 64; i += int(vector().Size()) {
		v := vector()
		VMOVUPS(Mem{Base: dst, Disp: i}, v)
		VADDPS(Mem{Base: src, Disp: i}, v, v)
		VMOVUPS(v, Mem{Base: dst, Disp: i})
	}
	ADDQ(Imm(64), dst)
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
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
