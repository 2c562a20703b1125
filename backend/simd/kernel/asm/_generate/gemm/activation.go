package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/vecmath"
)

// activations emits one routine an activation that the epilogue's registers have no room for.
func (s set) activations() {
	for _, a := range []struct {
		name, formula string
		emit          func(x operand.Op) reg.VecVirtual
	}{
		{"GELU", "x·(1 + erf(x/√2))/2", s.vector.GELU},
		{"SiLU", "x/(1 + e⁻ˣ)", s.vector.SiLU},
		{"HardSwish", "x·HardSigmoid(x)", s.hardSwish},
		{"HardSigmoid", "min(max(x/6 + 1/2, 0), 1)", s.hardSigmoid},
		{"Sigmoid", "1/(1 + e⁻ˣ)", s.vector.Sigmoid},
		{"Tanh", "tanh(x)", s.vector.Tanh},
	} {
		s.activation(a.name, a.formula, a.emit)
	}
}

// activation emits a loop over the rows of a matrix, and in each over its vectors, the last one masked.
func (s set) activation(name, formula string, emit func(x operand.Op) reg.VecVirtual) {
	TEXT("Finish"+name+s.name, NOSPLIT, "func(c, residual *float32, row, rows, columns int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("Finish%s%s sets c[i*row+j] = f(c[i*row+j]) + residual[i*row+j] for i < rows and j < columns, where f(x) is", name, s.name),
		formula+"; rows and columns are at least 1, and residual may be nil.")
	c := Load(Param("c"), GP64())
	residual := Load(Param("residual"), GP64())
	row := Load(Param("row"), GP64())
	rows := Load(Param("rows"), GP64())
	columns := Load(Param("columns"), GP64())
	tail := GP64()
	MOVQ(columns, tail)
	ANDQ(operand.I8(int8(s.vector.Lanes()-1)), tail)
	SUBQ(tail, columns)
	load, store := s.maskedTail(tail)
	j := GP64()
	at := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Index: j, Scale: 4} }

	Label("row")
	XORQ(j, j)
	CMPQ(j, columns)
	JE(operand.LabelRef("tail"))
	Label("vector")
	y := emit(s.vector.Copy(at(c)))
	TESTQ(residual, residual)
	JZ(operand.LabelRef("vector_store"))
	VADDPS(at(residual), y, y)
	Label("vector_store")
	VMOVUPS(y, at(c))
	ADDQ(operand.U8(s.vector.Lanes()), j)
	CMPQ(j, columns)
	JNE(operand.LabelRef("vector"))

	Label("tail")
	TESTQ(tail, tail)
	JZ(operand.LabelRef("next"))
	x := s.vector.Register()
	load(at(c), x)
	y = emit(x)
	TESTQ(residual, residual)
	JZ(operand.LabelRef("tail_store"))
	r := s.vector.Register()
	load(at(residual), r)
	VADDPS(r, y, y)
	Label("tail_store")
	store(y, at(c))

	Label("next")
	LEAQ(operand.Mem{Base: c, Index: row, Scale: 4}, c)
	TESTQ(residual, residual)
	JZ(operand.LabelRef("last"))
	LEAQ(operand.Mem{Base: residual, Index: row, Scale: 4}, residual)
	Label("last")
	DECQ(rows)
	JNZ(operand.LabelRef("row"))
	s.ret()
}

// maskedTail returns what emits loads and stores of the first n lanes.
func (s set) maskedTail(n reg.Register) (load func(from operand.Mem, to reg.Register), store func(from reg.Register, to operand.Mem)) {
	if s.vector == vecmath.AVX512 {
		mask := s.opmask(n)
		return func(from operand.Mem, to reg.Register) { VMOVUPS_Z(from, mask, to) },
			func(from reg.Register, to operand.Mem) { VMOVUPS(from, mask, to) }
	}
	mask := s.laneVector(n)
	return func(from operand.Mem, to reg.Register) { VMASKMOVPS(from, mask, to) },
		func(from reg.Register, to operand.Mem) { VMASKMOVPS(from, mask, to) }
}

func (s set) hardSigmoid(x operand.Op) reg.VecVirtual {
	y, limit := s.vector.Copy(x), s.vector.Register()
	scale := s.vector.Copy(vecmath.Constant(1. / 6))
	VFMADD213PS(vecmath.Constant(0.5), scale, y)
	VXORPS(limit, limit, limit)
	VMAXPS(y, limit, y)
	VMOVUPS(vecmath.Constant(1), limit)
	VMINPS(y, limit, y)
	return y
}

func (s set) hardSwish(x operand.Op) reg.VecVirtual {
	y := s.hardSigmoid(x)
	VMULPS(x, y, y)
	return y
}
