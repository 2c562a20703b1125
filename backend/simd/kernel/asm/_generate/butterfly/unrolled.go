package main

import (
	"fmt"
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file writes Line and LineBack for lines of which each butterfly has code of its own: there it is known where the rows
// are, but for the distance between two of them, so that no offsets are loaded. Those are about a third of what short
// butterflies load where a vector is half a row. The code of all butterflies of a long line would be too much for a processor to
// keep decoded.

// unrolledLine is how butterflies of a line find their rows. The one that begins at row c, of the first ones, has rows c + m·rest for
// all m below the radix, from some m on, around. Addresses are of row c, and one, two, four or eight times an odd multiple of the
// distance from it.
type unrolledLine struct {
	radix, rest int // rest is how many butterflies there are
	turned      int // the m that the butterfly at hand begins with

	first     reg.Register         // where row c is
	distances map[int]reg.Register // between rows, by the multiple
}

// unrolledLines says how many butterflies lines have that there are such routines for, by radix: 28 and 56 are lengths of images.
// With AVX-512, where a vector is a row, a convolution of 28 numbers takes 5 % less time with them on a Zen 4, one of 56 1 %.
var unrolledLines = map[int]int{7: 4, 8: 7}

// row returns the address of row k of the butterfly at hand.
func (w *unrolledLine) row(k int) func() Mem {
	return func() Mem {
		m := (k + w.turned) % w.radix
		if m == 0 {
			return Mem{Base: w.first}
		}
		multiple, scale := oddPart(m)
		return Mem{Base: w.first, Index: w.distances[multiple], Scale: uint8(scale)}
	}
}

// oddPart returns an odd number and a power of two whose product is n.
func oddPart(n int) (odd, power int) {
	for odd, power = n, 1; odd%2 == 0; odd /= 2 {
		power *= 2
	}
	return odd, power
}

// begin lets the butterfly be the one that begins at row c, and returns its number.
func (w *unrolledLine) begin(c int) (number int) {
	for number*w.radix%w.rest != c {
		number++
	}
	w.turned = (number*w.radix - c) / w.rest
	return number
}

func writeUnrolledLine(radix int, back bool, level string, registers []reg.VecPhysical) {
	w := &unrolledLine{radix: radix, rest: unrolledLines[radix], first: GP64(), distances: map[int]reg.Register{}}
	name, size := "Line", int(registers[0].Size())
	if back {
		name += "Back"
	}
	name += strconv.Itoa(radix) + "x" + strconv.Itoa(w.rest) + level
	TEXT(name, 0, "func(job *"+lineJobType+", transfers *"+transferType+")")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes all butterflies of real lines as _generate/butterfly/line.go writes out.", name))
	job := Dereference(Param("job"))
	distance, next := Load(job.Field("Step"), GP64()), AllocLocal(8) // of rows, and from where a row is done to the next
	for odd := 1; odd < radix; odd += 2 {
		w.distances[odd] = GP64()
		IMUL3Q(U32(odd*w.rest), distance, w.distances[odd])
	}
	vectors := 64 / size
	if vectors > 1 { // a row is gone through vector by vector, up to its end
		SUBQ(Imm(64), distance)
	}
	MOVQ(distance, next)
	l := &lineRoutine{
		radix: radix, numbers: radix, back: back, vectors: vectors, line: GP64(), transfers: newTransfers(registers),
		shared: GP64(), re: GP64(), im: GP64(), at: GP64(), rows: w.first, unrolled: w,
	}
	l.butterfly()
	if vectors > 1 {
		l.reflectPairs()
	}
	l.setFetches()
	write := l.prepare(registers)
	l.eachLine(job)
	for c := range w.rest {
		MOVQ(U32(64*linePitch(radix)*w.begin(c)), l.at)
		vector := numbered("vector", c)
		Label(string(vector))
		write()
		if vectors > 1 {
			ADDQ(Imm(uint64(size)), l.rows)
			ADDQ(Imm(uint64(size)), l.at)
			TESTQ(U32(size), l.at)
			JNZ(vector)
		}
		l.transfers.turn()
		ADDQ(next, l.rows)
	}
	l.nextLine(job)
	l.transfers.finish()
	VZEROUPPER()
	RET()
	l.transfers.aside()
}
