package main

import (
	"fmt"
	"strconv"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// writeCopies writes the routines that copy up to sixteen floats of pixels between layouts with gaps.
func writeCopies() {
	copyPixels("AVX512", func(c *pixelCopy) {
		bits, mask, x := GP64(), K(), ZMM()
		MOVQ(U32(1), bits)
		SHLXQ(c.lanes, bits, bits)
		DECQ(bits)
		KMOVW(bits.As32(), mask)
		c.loop("pixel", func(dst, src Mem) {
			VMOVUPS_Z(src, mask, x)
			VMOVUPS(x, mask, dst)
		})
	})
	// Masked stores are slow on some processors that have AVX2: the largest vectors that fit are copied instead, one from the
	// beginning and one to the end, which may overlap.
	copyPixels("AVX2", func(c *pixelCopy) {
		vectors := []struct {
			lanes int
			move  func(operands ...Op)
			of    func(reg.VecVirtual) reg.Register
		}{
			{8, VMOVUPS, func(v reg.VecVirtual) reg.Register { return v }},
			{4, VMOVUPS, func(v reg.VecVirtual) reg.Register { return v.AsX() }},
			{2, VMOVSD, func(v reg.VecVirtual) reg.Register { return v.AsX() }},
			{1, VMOVSS, func(v reg.VecVirtual) reg.Register { return v.AsX() }},
		}
		for _, vector := range vectors {
			one, two := fmt.Sprintf("one%d", vector.lanes), fmt.Sprintf("two%d", vector.lanes)
			CMPQ(c.lanes, Imm(uint64(vector.lanes)))
			JEQ(LabelRef(one))
			if vector.lanes > 1 {
				JGT(LabelRef(two))
			}
		}
		for _, vector := range vectors {
			first, second := vector.of(YMM()), vector.of(YMM())
			c.loop(fmt.Sprintf("one%d", vector.lanes), func(dst, src Mem) {
				vector.move(src, first)
				vector.move(first, dst)
			})
			if vector.lanes == 1 {
				continue
			}
			Label(fmt.Sprintf("two%d", vector.lanes))
			SUBQ(Imm(uint64(vector.lanes)), c.lanes)
			c.loop(fmt.Sprintf("both%d", vector.lanes), func(dst, src Mem) {
				dst2, src2 := dst, src
				dst2.Index, dst2.Scale, src2.Index, src2.Scale = c.lanes, 4, c.lanes, 4
				vector.move(src, first)
				vector.move(src2, second)
				vector.move(first, dst)
				vector.move(second, dst2)
			})
		}
	})
}

// pixelCopy is what the loops of a routine that copies pixels share.
type pixelCopy struct {
	dst, src, dstStride, srcStride, pixels, lanes reg.Register
}

func copyPixels(level string, write func(c *pixelCopy)) {
	TEXT("CopyLanes"+level, NOSPLIT, "func(dst, src *float32, pixels, dstStride, srcStride, lanes int)")
	Pragma("noescape")
	Doc("CopyLanes" + level + " copies lanes of 1 to 16 floats of each of pixels ≥ 1 pixels; strides count floats.")
	write(&pixelCopy{
		dst: Load(Param("dst"), GP64()), src: Load(Param("src"), GP64()), pixels: Load(Param("pixels"), GP64()),
		dstStride: Load(Param("dstStride"), GP64()), srcStride: Load(Param("srcStride"), GP64()), lanes: Load(Param("lanes"), GP64()),
	})
}

// loop copies all pixels, and returns.
func (c *pixelCopy) loop(label string, copyPixel func(dst, src Mem)) {
	Label(label)
	copyPixel(Mem{Base: c.dst}, Mem{Base: c.src})
	LEAQ(Mem{Base: c.dst, Index: c.dstStride, Scale: 4}, c.dst)
	LEAQ(Mem{Base: c.src, Index: c.srcStride, Scale: 4}, c.src)
	DECQ(c.pixels)
	JNZ(LabelRef(label))
	VZEROUPPER()
	RET()
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
		TEXT("Finite"+level, NOSPLIT, "func(re, im *float32) bool")
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
