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

// halves calls f with the offset of each vector of a row of sixteen, and registers for it.
func halves(level string, count int, f func(offset int, registers []reg.VecVirtual)) {
	wide := level == "AVX512"
	for offset := 0; offset < 64; offset += 32 {
		registers := make([]reg.VecVirtual, count)
		for i := range registers {
			if registers[i] = YMM(); wide {
				registers[i] = ZMM()
			}
		}
		f(offset, registers)
		if wide {
			return
		}
	}
}

func writeTurn(level string) {
	TEXT("Turn"+level, 0, "func(re, im, x, turns *float32, rows, stride int)")
	Pragma("noescape")
	Doc("Turn" + level + " sets each of rows ≥ 1 consecutive vectors of re and im to one of x, stride floats from the next, times the first and times the second float of its pair of turns.")
	re, im, x, turns := Load(Param("re"), GP64()), Load(Param("im"), GP64()), Load(Param("x"), GP64()), Load(Param("turns"), GP64())
	rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
	Label("row")
	halves(level, 3, func(offset int, r []reg.VecVirtual) {
		VMOVUPS(Mem{Base: x, Disp: offset}, r[0])
		VBROADCASTSS(Mem{Base: turns}, r[1])
		VBROADCASTSS(Mem{Base: turns, Disp: 4}, r[2])
		VMULPS(r[0], r[1], r[1])
		VMULPS(r[0], r[2], r[2])
		VMOVUPS(r[1], Mem{Base: re, Disp: offset})
		VMOVUPS(r[2], Mem{Base: im, Disp: offset})
	})
	LEAQ(Mem{Base: x, Index: stride, Scale: 4}, x)
	ADDQ(Imm(64), re)
	ADDQ(Imm(64), im)
	ADDQ(Imm(8), turns)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func writeTurnBack(level string) {
	TEXT("TurnBack"+level, 0, "func(x, re, im, turns *float32, rows, stride, around int)")
	Pragma("noescape")
	Doc("TurnBack" + level + " sets each of rows ≥ 1 vectors of x, stride floats from the next, to re[0]·turns[0][0] + im[0]·turns[0][1] + im[around]·turns[around][0] - re[around]·turns[around][1], where indexes count vectors and pairs from the row on. x may be re.")
	x, re, im, turns := Load(Param("x"), GP64()), Load(Param("re"), GP64()), Load(Param("im"), GP64()), Load(Param("turns"), GP64())
	rows, stride, around := Load(Param("rows"), GP64()), Load(Param("stride"), GP64()), Load(Param("around"), GP64())
	turnsAround := GP64()
	LEAQ(Mem{Base: turns, Index: around, Scale: 8}, turnsAround)
	SHLQ(Imm(6), around)
	Label("row")
	halves(level, 4, func(offset int, r []reg.VecVirtual) {
		sum := r[0]
		VBROADCASTSS(Mem{Base: turns}, sum)
		VMULPS(Mem{Base: re, Disp: offset}, sum, sum)
		VBROADCASTSS(Mem{Base: turns, Disp: 4}, r[1])
		VFMADD231PS(Mem{Base: im, Disp: offset}, r[1], sum)
		VBROADCASTSS(Mem{Base: turnsAround}, r[2])
		VFMADD231PS(Mem{Base: im, Index: around, Scale: 1, Disp: offset}, r[2], sum)
		VBROADCASTSS(Mem{Base: turnsAround, Disp: 4}, r[3])
		VFNMADD231PS(Mem{Base: re, Index: around, Scale: 1, Disp: offset}, r[3], sum)
		VMOVUPS(sum, Mem{Base: x, Disp: offset})
	})
	LEAQ(Mem{Base: x, Index: stride, Scale: 4}, x)
	ADDQ(Imm(64), re)
	ADDQ(Imm(64), im)
	ADDQ(Imm(8), turns)
	ADDQ(Imm(8), turnsAround)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
