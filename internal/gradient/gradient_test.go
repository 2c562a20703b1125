package gradient_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/gradient"
)

// scaled is x³ whose gradient is declared to be factor·x, a value that no derivation would give.
func scaled(x *Node, factor float64) *Node {
	return gradient.Custom(Mul(x, Mul(x, x)), []*Node{x}, func(v *Node) []*Node {
		return []*Node{Mul(v, MulScalar(x, factor))}
	})
}

func derivative(y, x *Node) *Node { return Gradient(ReduceAllSum(y), x)[0] }

func TestCustom(t *testing.T) {
	for name, test := range map[string]struct {
		build func(x *Node) *Node
		want  func(x float64) float64
	}{
		"keeps the value": {
			build: func(x *Node) *Node { return scaled(x, 10) },
			want:  func(x float64) float64 { return x * x * x },
		},
		"replaces the gradient": {
			build: func(x *Node) *Node { return derivative(scaled(x, 10), x) },
			want:  func(x float64) float64 { return 10 * x },
		},
		"gives the second order from the gradient's own nodes": {
			build: func(x *Node) *Node { return derivative(derivative(scaled(x, 10), x), x) },
			want:  func(x float64) float64 { return 10 },
		},
		"obeys the chain rule on both sides": {
			build: func(x *Node) *Node { return derivative(Mul(scaled(Sin(x), 10), x), x) },
			want: func(x float64) float64 {
				s := math.Sin(x)
				return s*s*s + x*10*s*math.Cos(x)
			},
		},
		"adds to the gradient of other paths": {
			build: func(x *Node) *Node { return derivative(Add(scaled(x, 10), Mul(x, x)), x) },
			want:  func(x float64) float64 { return 12 * x },
		},
		"keeps several gradients of one graph apart": {
			build: func(x *Node) *Node {
				return derivative(Add(scaled(x, 10), Add(scaled(x, 100), scaled(scaled(x, 1000), 5))), x)
			},
			want: func(x float64) float64 { return 110*x + 5*x*x*x*1000*x },
		},
		"takes a gradient that uses another custom gradient": {
			build: func(x *Node) *Node {
				outer := gradient.Custom(Sin(x), []*Node{x}, func(v *Node) []*Node { return []*Node{Mul(v, scaled(x, 7))} })
				return derivative(derivative(outer, x), x)
			},
			want: func(x float64) float64 { return 7 * x },
		},
		"holds with operations upstream that have no gradient": {
			build: func(x *Node) *Node {
				y := Ceil(Add(ConvertDType(ConvertDType(x, dtypes.Int32), dtypes.Float64), argMaxEverywhere(x)))
				return derivative(gradient.Custom(y, []*Node{x}, func(v *Node) []*Node { return []*Node{Mul(v, Cos(x))} }), x)
			},
			want: math.Cos,
		},
		"takes integers among its inputs": {
			build: func(x *Node) *Node {
				n := ConvertDType(x, dtypes.Int32)
				y := gradient.Custom(Mul(x, x), []*Node{n, x}, func(v *Node) []*Node { return []*Node{nil, Mul(v, Neg(x))} })
				return derivative(y, x)
			},
			want: func(x float64) float64 { return -x },
		},
		"reaches several inputs": {
			build: func(x *Node) *Node {
				a, b := Sin(x), Cos(x)
				y := gradient.Custom(Mul(a, b), []*Node{a, b}, func(v *Node) []*Node {
					return []*Node{MulScalar(v, 2), MulScalar(v, 3)}
				})
				return derivative(y, x)
			},
			want: func(x float64) float64 { return 2*math.Cos(x) - 3*math.Sin(x) },
		},
		"ends where no gradient is given": {
			build: func(x *Node) *Node {
				return derivative(gradient.Custom(Mul(x, x), []*Node{x}, func(v *Node) []*Node { return []*Node{nil} }), x)
			},
			want: func(x float64) float64 { return 0 },
		},
		"holds under gradient checkpointing": {
			build: func(x *Node) *Node { return derivative(scaled(Sin(x.Checkpoint()), 10).StopCheckpoint(), x) },
			want:  func(x float64) float64 { return 10 * math.Sin(x) * math.Cos(x) },
		},
		"leaves a single barrier of the user alone": {
			build: func(x *Node) *Node { return derivative(OptimizationBarrier(Mul(x, scaled(x, 10))), x) },
			want:  func(x float64) float64 { return x*x*x + 10*x*x },
		},
		"leaves barriers of the user over many nodes alone": {
			build: func(x *Node) *Node {
				both := OptimizationBarriers(Mul(x, x), scaled(x, 10))
				return derivative(Add(both[0], both[1]), x)
			},
			want: func(x float64) float64 { return 12 * x },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(test.build, test.want); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCustomInGraphsBuiltAtTheSameTime(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			factor := float64(i)
			build := func(x *Node) *Node { return derivative(scaled(x, factor), x) }
			if err := check(build, func(x float64) float64 { return factor * x }); err != nil {
				t.Errorf("graph %d: %v", i, err)
			}
		})
	}
	wait.Wait()
}

func TestCustomRefusesAWrongNumberOfGradients(t *testing.T) {
	build := func(x *Node) *Node {
		return derivative(gradient.Custom(Mul(x, x), []*Node{x}, func(v *Node) []*Node { return []*Node{v, v} }), x)
	}
	if err := check(build, func(x float64) float64 { return x }); err == nil {
		t.Fatal("no error for two gradients of one node")
	}
}

// argMaxEverywhere is the position of the largest element, repeated in x's shape: an operation with integers inside.
func argMaxEverywhere(x *Node) *Node {
	return BroadcastToShape(ConvertDType(ArgMax(x, 0), x.DType()), x.Shape())
}

// check runs build on a few numbers and compares each element with want.
func check(build func(x *Node) *Node, want func(x float64) float64) error {
	backend, err := backends.Open("go")
	if err != nil {
		return err
	}
	defer backend.Finalize()
	exec, err := NewExec(backend, build)
	if err != nil {
		return err
	}
	defer exec.Finalize()
	xs := []float64{-1.5, 0, 0.25, 2}
	outputs, err := exec.Call(xs)
	if err != nil {
		return err
	}
	got, ok := outputs[0].Value().([]float64)
	if !ok {
		return fmt.Errorf("got %s", outputs[0].Shape())
	}
	for i, x := range xs {
		if difference := math.Abs(got[i] - want(x)); !(difference < 1e-12) {
			return fmt.Errorf("at %g: got %g, want %g", x, got[i], want(x))
		}
	}
	return nil
}
