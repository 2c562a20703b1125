package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file writes the stages between the first and the last of pairs of lines. Blocks lie side by side, a row of each after
// the other, so that a stage's butterflies of all blocks follow each other: for count butterflies, each a row on from the one
// before,
//
//	z[k] = re[k·pitch] + i·im[k·pitch]                    for k < radix; but in Back
//	z[k] = z[k] · conj(twiddles[k-1])                     Inverse; twiddles are pairs of floats
//	z[j] = Σ_k z[k] · e^(-2πi·jk/radix)                   e^(2πi·jk/radix) in Inverse and Back
//	z[j] = z[j] · twiddles[j-1]                           Forward
//	z[j] = z[j] · factors[j] + added[j]                   Filter, and FilterAdd alone adds; then the transform back
//	re[k·pitch], im[k·pitch] = z[k]
//
// FilterKeep is Filter with conj(factors), and keeps in spectrum what is multiplied. Where butterflies come to
// the frequencies, and where they go back from them, they divide all but the first by the weight of the radix.
//
// In the frequencies, rows of a butterfly follow each other, sixteen real and then sixteen imaginary parts each, and those of
// the next butterfly come after them; so do rows of factors and added, but for twiddles, which all butterflies share.
//
//	spectrum[j] = z[j]                                    Spectrum
//	spectrum[j] += conj(factors[j]) · z[j]                Accumulate
//	z[k] = spectrum[k]                                    Back
//
// Meanwhile rows of lines that will be needed soon are fetched, by the five kinds that come to the frequencies: two for each
// number, or three for two with AVX2. They write rows of another pair after each butterfly.

var blockRadices = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

var blockKinds = []string{"Forward", "Inverse", "Filter", "FilterAdd", "FilterKeep", "Spectrum", "Accumulate", "Back"}

// block is what the parts of one routine share.
type block struct {
	program
	kind           string
	radix          int
	re, im         [2]reg.Register // the first row and row eight
	pitches        [4]reg.Register // 1, 3, 5 and 7 times the pitch
	factors, added reg.Register
	spectrum       reg.Register
	vectors        int        // of a row
	transfers      *transfers // nil where nothing is fetched
}

func writeBlock(kind string, radix int, level string, registers []reg.VecPhysical) {
	twiddled := kind == "Forward" || kind == "Inverse"
	if twiddled && radix == 1 {
		return
	}
	name := "Block" + kind + strconv.Itoa(radix) + level
	TEXT(name, 0, "func(job *"+blockJobType+", transfers *"+transferType+")")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes butterflies of blocks as _generate/butterfly/block.go writes out.", name))
	job := Dereference(Param("job"))
	first, size := job.Field("Parts").Index(0), int(registers[0].Size())
	b := &block{kind: kind, radix: radix, vectors: 64 / size}
	wide := len(registers) > 16
	b.oddCyclic = wide
	b.timed = wide && radix == 7 && strings.HasPrefix(kind, "Filter") // most of the time of images' sizes, 7 times a power of two
	var moving, streams []reg.Register
	var fields []string // what moving and streams begin as
	begins := func(name string, with *[]reg.Register) reg.Register {
		r := GP64()
		*with, fields = append(*with, r), append(fields, name)
		return r
	}
	b.re[0], b.im[0] = begins("Re", &moving), begins("Im", &moving)
	switch kind {
	case "Forward", "Inverse":
		b.factors = GP64()
	case "Filter", "FilterAdd", "FilterKeep", "Accumulate":
		b.factors = begins("Factors", &streams)
	}
	if kind == "FilterAdd" {
		b.added = begins("Added", &streams)
	}
	if kind == "FilterKeep" || kind == "Spectrum" || kind == "Accumulate" || kind == "Back" {
		b.spectrum = begins("Spectrum", &streams)
	}
	begun := append(slices.Clone(moving), streams...)
	if radix > 1 {
		b.pitches[0] = Load(job.Field("Pitch"), GP64())
	}
	for i, multiple := range []int{3, 5, 7} {
		if radix > multiple {
			b.pitches[i+1] = GP64()
			LEAQ(Mem{Base: b.pitches[i], Index: b.pitches[0], Scale: 2}, b.pitches[i+1])
		}
	}
	if twiddled {
		Load(first.Field("Factors"), b.factors)
	}
	part, count := AllocLocal(8), AllocLocal(8) // the part that is on, and how many of its butterflies are left
	MOVQ(field(first.Field("Re")).Base, part)
	if kind != "Forward" && kind != "Inverse" && kind != "Back" {
		b.transfers = newTransfers(registers)
		count := radix
		if b.vectors > 1 { // where rows come to the first cache twice there is less time for others
			count = (3*radix + 4*b.vectors - 1) / (4 * b.vectors)
		}
		b.fetches = append(b.fetches, b.transfers.fetches(count))
	}
	if radix > 8 {
		b.re[1], b.im[1] = GP64(), GP64()
		moving = append(moving, b.re[1], b.im[1])
	}
	vector := AllocLocal(8) // which of a row comes now
	if b.vectors > 1 {
		MOVQ(U32(0), vector)
	}
	b.butterfly()
	b.emit(registers, func() {
		Label("part")
		from, left := GP64(), GP64()
		MOVQ(part, from)
		MOVQ(Mem{Base: from, Disp: field(first.Field("Count")).Disp}, left)
		TESTQ(left, left)
		JZ(LabelRef("done"))
		MOVQ(left, count)
		for i, r := range begun {
			MOVQ(Mem{Base: from, Disp: field(first.Field(fields[i])).Disp}, r)
		}
		if radix > 8 {
			LEAQ(Mem{Base: b.re[0], Index: b.pitches[0], Scale: 8}, b.re[1])
			LEAQ(Mem{Base: b.im[0], Index: b.pitches[0], Scale: 8}, b.im[1])
		}
		Label("butterfly")
	})
	step := 0 // of streams, already made
	if b.vectors > 1 {
		for _, r := range append(slices.Clone(moving), streams...) {
			ADDQ(Imm(uint64(size)), r)
		}
		XORQ(Imm(1), vector)
		JNZ(LabelRef("butterfly"))
		step = 64
	} else {
		for _, r := range moving {
			ADDQ(Imm(64), r)
		}
	}
	for _, r := range streams {
		ADDQ(U32(128*radix-step), r)
	}
	if b.transfers != nil {
		b.transfers.turn()
	}
	DECQ(count)
	JNZ(LabelRef("butterfly"))
	ADDQ(Imm(uint64(field(job.Field("Parts").Index(1).Field("Re")).Disp)), part)
	end := Load(Param("job"), GP64())
	ADDQ(Imm(uint64(field(job.Field("Pitch")).Disp)), end)
	CMPQ(end, part)
	JNE(LabelRef("part"))
	Label("done")
	if b.transfers != nil {
		b.transfers.finish()
	}
	VZEROUPPER()
	RET()
	if b.transfers != nil {
		b.transfers.aside()
	}
}

// butterfly writes the program of one butterfly.
func (b *block) butterfly() {
	number := func(k int) complexValue {
		return complexValue{b.memory(b.at(b.re, k)), b.memory(b.at(b.im, k))}
	}
	result := func(k int, z complexValue) {
		b.storeIn(z.re, b.at(b.re, k))
		b.storeIn(z.im, b.at(b.im, k))
	}
	twiddled := func(k int, z complexValue, conjugate bool) complexValue {
		if k == 0 {
			return z
		}
		at := Mem{Base: b.factors, Disp: 8 * (k - 1)}
		w := complexValue{b.broadcast(at), b.broadcast(at.Offset(4))}
		if conjugate {
			w.im = w.im.negated()
		}
		return b.multiplyComplex(z, w, nil)
	}
	switch b.kind {
	case "Forward":
		b.transform(b.radix, number, func(j int, z complexValue) { result(j, twiddled(j, z, false)) })
	case "Inverse":
		b.inverse(b.radix, func(k int) complexValue { return twiddled(k, number(k), true) }, result)
	case "Filter", "FilterAdd", "FilterKeep":
		filtered := make([]complexValue, b.radix)
		b.weightedTransform(b.radix, number, func(j int, z complexValue) {
			factor := b.row(b.factors, j)
			switch b.kind {
			case "FilterAdd":
				added := b.row(b.added, j)
				filtered[j] = b.multiplyComplex(z, factor, &added)
			case "FilterKeep":
				z = complexValue{b.signed(z.re), b.signed(z.im)}
				b.storeRow(j, z)
				filtered[j] = b.multiplyComplex(z, complexValue{factor.re, factor.im.negated()}, nil)
			default:
				filtered[j] = b.multiplyComplex(z, factor, nil)
			}
		})
		b.weightedInverse(b.radix, func(j int) complexValue { return filtered[j] }, result)
	case "Spectrum":
		b.weightedTransform(b.radix, number, b.storeRow)
	case "Accumulate":
		b.weightedTransform(b.radix, number, func(j int, z complexValue) {
			other, sum := b.row(b.factors, j), b.row(b.spectrum, j)
			b.storeRow(j, b.multiplyComplex(z, complexValue{other.re, other.im.negated()}, &sum))
		})
	case "Back":
		b.weightedInverse(b.radix, func(j int) complexValue {
			return b.row(b.spectrum, j)
		}, result)
	}
}

// row returns the row of the frequencies that belongs to number j.
func (b *block) row(base reg.Register, j int) complexValue {
	at := Mem{Base: base, Disp: 128 * j}
	return complexValue{b.memory(at), b.memory(at.Offset(64))}
}

// storeRow stores a row of the frequencies.
func (b *block) storeRow(j int, z complexValue) {
	at := Mem{Base: b.spectrum, Disp: 128 * j}
	b.storeIn(z.re, at)
	b.storeIn(z.im, at.Offset(64))
}

// at returns the address of row k.
func (b *block) at(base [2]reg.Register, k int) Mem {
	m := Mem{Base: base[k/8]}
	if k %= 8; k > 0 {
		m.Scale = 1
		for k%2 == 0 {
			k, m.Scale = k/2, 2*m.Scale
		}
		m.Index = b.pitches[k/2]
	}
	return m
}
