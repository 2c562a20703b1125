// Package vecmath emits elementary functions on vector registers: each function reads a register of float32 lanes and
// returns a new register with the result in every lane. The same code serves AVX2 with FMA and AVX-512.
//
// The polynomials are minimax fits of our own (relative error below 1e-8, so that float32 rounding is what remains).
package vecmath

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Vector is a register's width in bytes.
type Vector int

const (
	// AVX2 registers hold 8 float32.
	AVX2 Vector = 32
	// AVX512 registers hold 16 float32.
	AVX512 Vector = 64
)

// Lanes is the number of float32 in a register.
func (v Vector) Lanes() int { return int(v) / 4 }

// Register allocates a register.
func (v Vector) Register() reg.VecVirtual {
	if v == AVX512 {
		return ZMM()
	}
	return YMM()
}

// Copy returns a new register with the contents of x, which may be a register or memory.
func (v Vector) Copy(x operand.Op) reg.VecVirtual {
	y := v.Register()
	VMOVUPS(x, y)
	return y
}

// constants are the tables of the file being generated, by their bits.
var constants = map[uint32]operand.Mem{}

// Constant returns 64 bytes of memory that hold x in every lane: an operand for either width.
func Constant(x float32) operand.Mem { return Bits(math.Float32bits(x)) }

// Bits is Constant for a float32 given by its bits.
func Bits(bits uint32) operand.Mem {
	if m, ok := constants[bits]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("lanes%08x", bits), 8|16) // RODATA|NOPTR
	for lane := range 16 {
		DATA(4*lane, operand.U32(bits))
	}
	constants[bits] = m
	return m
}

const (
	signBit   = 0x80000000
	magnitude = 0x7fffffff
)

// clamp returns x within low and high. NaN stays NaN: the processor's minimum and maximum give back their second
// operand (written first in Go's order) where either is NaN.
func (v Vector) clamp(x operand.Op, low, high float32) reg.VecVirtual {
	y := v.Copy(Constant(high))
	VMINPS(x, y, y)
	z := v.Copy(Constant(low))
	VMAXPS(y, z, z)
	return z
}

// horner evaluates the polynomial with the given coefficients, constant term first, at x.
func (v Vector) horner(x reg.VecVirtual, coefficients ...float32) reg.VecVirtual {
	last := len(coefficients) - 1
	y := v.Copy(Constant(coefficients[last]))
	for i := last - 1; i >= 0; i-- {
		VFMADD213PS(Constant(coefficients[i]), x, y)
	}
	return y
}

// selectSmall returns small where |x| < limit and large elsewhere; NaN in x takes large.
func (v Vector) selectSmall(absolute reg.VecVirtual, limit float32, small, large reg.VecVirtual) reg.VecVirtual {
	const lessThan = 0x11 // ordered, quiet
	if v == AVX512 {
		mask := K()
		VCMPPS(operand.U8(lessThan), Constant(limit), absolute, mask)
		VMOVAPS(small, mask, large)
		return large
	}
	mask := v.Register()
	VCMPPS(operand.U8(lessThan), Constant(limit), absolute, mask)
	VBLENDVPS(mask, small, large, large)
	return large
}

// And, or and exclusive or of all bits. AVX-512 has them as integer operations too, in the base set.
func (v Vector) and(a operand.Op, b, to reg.VecVirtual) {
	if v == AVX512 {
		VPANDD(a, b, to)
		return
	}
	VPAND(a, b, to)
}

func (v Vector) or(a operand.Op, b, to reg.VecVirtual) {
	if v == AVX512 {
		VPORD(a, b, to)
		return
	}
	VPOR(a, b, to)
}
