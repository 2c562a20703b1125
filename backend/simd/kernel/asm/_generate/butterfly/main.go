// Command butterfly writes the butterflies of the Fourier transforms: short transforms of lanes side by side, with what
// comes before or after them.
//
// For count butterflies of a radix, each with that many indexes,
//
//	z[k] = in[indexes[k]·inStride]                        for k < radix
//	z[k] = z[k] · twiddles[k-1]                           Inverse; twiddles are pairs of floats, radix-1 a butterfly
//	z[j] = Σ_k z[k] · e^(-2πi·jk/radix)
//	z[j] = z[j] · twiddles[j-1]                           Forward
//	z[j] = z[j] · filter[indexes[j]] + added[indexes[j]]  Filter, and FilterAdd alone adds; then the transform back:
//	z[k] = Σ_j z[j] · e^(2πi·jk/radix)                    Filter and FilterAdd
//	out[indexes[k]·outStride] = z[k]
//
// or, for the last, the products with the conjugate of another spectrum, in the layout of filter, are added up:
//
//	out[indexes[j]·outStride] += conj(factors[indexes[j]]) · z[j]         Accumulate
//
// Rows that will be needed soon, aheadStride from each other, are fetched into the second cache meanwhile, one of each
// of two pointers for every number that Plain, Forward and Inverse read; in the first, rows far apart would drive out
// what the butterflies work on.
//
// Real and imaginary parts of in and of out have pointers of their own, strides count floats, and rows of filter
// and added are sixteen real and then sixteen imaginary parts. A number is sixteen lanes in the AVX-512 routines and
// eight in those for AVX2.
//
// Of the three files that it writes, -file says which: these butterflies, the first and last stages of real lines, or the
// stages between them; line.go and block.go say what those compute.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	file := flag.String("file", "butterfly", "what to write: butterfly, block or line")
	flag.Parse()
	ConstraintExpr("amd64,!noasm")
	switch *file {
	case "butterfly":
		writeButterflies()
	case "block":
		for _, radix := range blockRadices {
			for _, kind := range blockKinds {
				writeBlock(kind, radix, "AVX512", zmm)
				writeBlock(kind, radix, "AVX2", ymm)
			}
		}
	case "line":
		for _, radix := range realRadices {
			writeLine(radix, "AVX512", zmm)
			writeLine(radix, "AVX2", ymm)
			if unrolledLines[radix] > 0 {
				writeUnrolledLine(radix, false, "AVX2", ymm)
				writeUnrolledLine(radix, true, "AVX2", ymm)
				writeUnrolledLine(radix, false, "AVX512", zmm)
				writeUnrolledLine(radix, true, "AVX512", zmm)
			}
		}
	default:
		fmt.Fprintf(os.Stderr, "butterfly: -file is %q, must be butterfly, block or line\n", *file)
		os.Exit(2)
	}
	writeConstants()
	Generate()
}

func writeButterflies() {
	for _, radix := range []int{1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16} {
		for _, kind := range []string{"Plain", "Forward", "Inverse", "Filter", "FilterAdd", "Accumulate"} {
			if twiddled := kind == "Forward" || kind == "Inverse"; twiddled && radix == 1 {
				continue
			}
			write(kind, radix, "AVX512", zmm)
			write(kind, radix, "AVX2", ymm)
		}
	}
}

// routine is what the parts of one routine share.
type routine struct {
	program
	kind                         string
	radix                        int
	outRe, outIm, inRe, inIm     reg.Register
	factors, added               reg.Register
	indexes, outStride, inStride reg.Register
	aheadRe, aheadIm             reg.Register // nil where nothing is fetched ahead
	aheadStride                  reg.Register
}

func write(kind string, radix int, level string, registers []reg.VecPhysical) {
	name := "Butterfly" + kind + strconv.Itoa(radix) + level
	TEXT(name, 0, "func(outRe, outIm, inRe, inIm, factors, added *float32, indexes *int32, outStride, inStride, count int, aheadRe, aheadIm *float32, aheadStride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes count ≥ 1 butterflies as the package comment of _generate/butterfly writes out; factors are twiddles or the filter.", name))
	r := &routine{
		kind: kind, radix: radix,
		outRe: Load(Param("outRe"), GP64()), outIm: Load(Param("outIm"), GP64()),
		inRe: Load(Param("inRe"), GP64()), inIm: Load(Param("inIm"), GP64()),
		indexes: Load(Param("indexes"), GP64()), outStride: Load(Param("outStride"), GP64()), inStride: Load(Param("inStride"), GP64()),
	}
	if kind != "Plain" {
		r.factors = Load(Param("factors"), GP64())
	}
	if kind == "FilterAdd" {
		r.added = Load(Param("added"), GP64())
	}
	if kind == "Plain" || kind == "Forward" || kind == "Inverse" {
		r.aheadRe, r.aheadIm = Load(Param("aheadRe"), GP64()), Load(Param("aheadIm"), GP64())
		r.aheadStride = Load(Param("aheadStride"), GP64())
		SHLQ(Imm(2), r.aheadStride)
		SUBQ(r.aheadRe, r.aheadIm) // the distance
	}
	count := Load(Param("count"), GP64())
	SHLQ(Imm(2), r.outStride)
	SHLQ(Imm(2), r.inStride)
	r.inOrder = true
	r.butterfly()
	r.emit(registers, func() { Label("butterfly") })
	ADDQ(Imm(uint64(4*radix)), r.indexes)
	if kind == "Forward" || kind == "Inverse" {
		ADDQ(Imm(uint64(8*(radix-1))), r.factors)
	}
	DECQ(count)
	JNZ(LabelRef("butterfly"))
	VZEROUPPER()
	RET()
}

// butterfly writes the program of one butterfly.
func (r *routine) butterfly() {
	result := func(j int, z complexValue) {
		re, im := r.rows(j, r.outRe, r.outIm, r.outStride)
		r.store(z.re, re)
		r.store(z.im, im)
	}
	switch r.kind {
	case "Plain":
		r.transform(r.radix, r.number, result)
	case "Forward":
		r.transform(r.radix, r.number, func(j int, z complexValue) { result(j, r.twiddled(j, z)) })
	case "Inverse":
		r.transform(r.radix, func(k int) complexValue { return r.twiddled(k, r.number(k)) }, result)
	case "Accumulate":
		r.transform(r.radix, r.number, func(j int, z complexValue) { result(j, r.accumulated(j, z)) })
	default:
		filtered := make([]complexValue, r.radix)
		r.transform(r.radix, r.number, func(j int, z complexValue) { filtered[j] = r.filtered(j, z) })
		back := func(j int) complexValue { return complexValue{filtered[j].im, filtered[j].re} }
		r.transform(r.radix, back, func(k int, z complexValue) { result(k, complexValue{z.im, z.re}) })
	}
}

// number loads number k.
func (r *routine) number(k int) complexValue {
	re, im := r.rows(k, r.inRe, r.inIm, r.inStride)
	return complexValue{r.load(func() Mem {
		r.fetchAhead()
		return re()
	}), r.load(im)}
}

// fetchAhead emits the fetches of one row.
func (r *routine) fetchAhead() {
	if r.aheadRe == nil {
		return
	}
	PREFETCHT1(Mem{Base: r.aheadRe})
	PREFETCHT1(Mem{Base: r.aheadRe, Index: r.aheadIm, Scale: 1})
	ADDQ(r.aheadStride, r.aheadRe)
}

// twiddled multiplies by the k-th twiddle.
func (r *routine) twiddled(k int, z complexValue) complexValue {
	if k == 0 {
		return z
	}
	at := Mem{Base: r.factors, Disp: 8 * (k - 1)}
	return r.multiplyComplex(z, complexValue{r.broadcast(at), r.broadcast(at.Offset(4))}, nil)
}

// filtered multiplies by the filter and adds.
func (r *routine) filtered(j int, z complexValue) complexValue {
	filter := r.spectrumRow(j, r.factors)
	if r.kind == "Filter" {
		return r.multiplyComplex(z, filter, nil)
	}
	added := r.spectrumRow(j, r.added)
	return r.multiplyComplex(z, filter, &added)
}

// accumulated multiplies by the conjugate of the other spectrum and adds what is there.
func (r *routine) accumulated(j int, z complexValue) complexValue {
	re, im := r.rows(j, r.outRe, r.outIm, r.outStride)
	other, sum := r.spectrumRow(j, r.factors), complexValue{r.load(re), r.load(im)}
	return r.multiplyComplex(z, complexValue{other.re, other.im.negated()}, &sum)
}

// spectrumRow loads the row of a spectrum that belongs to number j.
func (r *routine) spectrumRow(j int, base reg.Register) complexValue {
	index := GP64()
	return complexValue{
		r.load(func() Mem {
			MOVLQSX(Mem{Base: r.indexes, Disp: 4 * j}, index)
			SHLQ(Imm(7), index)
			return Mem{Base: base, Index: index, Scale: 1}
		}),
		r.load(func() Mem { return Mem{Base: base, Index: index, Scale: 1, Disp: 64} }),
	}
}

// rows returns the addresses of the k-th row, the real part's first.
func (r *routine) rows(k int, re, im, stride reg.Register) (reAt, imAt func() Mem) {
	index := GP64()
	return func() Mem {
			MOVLQSX(Mem{Base: r.indexes, Disp: 4 * k}, index)
			IMULQ(stride, index)
			return Mem{Base: re, Index: index, Scale: 1}
		}, func() Mem {
			return Mem{Base: im, Index: index, Scale: 1}
		}
}

const (
	constantsName       = "butterflyConstants"
	constantVectorsName = "butterflyConstantVectors"
)

// constants are those that routines use, in order.
var constants []float64

// constantAddress returns where a constant is.
func constantAddress(c float64) Mem {
	at := len(constants)
	for i, other := range constants {
		if float32(other) == float32(c) {
			at = i
		}
	}
	if at == len(constants) {
		constants = append(constants, c)
	}
	return NewDataAddr(Symbol{Name: constantsName, Static: true}, 4*at)
}

// constantVector returns where eight of a constant are.
func constantVector(constant Mem) Mem {
	return NewDataAddr(Symbol{Name: constantVectorsName, Static: true}, 8*constant.Disp)
}

func writeConstants() {
	GLOBL(constantsName, attr.RODATA|attr.NOPTR)
	for i, c := range constants {
		DATA(4*i, F32(c))
	}
	GLOBL(constantVectorsName, attr.RODATA|attr.NOPTR)
	for i, c := range constants {
		for lane := range 8 {
			DATA(32*i+4*lane, F32(c))
		}
	}
}
