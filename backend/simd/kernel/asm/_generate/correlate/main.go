// Command correlate writes the kernels of sliding sums over sixteen channels: what depth-wise and circular
// convolution and the gradients of their kernels come down to.
//
//	for t < tiles, o < outputs:
//		out[t·OutTile + o·OutStep] = start[t·StartTile + o·StartStep]
//			+ Σ_{r < rows} Σ_{p < steps} (a[t·ATile + r·ARow + p·AStep] + add[p·AddStep]) · b[t·BTile + r·BRow + p·BStep + o·BOut]
//
// where each index stands for sixteen floats from there on. Strides count floats. The kernels without Add leave that
// term out. There are seven outputs, and three in the kernels whose name has Three. The Slide kernels take BOut = -BStep: b moves through registers, one load a step.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The order of the shape argument, as asm.Shape… names it.
const (
	tiles = iota
	rows
	steps
	outTile
	outStep
	startTile
	startStep
	aTile
	aRow
	aStep
	addStep
	bTile
	bRow
	bStep
	bOut
	shapeLength
)

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, outputs := range []int{7, 3} {
		for _, add := range []bool{false, true} {
			if add && outputs == 3 {
				continue
			}
			write("Correlate", "AVX2", outputs, add, sumFromMemory)
			write("Correlate", "AVX512", outputs, add, sumFromMemory)
			write("CorrelateSlide", "AVX512", outputs, add, sumSliding)
		}
	}
	Generate()
}

// kernel is what the parts of one routine share.
type kernel struct {
	wide  bool // one 512-bit vector instead of two of 256 bits
	add   bool
	shape Register
	acc   [][]VecVirtual // of each output
}

// vectors returns the registers that sixteen floats take.
func (k *kernel) vectors() []VecVirtual {
	if k.wide {
		return []VecVirtual{ZMM()}
	}
	return []VecVirtual{YMM(), YMM()}
}

// at returns the address of vector v of the sixteen floats at m.
func (k *kernel) at(m Mem, v int) Mem { return m.Offset(v * 32) }

// size returns one entry of the shape argument.
func (k *kernel) size(index int) Mem { return Mem{Base: k.shape, Disp: 8 * index} }

// advance moves pointer p on by a stride in floats.
func advance(p, stride Register) { LEAQ(Mem{Base: p, Index: stride, Scale: 4}, p) }

// move moves pointer p on by entry index of the shape.
func (k *kernel) move(p Register, index int) {
	stride := GP64()
	MOVQ(k.size(index), stride)
	advance(p, stride)
}

// write emits one routine; sum emits the loop over steps of one row.
func write(name, level string, outputs int, add bool, sum func(k *kernel, a, add, b Register)) {
	arguments, comment := "out, start, a, b *float32", "without the added term"
	if add {
		name, arguments, comment = name+"Add", "out, start, a, add, b *float32", "with the added term"
	}
	if outputs == 3 {
		name += "Three"
	}
	TEXT(name+level, NOSPLIT, fmt.Sprintf("func(%s, shape *[%d]int)", arguments, shapeLength))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s%s computes the sliding sums that the package comment of _generate/correlate writes out, %s.", name, level, comment))
	k := &kernel{wide: level == "AVX512", add: add, acc: make([][]VecVirtual, outputs), shape: Load(Param("shape"), GP64())}

	tilesLeft, outAt, startAt, aAt, bAt := AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)
	for _, p := range []struct {
		name  string
		local Mem
	}{{"out", outAt}, {"start", startAt}, {"a", aAt}, {"b", bAt}} {
		pointer := Load(Param(p.name), GP64())
		MOVQ(pointer, p.local)
	}
	count := GP64()
	MOVQ(k.size(tiles), count)
	MOVQ(count, tilesLeft)

	Label("tile")
	for o := range k.acc {
		k.acc[o] = k.vectors()
	}
	k.begin(startAt)
	aBase, bBase, rowsLeft := GP64(), GP64(), GP64()
	MOVQ(aAt, aBase)
	MOVQ(bAt, bBase)
	MOVQ(k.size(rows), rowsLeft)
	TESTQ(rowsLeft, rowsLeft)
	JZ(LabelRef("rows_done"))
	Label("row")
	a, b := GP64(), GP64()
	MOVQ(aBase, a)
	MOVQ(bBase, b)
	var added Register
	if add {
		added = Load(Param("add"), GP64())
	}
	sum(k, a, added, b)
	k.move(aBase, aRow)
	k.move(bBase, bRow)
	DECQ(rowsLeft)
	JNZ(LabelRef("row"))
	Label("rows_done")

	k.end(outAt)
	k.moveLocal(aAt, aTile)
	k.moveLocal(bAt, bTile)
	DECQ(tilesLeft)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// moveLocal moves the pointer kept at local on by entry index of the shape.
func (k *kernel) moveLocal(local Mem, index int) {
	p := GP64()
	MOVQ(local, p)
	k.move(p, index)
	MOVQ(p, local)
}

// begin loads the sums from the pointer kept at local, and moves that to the next tile.
func (k *kernel) begin(local Mem) {
	p, stride := GP64(), GP64()
	MOVQ(local, p)
	MOVQ(k.size(startStep), stride)
	for o := range k.acc {
		for v, r := range k.acc[o] {
			VMOVUPS(k.at(Mem{Base: p}, v), r)
		}
		advance(p, stride)
	}
	k.moveLocal(local, startTile)
}

// end stores the sums at the pointer kept at local, and moves that to the next tile.
func (k *kernel) end(local Mem) {
	p, stride := GP64(), GP64()
	MOVQ(local, p)
	MOVQ(k.size(outStep), stride)
	for o := range k.acc {
		for v, r := range k.acc[o] {
			VMOVUPS(r, k.at(Mem{Base: p}, v))
		}
		advance(p, stride)
	}
	k.moveLocal(local, outTile)
}

// loadA loads a, with the added term where there is one, and moves to the next step.
func (k *kernel) loadA(a, add, aStride, addStride Register) []VecVirtual {
	x := k.vectors()
	for v, r := range x {
		VMOVUPS(k.at(Mem{Base: a}, v), r)
	}
	if k.add {
		for v, r := range x {
			VADDPS(k.at(Mem{Base: add}, v), r, r)
		}
		advance(add, addStride)
	}
	advance(a, aStride)
	return x
}

// strides loads the strides of a and of the added term.
func (k *kernel) strides() (a, add Register) {
	a = GP64()
	MOVQ(k.size(aStep), a)
	if k.add {
		add = GP64()
		MOVQ(k.size(addStep), add)
	}
	return a, add
}

// sumFromMemory reads b from memory once a product; b's strides may be anything.
func sumFromMemory(k *kernel, a, add, b Register) {
	aStride, addStride := k.strides()
	left, bStride, one, three, five := GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(k.size(steps), left)
	MOVQ(k.size(bStep), bStride)
	MOVQ(k.size(bOut), one)
	SHLQ(Imm(2), one)
	LEAQ(Mem{Base: one, Index: one, Scale: 2}, three)
	LEAQ(Mem{Base: one, Index: one, Scale: 4}, five)
	at := []Mem{
		{Base: b}, {Base: b, Index: one, Scale: 1}, {Base: b, Index: one, Scale: 2}, {Base: b, Index: three, Scale: 1},
		{Base: b, Index: one, Scale: 4}, {Base: b, Index: five, Scale: 1}, {Base: b, Index: three, Scale: 2},
	}
	Label("step")
	x := k.loadA(a, add, aStride, addStride)
	for o := range k.acc {
		for v, r := range k.acc[o] {
			VFMADD231PS(k.at(at[o], v), x[v], r)
		}
	}
	advance(b, bStride)
	DECQ(left)
	JNZ(LabelRef("step"))
}

// sumSliding keeps as many of b in registers as there are outputs: step p loads b[p] in place of b[p-outputs].
func sumSliding(k *kernel, a, add, b Register) {
	aStride, addStride := k.strides()
	left, bStride, before := GP64(), GP64(), GP64()
	MOVQ(k.size(steps), left)
	MOVQ(k.size(bStep), bStride)
	MOVQ(bStride, before)
	NEGQ(before)
	outputs := len(k.acc)
	window := make([]VecVirtual, outputs)
	for i := range window {
		window[i] = ZMM()
	}
	p := GP64()
	MOVQ(b, p)
	for i := outputs - 1; i > 0; i-- {
		advance(p, before)
		VMOVUPS(Mem{Base: p}, window[i])
	}
	Label("step")
	for i := range outputs {
		VMOVUPS(Mem{Base: b}, window[i])
		advance(b, bStride)
		x := k.loadA(a, add, aStride, addStride)
		for o := range k.acc {
			VFMADD231PS(window[(i-o+outputs)%outputs], x[0], k.acc[o][0])
		}
		DECQ(left)
		if i < outputs-1 {
			JZ(LabelRef("row_done"))
		} else {
			JNZ(LabelRef("step"))
		}
	}
	Label("row_done")
}
