package vecmath

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Exp returns eˣ: 1 ulp, gradual underflow to 0 and overflow to +Inf included.
//
// x = n·ln 2 + r with |r| ≤ ln 2 / 2, so eˣ = 2ⁿ·eʳ; ln 2 is split in two so that r is exact to float32.
func (v Vector) Exp(x operand.Op) reg.VecVirtual {
	x = v.clamp(x, -104, 89)
	n, r := v.Register(), v.Copy(x)
	VMULPS(Constant(1.442695040888963), x, n)
	const nearestEven = 8
	if v == AVX512 {
		VRNDSCALEPS(operand.U8(nearestEven), n, n)
	} else {
		VROUNDPS(operand.U8(nearestEven), n, n)
	}
	VFNMADD231PS(Constant(0.693359375), n, r)
	VFNMADD231PS(Constant(-0.000212194440055), n, r)
	p := v.horner(r, 1, 1, 0.49999994, 0.16666515, 0.04166846, 0.00836943, 0.0013813019)
	if v == AVX512 {
		VSCALEFPS(n, p, p)
		return p
	}
	return v.scalePowerOfTwo(p, n)
}

// scalePowerOfTwo returns p·2ⁿ for n in [-150, 129], in two steps because 2ⁿ alone may be no normal number.
func (v Vector) scalePowerOfTwo(p, n reg.VecVirtual) reg.VecVirtual {
	whole, half := v.Register(), v.Register()
	VCVTPS2DQ(n, whole)
	VPSRAD(operand.U8(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, exponent := range []reg.VecVirtual{half, whole} {
		VPSLLD(operand.U8(23), exponent, exponent)
		VPADDD(Constant(1), exponent, exponent)
		VMULPS(exponent, p, p)
	}
	return p
}

// Tanh returns the hyperbolic tangent: absolute and relative error below 3e-7.
//
// Near 0 an odd polynomial, elsewhere 1 - 2/(e²ˣ + 1) of |x| with the sign put back.
func (v Vector) Tanh(x operand.Op) reg.VecVirtual {
	value := v.Copy(x)
	absolute, sign := v.splitSign(value)
	twice := v.Register()
	VADDPS(absolute, absolute, twice)
	denominator := v.Exp(twice)
	one := v.Copy(Constant(1))
	VADDPS(one, denominator, denominator)
	large := v.Copy(Constant(-2))
	VDIVPS(denominator, large, large)
	VADDPS(one, large, large)
	v.or(sign, large, large)

	square := v.Register()
	VMULPS(value, value, square)
	small := v.horner(square, -0.33333284, 0.13331489, -0.053743355, 0.020650163, -0.005716612)
	VMULPS(square, small, small)
	VFMADD213PS(value, value, small)
	return v.selectSmall(absolute, 0.625, small, large)
}

// Sigmoid returns 1/(1 + e⁻ˣ).
func (v Vector) Sigmoid(x operand.Op) reg.VecVirtual {
	d := v.sigmoidDenominator(x)
	y := v.Copy(Constant(1))
	VDIVPS(d, y, y)
	return y
}

// SiLU returns x/(1 + e⁻ˣ).
func (v Vector) SiLU(x operand.Op) reg.VecVirtual {
	y := v.Copy(x)
	VDIVPS(v.sigmoidDenominator(y), y, y)
	return y
}

func (v Vector) sigmoidDenominator(x operand.Op) reg.VecVirtual {
	negative := v.Register()
	VXORPS(negative, negative, negative)
	VSUBPS(x, negative, negative)
	d := v.Exp(negative)
	VADDPS(Constant(1), d, d)
	return d
}

// GELU returns the exact form x·(1 + erf(x/√2))/2 = max(x, 0) - |x|·Q(|x|), where Q(a) = erfc(a/√2)/2 is the normal
// distribution's tail: absolute error below 2e-7·max(1, |x|). -Inf gives its limit, zero.
//
// Q(a)·exp(a²/2) is smooth and a quotient of polynomials. From |x| = 15 on Q is zero in float32.
func (v Vector) GELU(x operand.Op) reg.VecVirtual {
	value := v.Copy(x)
	absolute, positive := v.Register(), v.Register()
	v.and(Bits(magnitude), value, absolute)
	a := v.Copy(Constant(15))
	VMINPS(absolute, a, a)
	exponent := v.Register()
	VMULPS(Constant(-0.5), a, exponent)
	VMULPS(a, exponent, exponent)
	tail := v.Exp(exponent)
	p := v.horner(a, 0.5, 0.43925485, 0.1839456, 0.040872503, 0.0041517536)
	q := v.horner(a, 1, 1.6763947, 1.2054557, 0.47134593, 0.10245828, 0.010406792)
	VMULPS(p, tail, tail)
	VDIVPS(q, tail, tail)
	VXORPS(positive, positive, positive)
	VMAXPS(value, positive, positive)
	VFNMADD213PS(positive, a, tail)
	return tail
}

// splitSign returns |x| and the sign bit of x.
func (v Vector) splitSign(x reg.VecVirtual) (absolute, sign reg.VecVirtual) {
	absolute, sign = v.Register(), v.Register()
	v.and(Bits(magnitude), x, absolute)
	v.and(Bits(signBit), x, sign)
	return absolute, sign
}
