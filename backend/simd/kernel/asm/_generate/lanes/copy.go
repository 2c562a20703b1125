package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// writeCopies writes the routines that copy up to sixteen floats of pixels between layouts with gaps.
func writeCopies() {
	overPixels("CopyLanes", "copies", "AVX512", func(c *pixelLoop) {
		mask, x := c.mask(), ZMM()
		c.loop("pixel", func(dst, src Mem) {
			VMOVUPS_Z(src, mask, x)
			VMOVUPS(x, mask, dst)
		})
		c.end()
	})
	// Masked stores are slow on some processors that have AVX2: the largest vectors that fit are copied instead, one from the
	// beginning and one to the end, which may overlap.
	overPixels("CopyLanes", "copies", "AVX2", func(c *pixelLoop) {
		for _, v := range vectors {
			CMPQ(c.lanes, Imm(uint64(v.lanes)))
			JEQ(LabelRef(v.label("one")))
			if v.lanes > 1 {
				JGT(LabelRef(v.label("two")))
			}
		}
		for _, v := range vectors {
			first, second := v.of(YMM()), v.of(YMM())
			c.loop(v.label("one"), func(dst, src Mem) {
				v.move(src, first)
				v.move(first, dst)
			})
			c.end()
			if v.lanes == 1 {
				continue
			}
			Label(v.label("two"))
			SUBQ(Imm(uint64(v.lanes)), c.lanes)
			c.loop(v.label("both"), func(dst, src Mem) {
				dst2, src2 := dst, src
				dst2.Index, dst2.Scale, src2.Index, src2.Scale = c.lanes, 4, c.lanes, 4
				v.move(src, first)
				v.move(src2, second)
				v.move(first, dst)
				v.move(second, dst2)
			})
			c.end()
		}
	})
}

// writeAdds writes the routines that add up to sixteen floats of pixels.
func writeAdds() {
	overPixels("AddLanes", "adds", "AVX512", func(c *pixelLoop) {
		mask, x := c.mask(), ZMM()
		c.loop("pixel", func(dst, src Mem) {
			VMOVUPS_Z(src, mask, x)
			VADDPS_Z(dst, x, mask, x)
			VMOVUPS(x, mask, dst)
		})
		c.end()
	})
	overPixels("AddLanes", "adds", "AVX2", func(c *pixelLoop) {
		first, second := YMM(), YMM()
		CMPQ(c.lanes, Imm(16))
		JNE(LabelRef("parts"))
		c.loop("pixel", func(dst, src Mem) {
			VMOVUPS(src, first)
			VMOVUPS(src.Offset(32), second)
			VADDPS(dst, first, first)
			VADDPS(dst.Offset(32), second, second)
			VMOVUPS(first, dst)
			VMOVUPS(second, dst.Offset(32))
		})
		c.end()
		Label("parts") // of each power of two that there is
		for _, v := range vectors {
			x, sum := v.of(YMM()), v.of(YMM())
			TESTQ(U32(v.lanes), c.lanes)
			JZ(LabelRef(v.label("without")))
			part := *c
			part.dst, part.src, part.pixels = copyOf(c.dst), copyOf(c.src), copyOf(c.pixels)
			part.loop(v.label("part"), func(dst, src Mem) {
				v.move(src, x)
				v.move(dst, sum)
				VADDPS(x, sum, sum)
				v.move(sum, dst)
			})
			ADDQ(Imm(uint64(4*v.lanes)), c.dst)
			ADDQ(Imm(uint64(4*v.lanes)), c.src)
			Label(v.label("without"))
		}
		c.end()
	})
}

// writePairAdds writes the routines that add rows of two lines to a sum, which is read and written once for both.
func writePairAdds() {
	for _, level := range []struct {
		name     string
		register func() reg.VecVirtual
	}{{"AVX512", ZMM}, {"AVX2", YMM}} {
		name := "AddPairLanes" + level.name
		TEXT(name, NOSPLIT, "func(sums, first, second *float32, rows, stride int)")
		Pragma("noescape")
		Doc(name + " adds sixteen floats of each of rows ≥ 1 rows of two lines, stride floats apart, to consecutive vectors.")
		sums, first, second := Load(Param("sums"), GP64()), Load(Param("first"), GP64()), Load(Param("second"), GP64())
		rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
		SHLQ(Imm(2), stride)
		SUBQ(first, second) // from a row to that of the second line
		Label("row")
		size := int(level.register().Size())
		for at := 0; at < 64; at += size {
			x := level.register()
			VMOVUPS(Mem{Base: first, Disp: at}, x)
			VADDPS(Mem{Base: first, Index: second, Scale: 1, Disp: at}, x, x)
			VADDPS(Mem{Base: sums, Disp: at}, x, x)
			VMOVUPS(x, Mem{Base: sums, Disp: at})
		}
		ADDQ(Imm(64), sums)
		ADDQ(stride, first)
		DECQ(rows)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	}
}

func copyOf(r reg.Register) reg.Register {
	to := GP64()
	MOVQ(r, to)
	return to
}

// vector is a part of a register that can be moved.
type vector struct {
	lanes int
	move  func(operands ...Op)
	of    func(reg.VecVirtual) reg.Register
}

// vectors are those of up to eight floats, the largest first.
var vectors = []vector{
	{8, VMOVUPS, func(v reg.VecVirtual) reg.Register { return v }},
	{4, VMOVUPS, reg.VecVirtual.AsX},
	{2, VMOVSD, reg.VecVirtual.AsX},
	{1, VMOVSS, reg.VecVirtual.AsX},
}

func (v vector) label(name string) string { return fmt.Sprintf("%s%d", name, v.lanes) }

// pixelLoop is what the loops of a routine over pixels share.
type pixelLoop struct {
	dst, src, dstStride, srcStride, pixels, lanes reg.Register
}

func overPixels(name, does, level string, write func(c *pixelLoop)) {
	TEXT(name+level, NOSPLIT, "func(dst, src *float32, pixels, dstStride, srcStride, lanes int)")
	Pragma("noescape")
	Doc(name + level + " " + does + " lanes of 1 to 16 floats of each of pixels ≥ 1 pixels; strides count floats.")
	write(&pixelLoop{
		dst: Load(Param("dst"), GP64()), src: Load(Param("src"), GP64()), pixels: Load(Param("pixels"), GP64()),
		dstStride: Load(Param("dstStride"), GP64()), srcStride: Load(Param("srcStride"), GP64()), lanes: Load(Param("lanes"), GP64()),
	})
}

// mask returns that of the lanes.
func (c *pixelLoop) mask() reg.Register {
	bits, mask := GP64(), K()
	MOVQ(U32(1), bits)
	SHLXQ(c.lanes, bits, bits)
	DECQ(bits)
	KMOVW(bits.As32(), mask)
	return mask
}

// loop goes over all pixels.
func (c *pixelLoop) loop(label string, pixel func(dst, src Mem)) {
	Label(label)
	pixel(Mem{Base: c.dst}, Mem{Base: c.src})
	LEAQ(Mem{Base: c.dst, Index: c.dstStride, Scale: 4}, c.dst)
	LEAQ(Mem{Base: c.src, Index: c.srcStride, Scale: 4}, c.src)
	DECQ(c.pixels)
	JNZ(LabelRef(label))
}

// end returns.
func (c *pixelLoop) end() {
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
