package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/vecmath"
)

// epilogue applies scale, bias, residual and clamping to the accumulators and stores them.
func (t tile) epilogue() {
	t.masks()
	t.loadStrideOfC()
	Load(Param("options"), options)
	t.perColumn("scale", func(x, accumulator vectorRegister) { VMULPS(x, accumulator, accumulator) })
	t.perColumn("bias", func(x, accumulator vectorRegister) { VADDPS(x, accumulator, accumulator) })
	t.when(optionResidualFirst, true, "early", t.addResidual)
	t.when(optionReLU, true, "relu", func(string) {
		zero := t.spare(0)
		VXORPS(zero, zero, zero)
		t.each(func(accumulator vectorRegister) { VMAXPS(accumulator, zero, accumulator) })
	})
	t.when(optionReLU6, true, "relu6", func(string) {
		six := t.spare(0)
		VMOVUPS(vecmath.Constant(6), six)
		t.each(func(accumulator vectorRegister) { VMINPS(accumulator, six, accumulator) })
	})
	t.when(optionResidualFirst, false, "late", t.addResidual)
	t.store()
}

// when runs what body emits if the option is set, or is not.
func (t tile) when(option int, set bool, name string, body func(name string)) {
	TESTQ(operand.U32(option), options)
	if set {
		JZ(operand.LabelRef(t.label(name)))
	} else {
		JNZ(operand.LabelRef(t.label(name)))
	}
	body(name)
	Label(t.label(name))
}

// perColumn combines every row with the vector that the named argument points to, unless it is nil.
func (t tile) perColumn(name string, combine func(x, accumulator vectorRegister)) {
	Load(Param(name), vectors)
	TESTQ(vectors, vectors)
	JZ(operand.LabelRef(t.label(name)))
	for v := range t.vectors {
		t.loadMasked(operand.Mem{Base: vectors, Disp: v * int(t.vector)}, v, t.spare(v))
	}
	for row := range t.rows {
		for v := range t.vectors {
			combine(t.spare(v), t.accumulator(row, v))
		}
	}
	Label(t.label(name))
}

func (t tile) addResidual(name string) {
	TESTQ(residuals, residuals)
	JZ(operand.LabelRef(t.label(name)))
	t.eachRow(residuals, func(row, v int, at operand.Mem) {
		t.loadMasked(at, v, t.spare(v))
		VADDPS(t.spare(v), t.accumulator(row, v), t.accumulator(row, v))
	})
}

// store writes the tile and leaves walker at the row after it. Masked stores are slow in AVX2, so full tiles have
// their own there.
func (t tile) store() {
	if t.vector == vecmath.AVX512 {
		t.eachRow(cTile, func(row, v int, at operand.Mem) {
			VMOVUPS(t.accumulator(row, v), laneMask(v), at)
		})
		return
	}
	Load(Param("columns"), vectors)
	CMPQ(vectors, operand.U8(t.vectors*t.vector.Lanes()))
	JE(operand.LabelRef(t.label("full")))
	t.eachRow(cTile, func(row, v int, at operand.Mem) {
		VMASKMOVPS(t.accumulator(row, v), t.line(v), at)
	})
	JMP(operand.LabelRef(t.label("stored")))
	Label(t.label("full"))
	t.eachRow(cTile, func(row, v int, at operand.Mem) { VMOVUPS(t.accumulator(row, v), at) })
	Label(t.label("stored"))
}

// each runs f on every accumulator.
func (t tile) each(f func(accumulator vectorRegister)) {
	for i := range t.rows * t.vectors {
		f(t.register(i))
	}
}

// eachRow runs f on every vector of the tile with its place in a matrix that has the rows of C and begins at start.
func (t tile) eachRow(start reg.GPPhysical, f func(row, vector int, at operand.Mem)) {
	MOVQ(start, walker)
	for row := range t.rows {
		for v := range t.vectors {
			f(row, v, operand.Mem{Base: walker, Disp: v * int(t.vector)})
		}
		ADDQ(cRow, walker)
	}
}

func (t tile) loadStrideOfC() {
	Load(Param("cRow"), cRow)
	SHLQ(operand.U8(2), cRow)
}

// laneMask is the mask of a vector's lanes in use.
func laneMask(vector int) reg.OpmaskPhysical { return []reg.OpmaskPhysical{reg.K1, reg.K2}[vector] }

// loadMasked loads the lanes in use and zero elsewhere.
func (t tile) loadMasked(from operand.Mem, vector int, to vectorRegister) {
	if t.vector == vecmath.AVX512 {
		VMOVUPS_Z(from, laneMask(vector), to)
		return
	}
	VMASKMOVPS(from, t.line(vector), to)
}

// masks sets the registers of the lines of B, free outside the inner loop, to all ones in the lanes in use (AVX2).
func (t tile) masks() {
	if t.vector == vecmath.AVX512 {
		return
	}
	const lanes = 16
	table := lanesTable()
	Load(Param("columns"), vectors)
	NEGQ(vectors)
	LEAQ(table, walker)
	for v := range t.vectors {
		VMOVUPS(operand.Mem{Base: walker, Index: vectors, Scale: 4, Disp: 4*lanes + v*int(t.vector)}, t.line(v))
	}
}

var lanesTableMemory *operand.Mem

// lanesTable is 16 lanes of all ones and 16 of zero; from 16-n on it is the mask of the first n.
func lanesTable() operand.Mem {
	if lanesTableMemory == nil {
		m := GLOBL("lanes_in_use", 8|16) // RODATA|NOPTR
		for lane := range 32 {
			bits := operand.U32(0)
			if lane < 16 {
				bits = ^bits
			}
			DATA(4*lane, bits)
		}
		lanesTableMemory = &m
	}
	return *lanesTableMemory
}
