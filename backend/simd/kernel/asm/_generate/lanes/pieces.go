package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// writePieces writes the routines that bring sixteen lanes together from pieces, and take them apart. Pieces begin anywhere,
// and where a vector of sixteen lies in two lines of the cache, reading it costs twice as much, and writing it more: most
// routines have eight lanes at a time.
func writePieces() {
	bits := GLOBL("laneBits", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(1)<<i)
	}
	masked := merging{lowMask, func(at Mem, mask, v reg.Register, first bool) {
		if first {
			VMOVUPS_Z(at, mask, v)
		} else {
			VMOVUPS(at, mask, v)
		}
	}}
	joined := merging{func(masks reg.Register, _ int) reg.Register {
		mask, each := YMM(), YMM()
		VMOVDQU(bits, each)
		VMOVQ(masks, mask.AsX())
		VPBROADCASTD(mask.AsX(), mask)
		VPAND(each, mask, mask)
		VPCMPEQD(each, mask, mask)
		return mask
	}, func(at Mem, mask, v reg.Register, first bool) {
		if first {
			VMASKMOVPS(at, mask, v)
			return
		}
		piece := YMM()
		VMASKMOVPS(at, mask, piece)
		VORPS(piece, v, v)
	}}
	writeGather("Gather2AVX512", ZMM, 2, masked)
	for _, count := range []int{2, 3} {
		writeGather(fmt.Sprintf("GatherHalves%dAVX512", count), YMM, count, masked)
		writeGather(fmt.Sprintf("GatherHalves%dAVX2", count), YMM, count, joined)
	}
	for _, count := range []int{2, 3, 4} {
		writeScatter(count)
	}
}

// merging is how the lanes of pieces come into a register: with masks that are made of the lowest bits, as many as lanes.
type merging struct {
	mask func(bits reg.Register, lanes int) reg.Register
	add  func(at Mem, mask, v reg.Register, first bool)
}

// lowMask returns that of the lowest bits.
func lowMask(bits reg.Register, lanes int) reg.Register {
	low, mask := GP32(), K()
	if lanes == 8 {
		MOVBLZX(bits.(reg.GP).As8(), low)
	} else {
		MOVWLZX(bits.(reg.GP).As16(), low)
	}
	KMOVW(low, mask)
	return mask
}

// writeGather writes the routine for so many pieces of each register that makes a vector, or a part of one.
func writeGather(name string, register func() reg.VecVirtual, count int, m merging) {
	lanes := int(register().Size()) / 4
	parts := 16 / lanes
	TEXT(name, NOSPLIT, "func(vectors, x *float32, places *int, rows, stride int, masks uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s sets each of rows ≥ 1 consecutive vectors of sixteen to the lanes of pieces, %d for each %d lanes; lanes of no piece become zero. The place of a piece in x, stride floats further a row, is where the first of those lanes would be, which may be before x, and its mask says which of them it has. Masks have %d bits each, that of the first piece is lowest.", name, count, lanes, lanes))
	vectors, x, places := Load(Param("vectors"), GP64()), Load(Param("x"), GP64()), Load(Param("places"), GP64())
	rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
	bits := Load(Param("masks"), GP64())
	pieces := placesIn(x, places, parts*count)
	masks := masksOf(bits, parts*count, lanes, m.mask)
	at := GP64()
	XORQ(at, at)
	SHLQ(Imm(2), stride)
	Label("row")
	for part := range parts {
		v := register()
		for i := part * count; i < (part+1)*count; i++ {
			m.add(Mem{Base: pieces[i], Index: at, Scale: 1}, masks[i], v, i == part*count)
		}
		VMOVUPS(v, Mem{Base: vectors, Disp: 4 * lanes * part})
	}
	ADDQ(stride, at)
	ADDQ(Imm(64), vectors)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// writeScatter writes the routine for so many pieces. None is empty: processors are very slow where nothing is written.
func writeScatter(count int) {
	name := fmt.Sprintf("Scatter%dAVX512", count)
	TEXT(name, NOSPLIT, "func(vectors, x *float32, lanes, places *int, rows, stride int, masks uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s copies %d pieces of one to eight lanes of each of rows ≥ 1 consecutive vectors of sixteen, which begin at lanes of it, to places of x, stride floats further a row. Masks have 8 bits each, that of the first piece is lowest.", name, count))
	vectors, x := Load(Param("vectors"), GP64()), Load(Param("x"), GP64())
	from := placesIn(vectors, Load(Param("lanes"), GP64()), count)
	to := placesIn(x, Load(Param("places"), GP64()), count)
	rows, stride := Load(Param("rows"), GP64()), Load(Param("stride"), GP64())
	masks := masksOf(Load(Param("masks"), GP64()), count, 8, lowMask)
	vector, at := GP64(), GP64()
	XORQ(vector, vector)
	XORQ(at, at)
	SHLQ(Imm(2), stride)
	Label("row")
	for i, mask := range masks {
		v := YMM()
		VMOVUPS_Z(Mem{Base: from[i], Index: vector, Scale: 1}, mask, v)
		VMOVUPS(v, mask, Mem{Base: to[i], Index: at, Scale: 1})
	}
	ADDQ(Imm(64), vector)
	ADDQ(stride, at)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// masksOf returns those that are made of bits, of each so many.
func masksOf(bits reg.Register, count, lanes int, mask func(bits reg.Register, lanes int) reg.Register) []reg.Register {
	masks := make([]reg.Register, count)
	for i := range masks {
		masks[i] = mask(bits, lanes)
		SHRQ(Imm(uint64(lanes)), bits)
	}
	return masks
}

// placesIn returns the addresses of so many places of floats in memory.
func placesIn(memory, places reg.Register, count int) []reg.Register {
	addresses := make([]reg.Register, count)
	for i := range addresses {
		address := GP64()
		MOVQ(Mem{Base: places, Disp: 8 * i}, address)
		LEAQ(Mem{Base: memory, Index: address, Scale: 4}, address)
		addresses[i] = address
	}
	return addresses
}
