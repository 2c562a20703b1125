// Command elementwise writes the element-wise kernels: one routine an operation and instruction set, over vectors or
// scalars in any mixture.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// operation is one element-wise function; doc is the loop it stands for.
type operation struct {
	name     string
	operands int
	doc      string
	body     func(m machine, v []reg.VecVirtual) reg.VecVirtual
}

func unary(name, doc string, f func(machine, reg.Register) reg.VecVirtual) operation {
	return operation{name, 1, doc, func(m machine, v []reg.VecVirtual) reg.VecVirtual { return f(m, v[0]) }}
}

func binary(name, doc string, f func(m machine, x, y reg.Register) reg.VecVirtual) operation {
	return operation{name, 2, doc, func(m machine, v []reg.VecVirtual) reg.VecVirtual { return f(m, v[0], v[1]) }}
}

func ternary(name, doc string, f func(m machine, x, y, z reg.Register) reg.VecVirtual) operation {
	return operation{name, 3, doc, func(m machine, v []reg.VecVirtual) reg.VecVirtual { return f(m, v[0], v[1], v[2]) }}
}

func comparison(name, doc string, predicate uint8) operation {
	return binary(name, doc, func(m machine, x, y reg.Register) reg.VecVirtual { return m.oneWhere(m.compare(predicate, x, y)) })
}

var operations = []operation{
	unary("Copy", "x", func(m machine, x reg.Register) reg.VecVirtual { return m.copy(x) }),
	unary("Neg", "-x", func(m machine, x reg.Register) reg.VecVirtual { return m.xor(x, bits(sign)) }),
	unary("Abs", "|x|", func(m machine, x reg.Register) reg.VecVirtual { return m.and(x, bits(magnitude)) }),
	unary("Sign", "the sign of x", machine.signOf),
	unary("Sqrt", "√x", func(m machine, x reg.Register) reg.VecVirtual { return m.sqrt(x) }),
	unary("Rsqrt", "1/√x", func(m machine, x reg.Register) reg.VecVirtual { return m.div(m.copy(constant(1)), m.sqrt(x)) }),
	unary("Exp", "eˣ", machine.exp),
	unary("Expm1", "eˣ - 1", machine.expm1),
	unary("Log", "ln x", machine.log),
	unary("Log1p", "ln(1+x)", machine.log1p),
	unary("Erf", "erf x", machine.erf),
	unary("Tanh", "tanh x", machine.tanh),
	unary("Logistic", "1/(1+e⁻ˣ)", machine.logistic),
	unary("Floor", "⌊x⌋", func(m machine, x reg.Register) reg.VecVirtual { return m.round(down, x) }),
	unary("Ceil", "⌈x⌉", func(m machine, x reg.Register) reg.VecVirtual { return m.round(up, x) }),
	unary("Round", "the nearest whole number, halves to even", func(m machine, x reg.Register) reg.VecVirtual { return m.round(nearest, x) }),
	binary("Add", "x + y", func(m machine, x, y reg.Register) reg.VecVirtual { return m.add(x, y) }),
	binary("Sub", "x - y", func(m machine, x, y reg.Register) reg.VecVirtual { return m.sub(x, y) }),
	binary("Mul", "x · y", func(m machine, x, y reg.Register) reg.VecVirtual { return m.mul(x, y) }),
	binary("Div", "x / y", func(m machine, x, y reg.Register) reg.VecVirtual { return m.div(x, y) }),
	binary("Max", "max(x, y)", machine.maximum),
	binary("Min", "min(x, y)", machine.minimum),
	comparison("Equal", "1 if x == y, else 0", equal),
	comparison("NotEqual", "1 if x != y, else 0", notEqual),
	comparison("Less", "1 if x < y, else 0", less),
	comparison("LessOrEqual", "1 if x <= y, else 0", lessOrEqual),
	comparison("Greater", "1 if x > y, else 0", greater),
	comparison("GreaterOrEqual", "1 if x >= y, else 0", greaterOrEqual),
	ternary("Select", "y if x != 0, else z", func(m machine, x, y, z reg.Register) reg.VecVirtual {
		zero := m.register()
		VXORPS(zero, zero, zero)
		return m.choose(m.compare(notEqual, x, zero), y, z)
	}),
	ternary("MulAdd", "x · y + z, rounded once", func(m machine, x, y, z reg.Register) reg.VecVirtual { return m.mulAdd(x, y, z) }),
	ternary("MulSub", "x · y - z, rounded once", func(m machine, x, y, z reg.Register) reg.VecVirtual { return m.mulSub(x, y, z) }),
	ternary("SubMul", "z - x · y, rounded once", func(m machine, x, y, z reg.Register) reg.VecVirtual { return m.subMul(z, x, y) }),
	ternary("Clamp", "min(max(y, x), z)", func(m machine, x, y, z reg.Register) reg.VecVirtual {
		return m.minimum(m.maximum(y, x), z)
	}),
}

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, m := range machines {
		for _, o := range operations {
			m.routine(o)
		}
		m.boolsToFloats()
		m.floatsToBools()
		for _, r := range reductions {
			m.reduceRow(r)
			m.reduceColumns(r)
		}
		m.layerNorm()
		m.layerNormGradient()
		m.softmax(false)
		m.softmax(true)
		m.squaredDeviations()
		m.moveWhereEqual()
	}
	machines[1].transpose()
	Generate()
}
