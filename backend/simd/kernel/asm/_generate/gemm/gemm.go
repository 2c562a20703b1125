package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/vecmath"
)

// Bits of the options argument, as in package kernel.
const (
	optionAccumulate = 1 << iota
	optionReLU
	optionReLU6
	optionResidualFirst
)

// gemm emits the product of any number of rows with one panel of B, tile by tile of s.rows rows, the rest in one tile
// of just its height. Every element is summed in the order of k by fused multiply-adds, whatever tile it falls in.
func (s set) gemm() {
	TEXT("Gemm"+s.name, NOSPLIT, "func(a *float32, aRow, aCol, aTile int, b *float32, bRow, k int, c *float32, cRow, rows, columns int, scale, bias, residual *float32, options int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("Gemm%s sets c[i,j] = act(Σ a[i,l]·b[l,j]·scale[j] + bias[j]) + residual[i,j] for i < rows and j < columns,", s.name),
		fmt.Sprintf("columns at most %d. Element [i,l] of A is a[(i/%d)·aTile + (i%%%d)·aRow + l·aCol]. b has bRow readable elements", 2*s.vector.Lanes(), s.rows, s.rows),
		fmt.Sprintf("in each of its k rows, at least columns rounded up to %d; residual has the rows of c. nil pointers stand for absent terms.", s.vector.Lanes()))
	Load(Param("a"), aTile)
	Load(Param("c"), cTile)
	Load(Param("residual"), residuals)
	Load(Param("rows"), rowsLeft)
	s.loadMasks()
	CMPQ(count, operand.U8(s.vector.Lanes()))
	JG(operand.LabelRef(s.loopLabel(2)))
	for vectors := 1; vectors <= 2; vectors++ {
		Label(s.loopLabel(vectors))
		CMPQ(rowsLeft, operand.U8(s.rows))
		JGE(operand.LabelRef(s.tileLabel(s.rows, vectors)))
		for rows := 1; rows < s.rows; rows++ {
			CMPQ(rowsLeft, operand.U8(rows))
			JE(operand.LabelRef(s.tileLabel(rows, vectors)))
		}
		s.ret()
		for rows := 1; rows <= s.rows; rows++ {
			tile{s, rows, vectors}.emit()
		}
	}
}

func (s set) loopLabel(vectors int) string { return fmt.Sprintf("tiles_x%d", vectors) }

func (s set) tileLabel(rows, vectors int) string { return fmt.Sprintf("tile_%dx%d", rows, vectors) }

func (s set) ret() {
	VZEROUPPER()
	RET()
}

// loadMasks leaves the number of columns in count. For AVX-512 it sets K1 and K2 to the lanes of the two vectors that
// are in use; the tiles of AVX2 load their masks where they need them.
func (s set) loadMasks() {
	Load(Param("columns"), count)
	if s.vector != vecmath.AVX512 {
		return
	}
	MOVQ(count, reg.RCX)
	MOVQ(operand.U32(1), reg.RAX)
	SHLQ(reg.CL, reg.RAX)
	DECQ(reg.RAX)
	KMOVW(reg.EAX, reg.K1)
	SHRQ(operand.U8(16), reg.RAX)
	KMOVW(reg.EAX, reg.K2)
}

// tile is a block of C held in registers: rows by vectors of columns.
type tile struct {
	set
	rows, vectors int
}

func (t tile) accumulator(row, vector int) vectorRegister {
	return t.register(row*t.vectors + vector)
}

// line returns the register of a vector of B in the inner loop.
func (t tile) line(vector int) vectorRegister { return t.register(2*t.set.rows + vector) }

// spare returns one of the two registers beside accumulators and lines.
func (t tile) spare(i int) vectorRegister { return t.register(2*t.set.rows + 2 + i) }

func (t tile) label(part string) string {
	return fmt.Sprintf("%s_%s", t.tileLabel(t.rows, t.vectors), part)
}

func (t tile) emit() {
	Label(t.tileLabel(t.rows, t.vectors))
	t.begin()
	t.sum()
	t.epilogue()
	if t.rows < t.set.rows {
		t.ret()
		return
	}
	t.advance()
	JMP(operand.LabelRef(t.loopLabel(t.vectors)))
}

// begin sets the accumulators to C or to zero; then it calls for C, which would come late when it is stored.
func (t tile) begin() {
	Load(Param("options"), options)
	TESTQ(operand.U32(optionAccumulate), options)
	JZ(operand.LabelRef(t.label("zero")))
	t.loadStrideOfC()
	t.masks()
	t.eachRow(cTile, func(row, vector int, at operand.Mem) {
		t.loadMasked(at, vector, t.accumulator(row, vector))
	})
	JMP(operand.LabelRef(t.label("begun")))
	Label(t.label("zero"))
	t.loadStrideOfC()
	t.eachRow(cTile, func(_, _ int, at operand.Mem) { PREFETCHT0(at) })
	for i := range t.rows * t.vectors {
		VXORPS(t.register(i), t.register(i), t.register(i))
	}
	Label(t.label("begun"))
}

// sum adds the products over all k.
func (t tile) sum() {
	Load(Param("aRow"), aRow)
	SHLQ(operand.U8(2), aRow)
	LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 2}, aRow3)
	LEAQ(operand.Mem{Base: aRow, Index: aRow, Scale: 4}, aRow5)
	Load(Param("aCol"), aColumn)
	SHLQ(operand.U8(2), aColumn)
	Load(Param("b"), bLine)
	Load(Param("bRow"), bRow)
	SHLQ(operand.U8(2), bRow)
	MOVQ(aTile, aLow)
	if t.rows > 7 {
		LEAQ(operand.Mem{Base: aLow, Index: aRow, Scale: 8}, aHigh)
		SUBQ(aRow, aHigh)
	}
	Load(Param("k"), count)
	TESTQ(count, count)
	JZ(operand.LabelRef(t.label("summed")))
	Label(t.label("sum"))
	for v := range t.vectors {
		VMOVUPS(operand.Mem{Base: bLine, Disp: v * int(t.vector)}, t.line(v))
	}
	for v := range t.vectors {
		PREFETCHT0(operand.Mem{Base: bLine, Index: bRow, Scale: 8, Disp: v * int(t.vector)})
	}
	ADDQ(bRow, bLine)
	for row := range t.rows {
		t.multiplyAdd(row)
	}
	ADDQ(aColumn, aLow)
	if t.rows > 7 {
		ADDQ(aColumn, aHigh)
	}
	DECQ(count)
	JNZ(operand.LabelRef(t.label("sum")))
	Label(t.label("summed"))
}

func (t tile) multiplyAdd(row int) {
	if t.vectors == 1 && t.vector == vecmath.AVX512 {
		VFMADD231PS_BCST(rowOfA(row), t.line(0), t.accumulator(row, 0))
		return
	}
	x := t.spare(row % 2)
	VBROADCASTSS(rowOfA(row), x)
	for v := range t.vectors {
		VFMADD231PS(x, t.line(v), t.accumulator(row, v))
	}
}

// rowOfA reaches 14 rows from two bases and three multiples of the row stride.
func rowOfA(row int) operand.Mem {
	return []operand.Mem{
		{Base: aLow}, {Base: aLow, Index: aRow, Scale: 1}, {Base: aLow, Index: aRow, Scale: 2}, {Base: aLow, Index: aRow3, Scale: 1},
		{Base: aLow, Index: aRow, Scale: 4}, {Base: aLow, Index: aRow5, Scale: 1}, {Base: aLow, Index: aRow3, Scale: 2},
		{Base: aHigh}, {Base: aHigh, Index: aRow, Scale: 1}, {Base: aHigh, Index: aRow, Scale: 2}, {Base: aHigh, Index: aRow3, Scale: 1},
		{Base: aHigh, Index: aRow, Scale: 4}, {Base: aHigh, Index: aRow5, Scale: 1}, {Base: aHigh, Index: aRow3, Scale: 2},
	}[row]
}

// advance moves on to the next tile of rows; the epilogue has left walker at its first row of C.
func (t tile) advance() {
	SUBQ(operand.U8(t.rows), rowsLeft)
	Load(Param("aTile"), reg.RBX)
	LEAQ(operand.Mem{Base: aTile, Index: reg.RBX, Scale: 4}, aTile)
	TESTQ(residuals, residuals)
	JZ(operand.LabelRef(t.label("advanced")))
	SUBQ(cTile, residuals)
	ADDQ(walker, residuals)
	Label(t.label("advanced"))
	MOVQ(walker, cTile)
}
