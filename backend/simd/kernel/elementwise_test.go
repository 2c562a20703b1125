package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fencedFloats returns n floats with guard values around them, and a function that says whether a guard was touched.
func fencedFloats(n int) (inside []float32, intact func() bool) {
	const guard, margin = -12345.678, 32
	all := make([]float32, n+2*margin)
	for i := range all {
		all[i] = guard
	}
	return all[margin : margin+n : margin+n], func() bool {
		for i := range margin {
			if all[i] != guard || all[margin+n+i] != guard {
				return false
			}
		}
		return true
	}
}

func gaussians(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, 1e-45, -1e-45, 1e-38, -1e-38, 1e-20, -1e-20, 1e20, -1e20,
	math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	88.7, 88.73, 89, 100, -87.5, -88, -100, -103.9, -104, -150, 3.9, 4, 4.1, 10, -10, 8388609, -8388609, 1e-7, -1e-7, -0.25, 0.25,
}

// exact are the operations whose result is one correctly rounded step, so that every level agrees bit for bit.
func exact(op Op) bool {
	switch op {
	case OpExp, OpExpm1, OpLog, OpLog1p, OpErf, OpTanh, OpLogistic, OpRsqrt, OpMulAdd, OpMulSub, OpSubMul:
		return false
	}
	return true
}

// near reports whether got is want to within the relative error; specials must agree, and below the smallest normal
// number an absolute error of one step is let pass.
func near(got float32, want, relative float64) bool {
	w := float32(want)
	if got == w || math.IsNaN(want) && got != got {
		return true
	}
	if math.IsInf(float64(w), 0) {
		return math.Abs(float64(got)) > math.MaxFloat32*(1-relative) && (got > 0) == (w > 0)
	}
	return math.Abs(float64(got)-want) <= relative*math.Abs(want)+2.9e-45
}

func TestUnaryAgreesWithFloat64(t *testing.T) {
	functions := map[Op]func(float64) float64{
		OpExp: math.Exp, OpExpm1: math.Expm1, OpLog: math.Log, OpLog1p: math.Log1p, OpErf: math.Erf, OpTanh: math.Tanh,
		OpLogistic: func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, OpSqrt: math.Sqrt,
		OpRsqrt: func(x float64) float64 { return 1 / math.Sqrt(x) }, OpFloor: math.Floor, OpCeil: math.Ceil, OpRound: math.RoundToEven,
		OpSin: math.Sin, OpCos: math.Cos, OpAbs: math.Abs, OpNeg: func(x float64) float64 { return -x },
	}
	r := rand.New(rand.NewPCG(1, 2))
	var x []float32
	x = append(x, specials...)
	for range 20000 {
		x = append(x, float32(r.NormFloat64()), float32(30*r.NormFloat64()), float32(math.Exp(40*r.NormFloat64())),
			-float32(math.Exp(10*r.NormFloat64())), math.Float32frombits(r.Uint32()))
	}
	eachLevel(t, func(t *testing.T) {
		for op, f := range functions {
			dst, intact := fencedFloats(len(x))
			Unary(op, dst, x)
			if !intact() {
				t.Errorf("op %d writes past its end", op)
			}
			relative, worst, bad := 0.0, 0.0, 0
			if !exact(op) {
				relative = 2.1e-7
			}
			for i, v := range x {
				want := f(float64(v))
				if op == OpLogistic && want < 1.2e-38 {
					want = min(want, float64(max(dst[i], 0))) // 1/Inf underflows earlier than the true value
				}
				if !near(dst[i], want, relative) {
					if bad++; bad < 5 {
						t.Errorf("op %d of %g (%#x) is %g, want %g", op, v, math.Float32bits(v), dst[i], want)
					}
				}
				if e := math.Abs(float64(dst[i])-want) / math.Abs(want); math.Abs(want) > 1.2e-38 && !math.IsInf(want, 0) && float64(dst[i]) <= math.MaxFloat32 {
					worst = max(worst, e)
				}
			}
			t.Logf("op %d: worst relative error %.3g", op, worst)
		}
	})
}

func TestBinaryAndTernaryAgreeWithTheTwinOnEveryTail(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	draw := func(n int) []float32 {
		x := gaussians(r, n)
		for i := range x {
			if r.IntN(3) == 0 {
				x[i] = specials[r.IntN(len(specials))]
			}
		}
		return x
	}
	eachLevel(t, func(t *testing.T) {
		for op := OpAdd; op < opCount; op++ {
			for n := range 70 {
				x, y, z := draw(n), draw(n), draw(n)
				switch r.IntN(5) {
				case 0:
					x = draw(1)
				case 1:
					y = draw(1)
				case 2:
					z = draw(1)
				}
				dst, intact := fencedFloats(n)
				if op.Operands() == 2 {
					Binary(op, dst, x, y)
				} else {
					Ternary(op, dst, x, y, z)
				}
				if !intact() {
					t.Fatalf("op %d writes past the end of %d", op, n)
				}
				for i, got := range dst {
					a, b, c := x[min(i, len(x)-1)], y[min(i, len(y)-1)], z[min(i, len(z)-1)]
					want, relative := float64(0), 0.0
					switch op {
					case OpMulAdd: // rounded once in assembly, twice in the twin
						want, relative = math.FMA(float64(a), float64(b), float64(c)), 1.2e-7
					case OpMulSub:
						want, relative = math.FMA(float64(a), float64(b), -float64(c)), 1.2e-7
					case OpSubMul:
						want, relative = math.FMA(-float64(a), float64(b), float64(c)), 1.2e-7
					case OpSelect, OpClamp:
						want = float64(ternaryFunctions[op](a, b, c))
					default:
						want = float64(binaryFunctions[op](a, b))
					}
					if level == Generic && relative > 0 {
						want = float64(ternaryFunctions[op](a, b, c))
					}
					if !near(got, want, relative) {
						t.Fatalf("op %d of %g, %g, %g is %g, want %g", op, a, b, c, got, want)
					}
				}
			}
		}
	})
}

func TestBoolsBecomeFloatsAndBack(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for n := range 100 {
			bools, back := make([]byte, n+1), make([]byte, n+1)
			back[n] = 77
			for i := range n {
				bools[i] = byte(i * i / 3 % 2)
			}
			dst, intact := fencedFloats(n)
			BoolsToFloats(dst, bools[:n])
			FloatsToBools(back[:n], dst)
			for i := range n {
				if dst[i] != float32(bools[i]) || back[i] != bools[i] {
					t.Fatalf("%d of %d: bool %d, float %g, back %d", i, n, bools[i], dst[i], back[i])
				}
			}
			if !intact() || back[n] != 77 {
				t.Fatalf("%d: written past the end", n)
			}
		}
		odd := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), 1e-45, -3, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 5}
		back := make([]byte, len(odd))
		FloatsToBools(back, odd)
		for i, v := range odd {
			if (back[i] == 1) != (v != 0) {
				t.Errorf("%g is %d as bool", v, back[i])
			}
		}
	})
}
