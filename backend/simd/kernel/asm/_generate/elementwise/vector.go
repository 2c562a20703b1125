package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// machine writes vector code for one instruction set; the same body serves AVX-512 and AVX2 through it.
type machine struct {
	suffix string // of the routines' names
	width  int    // floats in a vector: 16, 8 or, at the end of a reduction, 4
}

var machines = []machine{{"AVX512", 16}, {"AVX2", 8}}

func (m machine) wide() bool { return m.width == 16 }

func (m machine) register() reg.VecVirtual {
	switch m.width {
	case 16:
		return ZMM()
	case 8:
		return YMM()
	default:
		return XMM()
	}
}

// mask is what a comparison leaves: an opmask register on AVX-512, a vector of ones and zeros on AVX2.
type mask reg.Register

// Predicates of a comparison (Intel's numbers).
const (
	equal          = 0x00
	less           = 0x01
	lessOrEqual    = 0x02
	unordered      = 0x03
	notEqual       = 0x04
	greaterOrEqual = 0x0d
	greater        = 0x0e
)

// binary emits one instruction that computes f(a, b); b may be in memory.
func (m machine) binary(f func(...Op), a reg.Register, b Op) reg.VecVirtual {
	d := m.register()
	f(b, a, d)
	return d
}

func (m machine) add(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VADDPS, a, b) }
func (m machine) sub(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VSUBPS, a, b) }
func (m machine) mul(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VMULPS, a, b) }
func (m machine) div(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VDIVPS, a, b) }
func (m machine) and(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VANDPS, a, b) }
func (m machine) or(a reg.Register, b Op) reg.VecVirtual     { return m.binary(VORPS, a, b) }
func (m machine) xor(a reg.Register, b Op) reg.VecVirtual    { return m.binary(VXORPS, a, b) }
func (m machine) andNot(a reg.Register, b Op) reg.VecVirtual { return m.binary(VANDNPS, a, b) }

// max and min are the instructions': the second operand where either is NaN.
func (m machine) max(a reg.Register, b Op) reg.VecVirtual { return m.binary(VMAXPS, a, b) }
func (m machine) min(a reg.Register, b Op) reg.VecVirtual { return m.binary(VMINPS, a, b) }

func (m machine) sqrt(a Op) reg.VecVirtual {
	d := m.register()
	VSQRTPS(a, d)
	return d
}

// mulAdd gives a·b + c.
func (m machine) mulAdd(a, b reg.Register, c Op) reg.VecVirtual {
	d := m.copy(a)
	VFMADD213PS(c, b, d)
	return d
}

// mulSub gives a·b − c.
func (m machine) mulSub(a, b reg.Register, c Op) reg.VecVirtual {
	d := m.copy(a)
	VFMSUB213PS(c, b, d)
	return d
}

// subMul gives c − a·b.
func (m machine) subMul(c, a reg.Register, b Op) reg.VecVirtual {
	d := m.copy(c)
	VFNMADD231PS(b, a, d)
	return d
}

// accumulate gives c + a·b, with b in memory if need be.
func (m machine) accumulate(c, a reg.Register, b Op) reg.VecVirtual {
	d := m.copy(c)
	VFMADD231PS(b, a, d)
	return d
}

func (m machine) copy(a Op) reg.VecVirtual {
	d := m.register()
	VMOVUPS(a, d)
	return d
}

// Rounding modes.
const (
	nearest = 8
	down    = 9
	up      = 10
)

func (m machine) round(mode uint8, a reg.Register) reg.VecVirtual {
	d := m.register()
	if m.wide() {
		VRNDSCALEPS(U8(mode), a, d)
	} else {
		VROUNDPS(U8(mode), a, d)
	}
	return d
}

func (m machine) compare(predicate uint8, a reg.Register, b Op) mask {
	if m.wide() {
		k := K()
		VCMPPS(U8(predicate), b, a, k)
		return k
	}
	d := m.register()
	VCMPPS(U8(predicate), b, a, d)
	return d
}

// choose gives yes where the mask is set, else no.
func (m machine) choose(k mask, yes Op, no reg.Register) reg.VecVirtual {
	d := m.register()
	if m.wide() {
		VBLENDMPS(yes, no, k, d)
	} else {
		VBLENDVPS(k, yes, no, d)
	}
	return d
}

// oneWhere gives 1 where the mask is set, else 0.
func (m machine) oneWhere(k mask) reg.VecVirtual {
	d := m.register()
	if m.wide() {
		VMOVUPS_Z(constant(1), k, d)
	} else {
		VANDPS(constant(1), k, d)
	}
	return d
}

// polynomial evaluates by Horner's rule; the coefficient of the highest power comes first.
func (m machine) polynomial(x reg.Register, coefficients ...float64) reg.VecVirtual {
	p := m.copy(constant(coefficients[0]))
	for _, c := range coefficients[1:] {
		VFMADD213PS(constant(c), x, p)
	}
	return p
}

// scale gives p·2ⁿ for whole n in [−252, 254], through subnormals and overflow.
func (m machine) scale(p, n reg.Register) reg.VecVirtual {
	if m.wide() {
		return m.binary(VSCALEFPS, p, n)
	}
	whole, half := YMM(), YMM()
	VCVTPS2DQ(n, whole)
	VPSRAD(U8(1), whole, half)
	VPSUBD(half, whole, whole)
	return m.mul(m.mul(p, m.powerOfTwo(half)), m.powerOfTwo(whole))
}

// powerOfTwo gives 2ⁿ for an integer n in [−126, 127].
func (m machine) powerOfTwo(n reg.Register) reg.VecVirtual {
	d := m.register()
	VPADDD(bits(127), n, d)
	VPSLLD(U8(23), d, d)
	return d
}

var constants = map[uint32]Mem{}

// constant places a float in memory, once for each lane of the widest vector.
func constant(v float64) Mem { return bits(math.Float32bits(float32(v))) }

func bits(b uint32) Mem {
	if c, ok := constants[b]; ok {
		return c
	}
	c := GLOBL(fmt.Sprintf("elementwise_%08x", b), attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(b))
	}
	constants[b] = c
	return c
}
