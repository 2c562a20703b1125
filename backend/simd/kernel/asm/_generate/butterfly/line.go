package main

import (
	"fmt"
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file writes the first stage of the transforms of real lines, and the last one of the way back. Two lines are
// transformed side by side. Results that have no imaginary parts, the shared ones, are the real parts of complex numbers
// for one line and the imaginary parts for the other; of the others, its own, each line has rows for itself. For count
// butterflies
//
//	x[k] = in[indexes[k]·stride]                          for k < radix
//	z[j] = Σ_k x[k] · e^(-2πi·jk/radix)                   for the results j that realResults returns
//	z[j] = z[j] · twiddles[j]                             LineTwiddled; pairs of floats, of a butterfly's own results
//	shared[s] = Re z[j],  re[o] + i·im[o] = z[j]          for the s-th shared and the o-th own result j
//
// with rows of shared, re and im that follow each other, and those of the next butterfly radix|1 rows on. Result radix/2 is
// shared where nothing turns it, and own in LineTwiddled. The way back is
//
//	z[j] = z[j] · conj(twiddles[j])                       LineBackTwiddled
//	out[indexes[k]·stride] = Σ_j Re(z[j] · e^(2πi·jk/radix))
//
// LineHalf and LineBackHalf are twiddled, too. In each butterfly the second half of the numbers x is zero, or is not wanted on
// the way back; it has no indexes.
//
// The line that comes next is fetched into the second cache meanwhile, rows ahead[indexes[k]·aheadStride]. In the first cache,
// rows far apart would drive out what is worked on.

// realRadices are the radices that lines begin with.
var realRadices = []int{1, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 32, 64}

// line is what the parts of one routine share.
type line struct {
	program
	radix, numbers     int // of a butterfly, and of those the numbers that a line has: others are zero, or not wanted back
	back               bool
	shared, re, im     reg.Register
	rows, indexes      reg.Register // of the line
	stride             reg.Register
	twiddles           reg.Register // nil where there are none
	ahead, aheadStride reg.Register
	part               reg.Register // which vector of a row comes now, nil where it has one
	vectors            int          // of a row
}

func writeLine(radix int, level string, registers []reg.VecPhysical) {
	for _, kind := range []string{"", "Twiddled", "Half"} {
		if kind == "Half" && (radix < 8 || radix%2 == 1) {
			continue
		}
		for _, back := range []bool{false, true} {
			writeLineRoutine(radix, kind, back, level, registers)
		}
	}
}

func writeLineRoutine(radix int, kind string, back bool, level string, registers []reg.VecPhysical) {
	name, twiddled, numbers := "Line", kind != "", radix
	if back {
		name += "Back"
	}
	name += kind
	if kind == "Half" {
		numbers = radix / 2
	}
	name += strconv.Itoa(radix) + level
	TEXT(name, 0, "func(shared, re, im, line, twiddles *float32, indexes *int32, stride, count int, ahead *float32, aheadStride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes count ≥ 1 butterflies of a real line as _generate/butterfly/line.go writes out.", name))
	l := &line{
		radix: radix, numbers: numbers, back: back,
		shared: Load(Param("shared"), GP64()), re: Load(Param("re"), GP64()), im: Load(Param("im"), GP64()),
		rows: Load(Param("line"), GP64()), indexes: Load(Param("indexes"), GP64()), stride: Load(Param("stride"), GP64()),
		ahead: Load(Param("ahead"), GP64()), aheadStride: Load(Param("aheadStride"), GP64()),
	}
	if twiddled {
		l.twiddles = Load(Param("twiddles"), GP64())
	}
	count := Load(Param("count"), GP64())
	SHLQ(Imm(2), l.stride)
	SHLQ(Imm(2), l.aheadStride)
	size := registers[0].Size()
	l.vectors = 64 / int(size)
	if l.vectors > 1 {
		l.part = GP64()
		XORQ(l.part, l.part)
	}
	l.butterfly()
	l.emit(registers, func() { Label("butterfly") })
	if l.vectors > 1 {
		for _, r := range []reg.Register{l.shared, l.re, l.im, l.rows} {
			ADDQ(Imm(uint64(size)), r)
		}
		XORQ(Imm(1), l.part)
		JNZ(LabelRef("butterfly"))
		SUBQ(Imm(64), l.rows)
	}
	pitch := 64 * (radix | 1)
	if l.vectors > 1 {
		pitch -= 64
	}
	for _, r := range []reg.Register{l.shared, l.re, l.im} {
		ADDQ(U32(pitch), r)
	}
	ADDQ(U32(4*numbers), l.indexes)
	if twiddled {
		ADDQ(U32(8*(len(realResults(radix))-1)), l.twiddles)
	}
	DECQ(count)
	JNZ(LabelRef("butterfly"))
	VZEROUPPER()
	RET()
}

// butterfly writes the program of one butterfly.
func (l *line) butterfly() {
	results := realResults(l.radix)
	shared := 1
	if l.twiddles == nil && l.radix%2 == 0 {
		shared = 2
	}
	place := map[int]int{}
	for i, j := range results {
		place[j] = i
	}
	at := func(base reg.Register, row int) func() Mem {
		return func() Mem { return Mem{Base: base, Disp: 64 * row} }
	}
	twiddle := func(o int) complexValue {
		m := Mem{Base: l.twiddles, Disp: 8 * o}
		return complexValue{l.broadcast(m), l.broadcast(m.Offset(4))}
	}
	if l.back {
		l.realInverse(l.radix, func(j int) complexValue {
			i := place[j]
			if i < shared {
				return complexValue{re: l.load(at(l.shared, i))}
			}
			o := i - shared
			z := complexValue{l.load(at(l.re, o)), l.load(at(l.im, o))}
			switch {
			case l.twiddles == nil:
				return z
			case 2*j == l.radix:
				w := twiddle(o) // the result is real: of the product the real part alone
				return complexValue{re: l.multiplyAdd(z.re, w.re, l.multiply(z.im, w.im))}
			}
			w := twiddle(o)
			return l.multiplyComplex(z, complexValue{w.re, w.im.negated()}, nil)
		}, func(k int, v value) {
			if k < l.numbers {
				l.store(v, l.row(k))
			}
		})
		return
	}
	l.realTransform(l.radix, func(k int) value {
		if k < l.numbers {
			return l.load(l.row(k))
		}
		return zero
	}, func(j int, z complexValue) {
		i := place[j]
		if i < shared {
			l.store(z.re, at(l.shared, i))
			return
		}
		o := i - shared
		switch {
		case l.twiddles != nil && 2*j == l.radix:
			w := twiddle(o)
			z = complexValue{l.multiply(z.re, w.re), l.multiply(z.re, w.im)}
		case l.twiddles != nil:
			z = l.multiplyComplex(z, twiddle(o), nil)
		}
		l.store(z.re, at(l.re, o))
		l.store(z.im, at(l.im, o))
	})
}

// row returns the address of row k of the line, and emits the fetch of another.
func (l *line) row(k int) func() Mem {
	return func() Mem {
		index := GP64()
		if k%l.vectors == 0 { // each of a row's vectors in its turn fetches another row
			at := Mem{Base: l.indexes, Disp: 4 * k}
			if l.part != nil {
				at.Index, at.Scale = l.part, 4
			}
			MOVLQSX(at, index)
			IMULQ(l.aheadStride, index)
			PREFETCHT1(Mem{Base: l.ahead, Index: index, Scale: 1})
		}
		MOVLQSX(Mem{Base: l.indexes, Disp: 4 * k}, index)
		IMULQ(l.stride, index)
		return Mem{Base: l.rows, Index: index, Scale: 1}
	}
}
