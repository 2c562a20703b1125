package main

import (
	"strconv"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/parts"
)

// writeCopies writes the routines that copy up to eight floats of pixels between layouts with gaps.
func writeCopies() {
	pixels := func(level string, prepare func(lanes reg.Register), copyPixel func(dst, src, lanes reg.Register)) {
		TEXT("CopyLanes"+level, 0, "func(dst, src *float32, pixels, dstStride, srcStride, lanes int)")
		Pragma("noescape")
		Doc("CopyLanes" + level + " copies lanes ≤ 8 floats of each of pixels ≥ 1 pixels; strides count floats.")
		dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		dstStride, srcStride := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
		left := Load(Param("pixels"), GP64())
		lanes := Load(Param("lanes"), GP64())
		prepare(lanes)
		Label("pixel")
		copyPixel(dst, src, lanes)
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
	}, func(dst, src, _ reg.Register) {
		VMOVUPS_Z(Mem{Base: src}, k, x)
		VMOVUPS(x, k, Mem{Base: dst})
	})
	pixels("AVX2", func(reg.Register) {}, func(dst, src, lanes reg.Register) { parts.Copy("without", dst, src, lanes, 8) })
}

// writePieces writes the routines that bring sixteen lanes together from two or four pieces, and take them apart. The
// place of a piece in x is where lane 0 would be, which may be before x, and its mask says which lanes it has.
func writePieces() {
	for _, count := range []int{2, 4} {
		writePiecesOf(count, true)
		writePiecesOf(count, false)
	}
}

func writePiecesOf(count int, gather bool) {
	name, doc := "Gather", " sets each of rows ≥ 1 consecutive vectors of sixteen to the lanes of pieces that begin at places a, b… of x, stride floats further a row; lanes of no piece become zero. Masks are 16 bits each, that of a lowest."
	if !gather {
		name, doc = "Scatter", " is the way back of Gather: lanes of consecutive vectors go to the pieces."
	}
	name += strconv.Itoa(count) + "PiecesAVX512"
	places := []string{"a", "b", "c", "d"}[:count]
	TEXT(name, 0, "func(vectors, x *float32, "+strings.Join(places, ", ")+", rows, stride int, masks uint64)")
	Pragma("noescape")
	Doc(name + doc)
	vectors, x := Load(Param("vectors"), GP64()), Load(Param("x"), GP64())
	pieces, k := make([]reg.Register, count), make([]reg.Register, count)
	for i, place := range places {
		pieces[i] = Load(Param(place), GP64())
		LEAQ(Mem{Base: x, Index: pieces[i], Scale: 4}, pieces[i])
	}
	rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
	masks := GP64()
	Load(Param("masks"), masks)
	SHLQ(Imm(2), stride)
	for i := range k {
		k[i] = K()
		KMOVW(masks.As32(), k[i])
		SHRQ(Imm(16), masks)
	}
	v := ZMM()
	Label("row")
	if !gather {
		VMOVUPS(Mem{Base: vectors}, v)
	}
	for i, piece := range pieces {
		switch at := (Mem{Base: piece}); {
		case !gather:
			VMOVUPS(v, k[i], at)
		case i == 0:
			VMOVUPS_Z(at, k[i], v)
		default:
			VMOVUPS(at, k[i], v)
		}
		ADDQ(stride, piece)
	}
	if gather {
		VMOVUPS(v, Mem{Base: vectors})
	}
	ADDQ(Imm(64), vectors)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// writeFinite writes the routines that look for NaN and infinity.
func writeFinite() {
	finite := func(level string, look func(re, im Mem, wrong reg.GPVirtual)) {
		TEXT("Finite"+level, attr.NOSPLIT, "func(re, im *float32) bool")
		Pragma("noescape")
		Doc("Finite" + level + " says whether sixteen real and sixteen imaginary parts are all finite.")
		wrong := GP32()
		look(Mem{Base: Load(Param("re"), GP64())}, Mem{Base: Load(Param("im"), GP64())}, wrong)
		right := GP8()
		TESTL(wrong, wrong)
		SETEQ(right)
		VZEROUPPER()
		Store(right, ReturnIndex(0))
		RET()
	}
	finite("AVX512", func(re, im Mem, wrong reg.GPVirtual) {
		x, sum, k := ZMM(), ZMM(), K()
		VPXORD(sum, sum, sum)
		VMULPS(re, sum, x) // NaN where it is not finite
		VFMADD231PS(im, sum, x)
		VCMPPS(Imm(unordered), x, x, k)
		KMOVW(k, wrong)
	})
	finite("AVX2", func(re, im Mem, wrong reg.GPVirtual) {
		x, zero := YMM(), YMM()
		VXORPS(zero, zero, zero)
		VMULPS(re, zero, x)
		for _, at := range []Mem{re.Offset(32), im, im.Offset(32)} {
			VFMADD231PS(at, zero, x)
		}
		VCMPPS(Imm(unordered), x, x, x)
		VMOVMSKPS(x, wrong)
	})
}

// unordered is the comparison that is true of NaN alone.
const unordered = 3
