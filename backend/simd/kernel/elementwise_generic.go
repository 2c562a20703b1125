package kernel

// This file defines each element-wise operation on one element: the pure-Go twin of the assembly routines.

import "math"

var unaryFunctions = [OpAdd]func(x float32) float32{
	OpCopy:     func(x float32) float32 { return x },
	OpNeg:      func(x float32) float32 { return -x },
	OpAbs:      func(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) },
	OpSign:     signOf,
	OpSqrt:     in64(math.Sqrt),
	OpRsqrt:    in64(func(x float64) float64 { return 1 / math.Sqrt(x) }),
	OpExp:      in64(math.Exp),
	OpExpm1:    in64(math.Expm1),
	OpLog:      in64(math.Log),
	OpLog1p:    in64(math.Log1p),
	OpErf:      in64(math.Erf),
	OpTanh:     in64(math.Tanh),
	OpLogistic: in64(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }),
	OpFloor:    in64(math.Floor),
	OpCeil:     in64(math.Ceil),
	OpRound:    in64(math.RoundToEven),
	OpSin:      in64(math.Sin),
	OpCos:      in64(math.Cos),
}

var binaryFunctions = [OpSelect]func(x, y float32) float32{
	OpAdd:            func(x, y float32) float32 { return x + y },
	OpSub:            func(x, y float32) float32 { return x - y },
	OpMul:            func(x, y float32) float32 { return x * y },
	OpDiv:            func(x, y float32) float32 { return x / y },
	OpMax:            func(x, y float32) float32 { return max(x, y) },
	OpMin:            func(x, y float32) float32 { return min(x, y) },
	OpPow:            func(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y))) },
	OpRem:            func(x, y float32) float32 { return float32(math.Mod(float64(x), float64(y))) },
	OpEqual:          func(x, y float32) float32 { return oneIf(x == y) },
	OpNotEqual:       func(x, y float32) float32 { return oneIf(x != y) },
	OpLess:           func(x, y float32) float32 { return oneIf(x < y) },
	OpLessOrEqual:    func(x, y float32) float32 { return oneIf(x <= y) },
	OpGreater:        func(x, y float32) float32 { return oneIf(x > y) },
	OpGreaterOrEqual: func(x, y float32) float32 { return oneIf(x >= y) },
}

var ternaryFunctions = [opCount]func(x, y, z float32) float32{
	OpSelect: func(x, y, z float32) float32 {
		if x != 0 {
			return y
		}
		return z
	},
	OpMulAdd: func(x, y, z float32) float32 { return x*y + z },
	OpMulSub: func(x, y, z float32) float32 { return x*y - z },
	OpSubMul: func(x, y, z float32) float32 { return z - x*y },
	OpClamp:  func(x, y, z float32) float32 { return min(max(y, x), z) },
}

func in64(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func oneIf(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func signOf(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return x
	}
}

func boolsToFloatsGeneric(dst []float32, x []byte) {
	for i, b := range x {
		dst[i] = float32(b)
	}
}

func floatsToBoolsGeneric(dst []byte, x []float32) {
	for i, v := range x {
		dst[i] = byte(oneIf(v != 0))
	}
}
