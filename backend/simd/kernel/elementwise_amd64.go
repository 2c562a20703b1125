//go:build !noasm

package kernel

// This file sends element-wise operations to their assembly routines.

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

var unaryRoutines = [OpAdd][2]func(dst, x *float32, n, xStep int){
	OpCopy:     {asm.CopyAVX2, asm.CopyAVX512},
	OpNeg:      {asm.NegAVX2, asm.NegAVX512},
	OpAbs:      {asm.AbsAVX2, asm.AbsAVX512},
	OpSign:     {asm.SignAVX2, asm.SignAVX512},
	OpSqrt:     {asm.SqrtAVX2, asm.SqrtAVX512},
	OpRsqrt:    {asm.RsqrtAVX2, asm.RsqrtAVX512},
	OpExp:      {asm.ExpAVX2, asm.ExpAVX512},
	OpExpm1:    {asm.Expm1AVX2, asm.Expm1AVX512},
	OpLog:      {asm.LogAVX2, asm.LogAVX512},
	OpLog1p:    {asm.Log1pAVX2, asm.Log1pAVX512},
	OpErf:      {asm.ErfAVX2, asm.ErfAVX512},
	OpTanh:     {asm.TanhAVX2, asm.TanhAVX512},
	OpLogistic: {asm.LogisticAVX2, asm.LogisticAVX512},
	OpFloor:    {asm.FloorAVX2, asm.FloorAVX512},
	OpCeil:     {asm.CeilAVX2, asm.CeilAVX512},
	OpRound:    {asm.RoundAVX2, asm.RoundAVX512},
}

var binaryRoutines = [OpSelect][2]func(dst, x, y *float32, n, xStep, yStep int){
	OpAdd:            {asm.AddAVX2, asm.AddAVX512},
	OpSub:            {asm.SubAVX2, asm.SubAVX512},
	OpMul:            {asm.MulAVX2, asm.MulAVX512},
	OpDiv:            {asm.DivAVX2, asm.DivAVX512},
	OpMax:            {asm.MaxAVX2, asm.MaxAVX512},
	OpMin:            {asm.MinAVX2, asm.MinAVX512},
	OpEqual:          {asm.EqualAVX2, asm.EqualAVX512},
	OpNotEqual:       {asm.NotEqualAVX2, asm.NotEqualAVX512},
	OpLess:           {asm.LessAVX2, asm.LessAVX512},
	OpLessOrEqual:    {asm.LessOrEqualAVX2, asm.LessOrEqualAVX512},
	OpGreater:        {asm.GreaterAVX2, asm.GreaterAVX512},
	OpGreaterOrEqual: {asm.GreaterOrEqualAVX2, asm.GreaterOrEqualAVX512},
}

var ternaryRoutines = [opCount][2]func(dst, x, y, z *float32, n, xStep, yStep, zStep int){
	OpSelect: {asm.SelectAVX2, asm.SelectAVX512},
	OpMulAdd: {asm.MulAddAVX2, asm.MulAddAVX512},
	OpMulSub: {asm.MulSubAVX2, asm.MulSubAVX512},
	OpSubMul: {asm.SubMulAVX2, asm.SubMulAVX512},
	OpClamp:  {asm.ClampAVX2, asm.ClampAVX512},
}

// applyVector runs the operation in assembly and reports whether there is a routine for it.
func applyVector(op Op, dst []float32, x, y, z operand) bool {
	if level == Generic {
		return false
	}
	set := level - AVX2
	switch op.Operands() {
	case 1:
		if f := unaryRoutines[op][set]; f != nil {
			f(&dst[0], (*float32)(x.pointer), len(dst), x.step)
			return true
		}
	case 2:
		if f := binaryRoutines[op][set]; f != nil {
			f(&dst[0], (*float32)(x.pointer), (*float32)(y.pointer), len(dst), x.step, y.step)
			return true
		}
	default:
		if f := ternaryRoutines[op][set]; f != nil {
			f(&dst[0], (*float32)(x.pointer), (*float32)(y.pointer), (*float32)(z.pointer), len(dst), x.step, y.step, z.step)
			return true
		}
	}
	return false
}

// BoolsToFloats sets dst[i] to x[i], a byte that is 0 or 1.
func BoolsToFloats(dst []float32, x []byte) {
	n := 0
	if n = vectorised(len(x)); n > 0 {
		switch _ = dst[n-1]; level {
		case AVX512:
			asm.BoolsToFloatsAVX512(&dst[0], &x[0], n)
		case AVX2:
			asm.BoolsToFloatsAVX2(&dst[0], &x[0], n)
		}
	}
	boolsToFloatsGeneric(dst[n:], x[n:])
}

// FloatsToBools sets dst[i] to 1 where x[i] is not 0, else to 0.
func FloatsToBools(dst []byte, x []float32) {
	n := 0
	if n = vectorised(len(x)); n > 0 {
		switch _ = dst[n-1]; level {
		case AVX512:
			asm.FloatsToBoolsAVX512(&dst[0], &x[0], n)
		case AVX2:
			asm.FloatsToBoolsAVX2(&dst[0], &x[0], n)
		}
	}
	floatsToBoolsGeneric(dst[n:], x[n:])
}

// vectorised returns how many of n elements fill whole vectors at the current level.
func vectorised(n int) int {
	switch level {
	case AVX512:
		return n &^ 15
	case AVX2:
		return n &^ 7
	default:
		return 0
	}
}
