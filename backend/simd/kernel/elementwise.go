package kernel

// This file names the element-wise operations and runs one of them over slices.

import "unsafe"

// Op is an element-wise operation on float32. A truth value is 1 or 0 (any number but 0 counts as true).
type Op uint8

// The operations. Where an operand is NaN the result is NaN, except for comparisons (NotEqual gives 1, the others 0).
const (
	OpCopy     Op = iota // x
	OpNeg                // −x
	OpAbs                // |x|
	OpSign               // −1, 0 or 1
	OpSqrt               // √x
	OpRsqrt              // 1/√x
	OpExp                // eˣ
	OpExpm1              // eˣ − 1
	OpLog                // ln x
	OpLog1p              // ln(1+x)
	OpErf                // the error function
	OpTanh               // tanh x
	OpLogistic           // 1/(1+e⁻ˣ)
	OpFloor              // ⌊x⌋
	OpCeil               // ⌈x⌉
	OpRound              // the nearest whole number, halves to even
	OpSin                // sin x
	OpCos                // cos x

	OpAdd            // x + y
	OpSub            // x − y
	OpMul            // x·y
	OpDiv            // x/y
	OpMax            // max(x, y)
	OpMin            // min(x, y)
	OpPow            // xʸ
	OpRem            // the remainder of x/y, with the sign of x
	OpEqual          // x == y
	OpNotEqual       // x != y
	OpLess           // x < y
	OpLessOrEqual    // x <= y
	OpGreater        // x > y
	OpGreaterOrEqual // x >= y

	OpSelect // y where x is true, else z
	OpMulAdd // x·y + z
	OpMulSub // x·y − z
	OpSubMul // z − x·y
	OpClamp  // x limited to [y, z]

	opCount
)

// Operands returns how many operands the operation takes.
func (o Op) Operands() int {
	switch {
	case o < OpAdd:
		return 1
	case o < OpSelect:
		return 2
	default:
		return 3
	}
}

// Unary sets dst[i] = op(x[i]). Here and below, an operand of length 1 beside a longer dst is used for every i.
func Unary(op Op, dst, x []float32) {
	apply(op, dst, operandOf(dst, x), operand{}, operand{})
}

// Binary sets dst[i] = op(x[i], y[i]).
func Binary(op Op, dst, x, y []float32) {
	apply(op, dst, operandOf(dst, x), operandOf(dst, y), operand{})
}

// Ternary sets dst[i] = op(x[i], y[i], z[i]).
func Ternary(op Op, dst, x, y, z []float32) {
	apply(op, dst, operandOf(dst, x), operandOf(dst, y), operandOf(dst, z))
}

// operand is a run of floats (step 1) or one float for every element (step 0).
type operand struct {
	pointer unsafe.Pointer
	step    int
}

func operandOf(dst, x []float32) operand {
	if len(x) == 1 {
		return operand{unsafe.Pointer(&x[0]), 0}
	}
	_ = x[:len(dst)]
	return operand{unsafe.Pointer(unsafe.SliceData(x)), 1}
}

// at returns the element that belongs to place i.
func (o operand) at(i int) float32 {
	return *(*float32)(unsafe.Add(o.pointer, 4*i*o.step))
}

// longest is how many elements one call of an assembly routine takes at most, so that it stays far under a millisecond.
const longest = 1 << 16

// apply runs one operation over dst. dst may be the memory of an operand, but must not overlap one otherwise.
func apply(op Op, dst []float32, x, y, z operand) {
	for len(dst) > longest {
		applyPart(op, dst[:longest], x, y, z)
		dst, x, y, z = dst[longest:], x.after(longest), y.after(longest), z.after(longest)
	}
	applyPart(op, dst, x, y, z)
}

func (o operand) after(n int) operand {
	return operand{unsafe.Add(o.pointer, 4*n*o.step), o.step}
}

func applyPart(op Op, dst []float32, x, y, z operand) {
	if len(dst) == 0 || applyVector(op, dst, x, y, z) {
		return
	}
	switch op.Operands() {
	case 1:
		f := unaryFunctions[op]
		for i := range dst {
			dst[i] = f(x.at(i))
		}
	case 2:
		f := binaryFunctions[op]
		for i := range dst {
			dst[i] = f(x.at(i), y.at(i))
		}
	default:
		f := ternaryFunctions[op]
		for i := range dst {
			dst[i] = f(x.at(i), y.at(i), z.at(i))
		}
	}
}
