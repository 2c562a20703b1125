package kernel

// This file defines each element-wise operation on one element: the pure-Go twin of the assembly routines.

import "math"

var unaryFunctions = [Add]func(x float32) float32{
	Copy:     func(x float32) float32 { return x },
	Neg:      func(x float32) float32 { return -x },
	Abs:      func(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) },
	Sign:     signOf,
	Sqrt:     in64(math.Sqrt),
	Rsqrt:    in64(func(x float64) float64 { return 1 / math.Sqrt(x) }),
	Exp:      in64(math.Exp),
	Expm1:    in64(math.Expm1),
	Log:      in64(math.Log),
	Log1p:    in64(math.Log1p),
	Erf:      in64(math.Erf),
	Tanh:     in64(math.Tanh),
	Logistic: in64(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }),
	Floor:    in64(math.Floor),
	Ceil:     in64(math.Ceil),
	Round:    in64(math.RoundToEven),
	Sin:      in64(math.Sin),
	Cos:      in64(math.Cos),
}

var binaryFunctions = [Select]func(x, y float32) float32{
	Add:            func(x, y float32) float32 { return x + y },
	Sub:            func(x, y float32) float32 { return x - y },
	Mul:            func(x, y float32) float32 { return x * y },
	Div:            func(x, y float32) float32 { return x / y },
	Max:            func(x, y float32) float32 { return max(x, y) },
	Min:            func(x, y float32) float32 { return min(x, y) },
	Pow:            func(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y))) },
	Rem:            func(x, y float32) float32 { return float32(math.Mod(float64(x), float64(y))) },
	Equal:          func(x, y float32) float32 { return oneIf(x == y) },
	NotEqual:       func(x, y float32) float32 { return oneIf(x != y) },
	Less:           func(x, y float32) float32 { return oneIf(x < y) },
	LessOrEqual:    func(x, y float32) float32 { return oneIf(x <= y) },
	Greater:        func(x, y float32) float32 { return oneIf(x > y) },
	GreaterOrEqual: func(x, y float32) float32 { return oneIf(x >= y) },
}

var ternaryFunctions = [opCount]func(x, y, z float32) float32{
	Select: func(x, y, z float32) float32 {
		if x != 0 {
			return y
		}
		return z
	},
	MulAdd: func(x, y, z float32) float32 { return x*y + z },
	MulSub: func(x, y, z float32) float32 { return x*y - z },
	SubMul: func(x, y, z float32) float32 { return z - x*y },
	Clamp:  func(x, y, z float32) float32 { return min(max(y, x), z) },
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
