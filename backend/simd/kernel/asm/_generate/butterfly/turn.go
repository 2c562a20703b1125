package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// writeTurns writes the routines that make complex signals of real lines, each row multiplied by the pair of floats that
// turns has for it, and that take them back.
func writeTurns() {
	for _, level := range []string{"AVX512", "AVX2"} {
		writeTurn(level)
		writeTurnBack(level)
	}
}

// halves returns the offset of each vector of a row of sixteen, and vectorsOf what makes registers for one.
func halves(level string) []int {
	if level == "AVX512" {
		return []int{0}
	}
	return []int{0, 32}
}

func vectorsOf(level string) func() reg.VecVirtual {
	if level == "AVX512" {
		return ZMM
	}
	return YMM
}

func writeTurn(level string) {
	TEXT("Turn"+level, 0, "func(re, im, x, turns *float32, rows, stride int)")
	Pragma("noescape")
	Doc("Turn" + level + " sets each of rows ≥ 1 consecutive vectors of re and im to one of x, stride floats from the next, times the first and times the second float of its pair of turns.")
	re, im, x, turns := Load(Param("re"), GP64()), Load(Param("im"), GP64()), Load(Param("x"), GP64()), Load(Param("turns"), GP64())
	rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
	Label("row")
	registers := vectorsOf(level)
	cos, sin := registers(), registers()
	VBROADCASTSS(Mem{Base: turns}, cos)
	VBROADCASTSS(Mem{Base: turns, Disp: 4}, sin)
	for _, offset := range halves(level) {
		turnedRe, turnedIm := registers(), registers()
		VMULPS(Mem{Base: x, Disp: offset}, cos, turnedRe)
		VMULPS(Mem{Base: x, Disp: offset}, sin, turnedIm)
		VMOVUPS(turnedRe, Mem{Base: re, Disp: offset})
		VMOVUPS(turnedIm, Mem{Base: im, Disp: offset})
	}
	LEAQ(Mem{Base: x, Index: stride, Scale: 4}, x)
	ADDQ(Imm(64), re)
	ADDQ(Imm(64), im)
	ADDQ(Imm(8), turns)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// writeTurnBack goes through the rows in steps of around, so that each is loaded once: for the row that it is on from, and
// for itself.
func writeTurnBack(level string) {
	TEXT("TurnBack"+level, 0, "func(x, re, im, turns *float32, rows, stride, around int)")
	Pragma("noescape")
	Doc("TurnBack" + level + " sets each of rows ≥ 1 vectors of x, stride floats from the next, to re[0]·turns[0][0] + im[0]·turns[0][1] + im[around]·turns[around][0] - re[around]·turns[around][1], where indexes count vectors and pairs from the row on and around ≥ 1. x may be re.")
	x, re, im, turns := Load(Param("x"), GP64()), Load(Param("re"), GP64()), Load(Param("im"), GP64()), Load(Param("turns"), GP64())
	rows, stride, around := Load(Param("rows"), GP64()), Load(Param("stride"), GP64()), Load(Param("around"), GP64())
	SHLQ(Imm(2), stride)
	xStep, zStep := GP64(), GP64()
	MOVQ(stride, xStep)
	IMULQ(around, xStep)
	MOVQ(around, zStep)
	SHLQ(Imm(6), zStep)
	SUBQ(re, im) // the distance
	registers := vectorsOf(level)
	cos, sin, nextCos, nextSin := registers(), registers(), registers(), registers()
	var here, next []complexVectors
	offsets := halves(level)
	for range offsets {
		here = append(here, complexVectors{registers(), registers()})
		next = append(next, complexVectors{registers(), registers()})
	}
	first := GP64()
	XORQ(first, first)
	Label("first")
	row, to, from, turn := GP64(), GP64(), GP64(), GP64()
	MOVQ(first, row)
	MOVQ(x, to)
	MOVQ(re, from)
	MOVQ(turns, turn)
	load := func(cos, sin reg.VecVirtual, z []complexVectors) {
		VBROADCASTSS(Mem{Base: turn}, cos)
		VBROADCASTSS(Mem{Base: turn, Disp: 4}, sin)
		for i, offset := range offsets {
			VMOVUPS(Mem{Base: from, Disp: offset}, z[i].re)
			VMOVUPS(Mem{Base: from, Index: im, Scale: 1, Disp: offset}, z[i].im)
		}
	}
	load(cos, sin, here)
	Label("row")
	ADDQ(zStep, from)
	LEAQ(Mem{Base: turn, Index: around, Scale: 8}, turn)
	load(nextCos, nextSin, next)
	for i, offset := range offsets {
		sum := here[i].re
		VMULPS(cos, sum, sum)
		VFMADD231PS(sin, here[i].im, sum)
		VFMADD231PS(nextCos, next[i].im, sum)
		VFNMADD231PS(nextSin, next[i].re, sum)
		VMOVUPS(sum, Mem{Base: to, Disp: offset})
		VMOVAPS(next[i].re, here[i].re)
		VMOVAPS(next[i].im, here[i].im)
	}
	VMOVAPS(nextCos, cos)
	VMOVAPS(nextSin, sin)
	ADDQ(xStep, to)
	ADDQ(around, row)
	CMPQ(row, rows)
	JLT(LabelRef("row"))
	ADDQ(stride, x)
	ADDQ(Imm(64), re)
	ADDQ(Imm(8), turns)
	INCQ(first)
	CMPQ(first, around)
	JGE(LabelRef("done"))
	CMPQ(first, rows)
	JLT(LabelRef("first"))
	Label("done")
	VZEROUPPER()
	RET()
}

// complexVectors are the registers of complex numbers.
type complexVectors struct{ re, im reg.VecVirtual }
