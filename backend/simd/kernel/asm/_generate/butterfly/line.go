package main

import (
	"fmt"
	"slices"
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file writes the first stage of the transforms of pairs of real lines, and the last stage of the way back. Where a
// butterfly has many rows those of the two lines take turns: rows of both are in the same page of memory mostly, so that the
// processor looks up once where that is. Results that have no imaginary parts, the shared ones, are the real parts of complex
// numbers for one line and the imaginary parts for the other; of the others, its own, each line has rows for itself. For count
// butterflies
//
//	x[k] = line + offsets[k]                              for k < radix; offsets count bytes
//	z[j] = Σ_k x[k] · e^(-2πi·jk/radix)                   for the results j that realResults returns
//	z[j] = z[j] · twiddles[j]                             LineTwiddled; pairs of floats, of a butterfly's own results
//	shared[s] = Re z[j],  re[o] + i·im[o] = z[j]          for the s-th shared and the o-th own result j
//
// with rows of shared, re and im that follow each other, and those of the next butterfly linePitch rows on. Result radix/2 is
// shared where nothing turns it, and own in LineTwiddled. The way back is
//
//	z[j] = z[j] · conj(twiddles[j])                       LineBackTwiddled
//	line + offsets[k] = Σ_j Re(z[j] · e^(2πi·jk/radix))
//
// LineHalf and LineBackHalf are twiddled, too. In each butterfly the second half of the numbers x is zero, or is not wanted on
// the way back; it has no offsets. unrolled.go has Line and LineBack for lines of a few lengths, columns.go what is done for a
// large radix with AVX2.
//
// Meanwhile rows of lines that will be needed soon are fetched: for the lines of a pair as many as one of them has, and about
// half as many more on the way back with AVX2; next.go fetches what comes next. After each butterfly of a line rows of another
// pair are written.

// realRadices are the radices that lines begin with.
var realRadices = []int{1, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 19, 23, 32, 64}

// partedShares says how many of the pairs of multiply-adds are taken apart with AVX-512, by radix, where nothing is turned: of
// tenths, those with which a Zen 4 was the fastest.
var partedShares = map[int]float64{32: 0.3, 64: 0.6}

// leastInTurns is the radix from which on the butterflies of two lines take turns. Going from line to line costs as much as a
// few rows do.
const leastInTurns = 16

// linePitch returns how many rows there are from a butterfly to the next. The function of that name of the package that runs
// the routines says why.
func linePitch(radix int) int {
	if radix == 64 {
		return radix + 3
	}
	return radix | 1
}

// lineRoutine is what the parts of one routine share.
type lineRoutine struct {
	program
	radix, numbers int // of a butterfly, and of those the numbers that a line has: others are zero, or not wanted back
	back           bool
	shared, re, im reg.Register
	at             reg.Register // bytes from these to where the butterfly's results begin
	line           reg.Register // the line at hand, in the job
	rows, offsets  reg.Register // of the line
	twiddles       reg.Register // nil where there are none
	vectors        int          // of a row
	next           reg.Register // rows of the line that comes next, and
	nextOffsets    reg.Register // where their offsets are; nil where they are not fetched
	transfers      *transfers
	unrolled       *unrolledLine // nil where butterflies share their code
}

func writeLine(radix int, level string, registers []reg.VecPhysical) {
	for _, kind := range []string{"", "Twiddled", "Half"} {
		if kind == "Half" && (radix < 8 || radix%2 == 1) {
			continue
		}
		if kind == "Twiddled" && radix > 16 && radix%2 == 1 {
			continue // what is left of a line does not have this factor again
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
	TEXT(name, 0, "func(job *"+lineJobType+", transfers *"+transferType+")")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes butterflies of real lines as _generate/butterfly/line.go writes out.", name))
	job, size := Dereference(Param("job")), int(registers[0].Size())
	l := &lineRoutine{
		radix: radix, numbers: numbers, back: back, vectors: 64 / size, line: GP64(), transfers: newTransfers(registers),
		shared: GP64(), re: GP64(), im: GP64(), at: GP64(), rows: GP64(), offsets: GP64(),
	}
	if twiddled {
		l.twiddles = GP64()
	}
	count := AllocLocal(8)
	begin := func() {
		job := Dereference(Param("job"))
		XORQ(l.at, l.at)
		Load(job.Field("Offsets"), l.offsets)
		if twiddled {
			Load(job.Field("Twiddles"), l.twiddles)
		}
		MOVQ(Load(job.Field("Count"), GP64()), count)
	}
	next := func() {
		ADDQ(U32(64*linePitch(radix)), l.at)
		ADDQ(U32(8*numbers), l.offsets)
		if twiddled {
			ADDQ(U32(8*(len(realResults(radix))-1)), l.twiddles)
		}
		DECQ(count)
		JNZ(LabelRef("butterfly"))
	}
	inTurns := radix >= leastInTurns
	start := func() {
		if inTurns {
			begin()
			Label("butterfly")
			l.eachLine(job)
		} else {
			l.eachLine(job)
			begin()
			Label("butterfly")
		}
	}
	if back && radix == columnsRadix && l.vectors > 1 {
		start()
		l.backInColumns(registers)
	} else {
		l.butterfly()
		switch {
		case l.vectors > 1:
			l.reflectPairs()
		case kind == "":
			l.partPairs(partedShares[radix])
			l.timed = radix == 32  // half of the time of lines of 224 numbers, an image's size
			l.storesWait = l.timed // for rows that come from the second cache
		}
		l.setFetches()
		write := l.prepare(registers)
		start()
		l.eachVector(size, write, l.rows, l.at)
	}
	l.transfers.turn()
	if !inTurns {
		next()
	}
	l.nextLine(job)
	if inTurns {
		next()
	}
	l.transfers.finish()
	VZEROUPPER()
	RET()
	l.transfers.aside()
}

// eachVector writes what is done for each vector of a row. Registers are at one after the other meanwhile; the last begins at a
// multiple of a row.
func (l *lineRoutine) eachVector(size int, write func(), moving ...reg.Register) {
	Label("vector")
	write()
	if l.vectors == 1 {
		return
	}
	for _, r := range moving {
		ADDQ(Imm(uint64(size)), r)
	}
	if l.nextOffsets != nil { // each vector fetches some of the next rows
		ADDQ(U32(8*(l.radix/l.vectors)), l.nextOffsets)
	}
	TESTQ(U32(size), moving[len(moving)-1])
	JNZ(LabelRef("vector"))
	for _, r := range moving {
		SUBQ(Imm(64), r)
	}
}

// eachLine begins what is done with each line of a job, up to nextLine, and loads where it and its results are.
func (l *lineRoutine) eachLine(job gotypes.Component) {
	Load(Param("job"), l.line)
	Label("line")
	MOVQ(l.ofLine(job, "Rows"), l.rows)
	MOVQ(l.ofLine(job, "Shared"), l.shared)
	MOVQ(l.ofLine(job, "Re"), l.re)
	MOVQ(l.ofLine(job, "Im"), l.im)
	if l.next != nil {
		MOVQ(l.ofLine(job, "Next"), l.next)
		MOVQ(l.offsets, l.nextOffsets)
		ADDQ(l.ofLine(job, "Ahead"), l.nextOffsets)
	}
}

// nextLine goes back with the next line where there is one.
func (l *lineRoutine) nextLine(job gotypes.Component) {
	ADDQ(Imm(uint64(field(job.Field("Lines").Index(1).Field("Rows")).Disp)), l.line)
	end := Load(Param("job"), GP64())
	ADDQ(Imm(uint64(field(job.Field("Offsets")).Disp)), end)
	CMPQ(l.line, end)
	JEQ(LabelRef("lines"))
	CMPQ(l.ofLine(job, "Rows"), Imm(0))
	JNE(LabelRef("line"))
	Label("lines")
}

// ofLine returns where a field of the line at hand is.
func (l *lineRoutine) ofLine(job gotypes.Component, name string) Mem {
	return Mem{Base: l.line, Disp: field(job.Field("Lines").Index(0).Field(name)).Disp}
}

// setFetches sets what is fetched: of lines that come later so many rows a butterfly that it is rather one too many than that the last
// ones are left, but for lines of known length, of which the nearest number is known to be enough.
func (l *lineRoutine) setFetches() {
	count := (l.numbers + 4*l.vectors - 1) / (4 * l.vectors)
	if l.back && l.vectors > 1 { // what the filters fetch less
		count = (3*l.numbers + 8*l.vectors - 1) / (8 * l.vectors)
		if l.unrolled != nil {
			count = (3*l.numbers + 4*l.vectors) / (8 * l.vectors)
		}
	}
	l.fetches = append(l.fetches, l.transfers.fetches(count))
	switch {
	case !l.fetchesNext():
	case l.back:
		l.fetches = append(l.fetches, l.nextResults())
	default:
		l.next, l.nextOffsets = GP64(), GP64()
		l.fetches = append(l.fetches, l.nextRows())
	}
}

// butterfly writes the program of one butterfly.
func (l *lineRoutine) butterfly() {
	if l.back {
		l.realInverse(l.radix, l.given, func(k int, v value) {
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
	}, l.result)
}

// given reads result j, and turns it back.
func (l *lineRoutine) given(j int) complexValue {
	i, own, shared := l.place(j)
	if shared {
		return complexValue{re: l.memory(l.ofResult(l.shared, i))}
	}
	z := complexValue{l.memory(l.ofResult(l.re, own)), l.memory(l.ofResult(l.im, own))}
	switch {
	case l.twiddles == nil:
		return z
	case 2*j == l.radix:
		w := l.twiddle(own) // the result is real: of the product the real part alone
		return complexValue{re: l.multiplyAdd(z.re, w.re, l.multiply(z.im, w.im))}
	}
	w := l.twiddle(own)
	return l.multiplyComplex(z, complexValue{w.re, w.im.negated()}, nil)
}

// result turns result j, and stores it.
func (l *lineRoutine) result(j int, z complexValue) {
	i, own, shared := l.place(j)
	if shared {
		l.storeIn(z.re, l.ofResult(l.shared, i))
		return
	}
	switch {
	case l.twiddles != nil && 2*j == l.radix:
		w := l.twiddle(own)
		z = complexValue{l.multiply(z.re, w.re), l.multiply(z.re, w.im)}
	case l.twiddles != nil:
		z = l.multiplyComplex(z, l.twiddle(own), nil)
	}
	l.storeIn(z.re, l.ofResult(l.re, own))
	l.storeIn(z.im, l.ofResult(l.im, own))
}

// place returns which of the results number j is, and which of the line's own where it is not a shared one.
func (l *lineRoutine) place(j int) (i, own int, shared bool) {
	count := 1
	if l.twiddles == nil && l.radix%2 == 0 {
		count = 2
	}
	i = slices.Index(realResults(l.radix), j)
	return i, i - count, i < count
}

// ofResult returns where a row is of the results of the butterfly at hand.
func (l *lineRoutine) ofResult(base reg.Register, row int) Mem {
	return Mem{Base: base, Index: l.at, Scale: 1, Disp: 64 * row}
}

// twiddle reads the factor of one of the line's own results.
func (l *lineRoutine) twiddle(own int) complexValue {
	m := Mem{Base: l.twiddles, Disp: 8 * own}
	return complexValue{l.broadcast(m), l.broadcast(m.Offset(4))}
}

// row returns the address of row k of the line.
func (l *lineRoutine) row(k int) func() Mem {
	if l.unrolled != nil {
		return l.unrolled.row(k)
	}
	return func() Mem {
		offset := GP64()
		MOVQ(Mem{Base: l.offsets, Disp: 8 * k}, offset)
		return Mem{Base: l.rows, Index: offset, Scale: 1}
	}
}
