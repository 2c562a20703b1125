package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials below are Chebyshev fits, made with mpmath's chebyfit over the interval named beside each.

const (
	log2e     = 1.44269504088896341
	ln2Hi     = 0.693145752 // few enough bits that its product with an exponent is exact
	ln2Lo     = 1.42860682030941723e-6
	magnitude = 0x7fffffff // all bits but the sign
	sign      = 0x80000000
)

// reduce splits x into n·ln 2 + r with |r| ≤ ln 2 / 2 and gives r²·P(r), the tail of eʳ = 1 + r + r²·P(r).
func (m machine) reduce(x reg.Register) (n, r, tail reg.VecVirtual) {
	n = m.round(nearest, m.mul(x, constant(log2e)))
	r = m.subMul(x, n, constant(ln2Hi))
	r = m.subMul(r, n, constant(ln2Lo))
	p := m.polynomial(r, // [−0.3467, 0.3467], error 1.4e-9
		0.0001989101718, 0.001393367373, 0.008333310902, 0.04166646471, 0.1666666668, 0.5000000013)
	return n, r, m.mul(m.mul(r, r), p)
}

func (m machine) exp(x reg.Register) reg.VecVirtual {
	x = m.between(-105, 89, x)
	n, r, tail := m.reduce(x)
	return m.scale(m.add(m.add(r, tail), constant(1)), n)
}

// between limits x to [lo, hi] and keeps NaN.
func (m machine) between(lo, hi float64, x reg.Register) reg.VecVirtual {
	d := m.binary(VMAXPS, m.copy(constant(lo)), x)
	return m.binary(VMINPS, m.copy(constant(hi)), d)
}

// expm1 works at half scale, 2ⁿ⁻¹·(eʳ−1) + (2ⁿ⁻¹ − ½), so that n = 128 does not overflow early.
func (m machine) expm1(x reg.Register) reg.VecVirtual {
	n, r, tail := m.reduce(m.between(-20, 89, x))
	half := m.scale(m.copy(constant(0.5)), n)
	y := m.mulAdd(half, m.add(r, tail), m.sub(half, constant(0.5)))
	y = m.add(y, y)
	small := m.compare(less, m.and(x, bits(magnitude)), constant(1e-7))
	return m.choose(small, x, y)
}

// split gives f and e with x = (1 + f)·2ᵉ and f in [−1/4, 1/2).
func (m machine) split(x reg.Register) (f, e reg.VecVirtual) {
	if m.wide() {
		mantissa, exponent := ZMM(), ZMM()
		VGETMANTPS(U8(0b1011), x, mantissa)
		VGETEXPPS(x, exponent)
		e = ZMM()
		VGETEXPPS(mantissa, e)
		return m.sub(mantissa, constant(1)), m.sub(exponent, e)
	}
	tiny := m.compare(less, x, bits(0x00800000))
	x = m.choose(tiny, m.mul(x, constant(1<<23)), x)
	exponent, mantissa := YMM(), YMM()
	VPSUBD(bits(0x3f400000), x, exponent) // 3/4
	VPSRAD(U8(23), exponent, exponent)
	VPSLLD(U8(23), exponent, mantissa)
	VPSUBD(mantissa, x, mantissa)
	e = YMM()
	VCVTDQ2PS(exponent, e)
	e = m.sub(e, m.and(tiny, constant(23)))
	return m.sub(mantissa, constant(1)), e
}

// logOf gives ln(1+f) + e·ln 2.
func (m machine) logOf(f, e reg.Register) reg.VecVirtual {
	p := m.polynomial(f, // [−1/4, 1/2], error 4.5e-9
		-0.03599657371, 0.08443794547, -0.1055737346, 0.1129427611, -0.1248591946,
		0.1427651843, -0.166665988, 0.2000014091, -0.2500000224, 0.3333333299)
	square := m.mul(f, f)
	y := m.mul(m.mul(square, f), p)
	y = m.accumulate(y, e, constant(ln2Lo))
	y = m.accumulate(y, square, constant(-0.5))
	y = m.add(y, f)
	return m.accumulate(y, e, constant(ln2Hi))
}

func (m machine) log(x reg.Register) reg.VecVirtual {
	f, e := m.split(x)
	return m.logLimits(x, x, m.logOf(f, e))
}

// logLimits puts in what the logarithm of u is at 0, at infinity, below 0 and at NaN.
func (m machine) logLimits(u, nan reg.Register, y reg.Register) reg.VecVirtual {
	d := m.choose(m.compare(equal, u, constant(math.Inf(1))), u, y)
	d = m.choose(m.compare(equal, u, constant(0)), constant(math.Inf(-1)), d)
	d = m.choose(m.compare(less, u, constant(0)), bits(0x7fc00000), d)
	return m.choose(m.compare(unordered, nan, nan), nan, d)
}

// log1p takes the logarithm of u = 1 + x and corrects f by what the rounding of u lost; near 0, f is x itself.
func (m machine) log1p(x reg.Register) reg.VecVirtual {
	one := m.copy(constant(1))
	u := m.add(x, one)
	big := m.compare(greater, x, one)
	lost := m.choose(big, m.sub(one, m.sub(u, x)), m.sub(x, m.sub(u, one)))
	f, e := m.split(u)
	f = m.add(f, m.scale(lost, m.xor(e, bits(sign))))
	near := m.compare(less, m.and(x, bits(magnitude)), constant(0.25))
	zero := m.register()
	VXORPS(zero, zero, zero)
	f, e = m.choose(near, x, f), m.choose(near, zero, e)
	return m.logLimits(u, x, m.logOf(f, e))
}

// erf is x + x·Q(x²) near 0 and 1 − e^(−h(|x|)) beyond, with the sign of x.
func (m machine) erf(x reg.Register) reg.VecVirtual {
	t := m.and(x, bits(magnitude))
	far := m.compare(greater, t, constant(0.9))
	square := m.mul(x, x)
	q := m.polynomial(square, // [0, 0.87], error 4.9e-10
		8.316879718e-5, -0.000813044467, 0.005199989255, -0.02685899742, 0.1128368872, -0.3761263333, 0.1283791666)
	inner := m.mulAdd(q, x, x)
	h := m.polynomial(m.binary(VMINPS, m.copy(constant(4)), t), // [0.9, 4], error 1.9e-8
		-1.643063656e-6, 4.616385863e-5, -0.0005975857702, 0.004762625833, -0.02642763715,
		0.1100871665, 0.6318239181, 1.130231055, -0.0003185396624)
	n, r, tail := m.reduce(m.xor(h, bits(sign)))
	outer := m.sub(m.copy(constant(1)), m.scale(m.add(m.add(r, tail), constant(1)), n))
	outer = m.or(outer, m.and(x, bits(sign)))
	return m.choose(far, outer, inner)
}

// tanh is x + x³·Q(x²) near 0 and 1 − 2/(e^2|x| + 1) beyond, with the sign of x.
func (m machine) tanh(x reg.Register) reg.VecVirtual {
	t := m.and(x, bits(magnitude))
	far := m.compare(greater, t, constant(0.625))
	square := m.mul(x, x)
	q := m.polynomial(square, // [0, 0.4], error 1.8e-9
		0.002269501684, -0.008323187058, 0.02176250291, -0.05395846163, 0.1333330015, -0.3333333315)
	inner := m.mulAdd(m.mul(q, square), x, x)
	bounded := m.binary(VMINPS, m.copy(constant(10)), t)
	n, r, tail := m.reduce(m.add(bounded, bounded))
	e := m.scale(m.add(m.add(r, tail), constant(1)), n)
	two := m.copy(constant(2))
	outer := m.sub(m.copy(constant(1)), m.div(two, m.add(e, constant(1))))
	outer = m.or(outer, m.and(x, bits(sign)))
	return m.choose(far, outer, inner)
}

func (m machine) logistic(x reg.Register) reg.VecVirtual {
	e := m.exp(m.xor(x, bits(sign)))
	return m.div(m.copy(constant(1)), m.add(e, constant(1)))
}

// signOf gives ±1, and x itself where that is 0 or NaN.
func (m machine) signOf(x reg.Register) reg.VecVirtual {
	one := m.or(m.and(x, bits(sign)), constant(1))
	zero := m.register()
	VXORPS(zero, zero, zero)
	one = m.choose(m.compare(equal, x, zero), x, one)
	return m.choose(m.compare(unordered, x, x), x, one)
}

// maximum and minimum are NaN where either operand is.
func (m machine) maximum(x, y reg.Register) reg.VecVirtual {
	return m.choose(m.compare(unordered, x, x), x, m.max(x, y))
}

func (m machine) minimum(x, y reg.Register) reg.VecVirtual {
	return m.choose(m.compare(unordered, x, x), x, m.min(x, y))
}
