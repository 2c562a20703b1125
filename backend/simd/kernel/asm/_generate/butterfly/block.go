package main

import (
	"fmt"
	"strconv"

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
// In the frequencies, rows of a butterfly follow each other, sixteen real and then sixteen imaginary parts each, and those of
// the next butterfly come after them; so do rows of factors and added, but for twiddles, which all butterflies share.
//
//	spectrum[j] = z[j]                                    Spectrum
//	spectrum[j] += conj(factors[j]) · z[j]                Accumulate
//	z[k] = spectrum[k]                                    Back

var blockRadices = []int{1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16}

var blockKinds = []string{"Forward", "Inverse", "Filter", "FilterAdd", "Spectrum", "Accumulate", "Back"}

// block is what the parts of one routine share.
type block struct {
	program
	kind           string
	radix          int
	re, im         [2]reg.Register // the first row and row eight
	pitches        [4]reg.Register // 1, 3, 5 and 7 times the pitch
	factors, added reg.Register
	spectrum       reg.Register
}

func writeBlock(kind string, radix int, level string, registers []reg.VecPhysical) {
	twiddled := kind == "Forward" || kind == "Inverse"
	if twiddled && radix == 1 {
		return
	}
	name := "Block" + kind + strconv.Itoa(radix) + level
	TEXT(name, 0, "func(re, im, factors, added, spectrum *float32, pitch, count int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes count ≥ 1 butterflies as _generate/butterfly/block.go writes out; pitch counts bytes.", name))
	b := &block{kind: kind, radix: radix}
	b.re[0], b.im[0] = Load(Param("re"), GP64()), Load(Param("im"), GP64())
	moving := []reg.Register{b.re[0], b.im[0]}
	var streams []reg.Register
	if twiddled || kind == "Filter" || kind == "FilterAdd" || kind == "Accumulate" {
		b.factors = Load(Param("factors"), GP64())
		if !twiddled {
			streams = append(streams, b.factors)
		}
	}
	if kind == "FilterAdd" {
		b.added = Load(Param("added"), GP64())
		streams = append(streams, b.added)
	}
	if kind == "Spectrum" || kind == "Accumulate" || kind == "Back" {
		b.spectrum = Load(Param("spectrum"), GP64())
		streams = append(streams, b.spectrum)
	}
	if radix > 1 {
		b.pitches[0] = Load(Param("pitch"), GP64())
	}
	for i, multiple := range []int{3, 5, 7} {
		if radix > multiple {
			b.pitches[i+1] = GP64()
			LEAQ(Mem{Base: b.pitches[i], Index: b.pitches[0], Scale: 2}, b.pitches[i+1])
		}
	}
	if radix > 8 {
		for _, part := range []*[2]reg.Register{&b.re, &b.im} {
			part[1] = GP64()
			LEAQ(Mem{Base: part[0], Index: b.pitches[0], Scale: 8}, part[1])
			moving = append(moving, part[1])
		}
	}
	count := Load(Param("count"), GP64())
	size := int(registers[0].Size())
	var part reg.Register
	if size < 64 {
		part = GP64()
		XORQ(part, part)
	}
	b.butterfly()
	b.emit(registers, func() { Label("butterfly") })
	step := 0 // of streams, already made
	if size < 64 {
		for _, r := range append(moving, streams...) {
			ADDQ(Imm(uint64(size)), r)
		}
		XORQ(Imm(1), part)
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
	DECQ(count)
	JNZ(LabelRef("butterfly"))
	VZEROUPPER()
	RET()
}

// butterfly writes the program of one butterfly.
func (b *block) butterfly() {
	number := func(k int) complexValue {
		return complexValue{b.load(b.at(b.re, k)), b.load(b.at(b.im, k))}
	}
	result := func(k int, z complexValue) {
		b.store(z.re, b.at(b.re, k))
		b.store(z.im, b.at(b.im, k))
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
	case "Filter", "FilterAdd":
		filtered := make([]complexValue, b.radix)
		b.transform(b.radix, number, func(j int, z complexValue) {
			if b.kind == "Filter" {
				filtered[j] = b.multiplyComplex(z, b.row(b.factors, j), nil)
				return
			}
			added := b.row(b.added, j)
			filtered[j] = b.multiplyComplex(z, b.row(b.factors, j), &added)
		})
		b.inverse(b.radix, func(j int) complexValue { return filtered[j] }, result)
	case "Spectrum":
		b.transform(b.radix, number, b.storeRow)
	case "Accumulate":
		b.transform(b.radix, number, func(j int, z complexValue) {
			other, sum := b.row(b.factors, j), b.row(b.spectrum, j)
			b.storeRow(j, b.multiplyComplex(z, complexValue{other.re, other.im.negated()}, &sum))
		})
	case "Back":
		b.inverse(b.radix, func(j int) complexValue {
			z := b.row(b.spectrum, j)
			return complexValue{b.loaded(z.re), b.loaded(z.im)}
		}, result)
	}
}

// loaded loads a value once, where it is.
func (b *block) loaded(v value) value {
	address := b.operations[v.id].address
	return b.load(address)
}

// row returns the row of the frequencies that belongs to number j.
func (b *block) row(base reg.Register, j int) complexValue {
	at := Mem{Base: base, Disp: 128 * j}
	return complexValue{b.memory(at), b.memory(at.Offset(64))}
}

// storeRow stores a row of the frequencies.
func (b *block) storeRow(j int, z complexValue) {
	at := Mem{Base: b.spectrum, Disp: 128 * j}
	b.store(z.re, func() Mem { return at })
	b.store(z.im, func() Mem { return at.Offset(64) })
}

// at returns the address of row k.
func (b *block) at(base [2]reg.Register, k int) func() Mem {
	m := Mem{Base: base[k/8]}
	if k %= 8; k > 0 {
		m.Scale = 1
		for k%2 == 0 {
			k, m.Scale = k/2, 2*m.Scale
		}
		m.Index = b.pitches[k/2]
	}
	return func() Mem { return m }
}
