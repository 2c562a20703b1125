package simd

// This file compares random computations with the Go backend's results.

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// unaryOps and binaryOps stay within moderate values for any operands, so that rounding errors do too.
var unaryOps = []func(f *construction, x compute.Value) compute.Value{
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Neg(x)) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Abs(x)) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Tanh(x)) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Erf(x)) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Logistic(x)) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Exp(f.one(f.Tanh(x)))) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Sqrt(f.one(f.Abs(x)))) },
	func(f *construction, x compute.Value) compute.Value {
		return f.one(f.Log(f.one(f.Add(f.one(f.Abs(x)), f.constant(1)))))
	},
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Max(x, f.constant(0))) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Mul(x, f.constant(0.5))) },
	func(f *construction, x compute.Value) compute.Value { return f.one(f.Identity(x)) },
}

var binaryOps = []func(f *construction, x, y compute.Value) compute.Value{
	func(f *construction, x, y compute.Value) compute.Value { return f.one(f.Add(x, y)) },
	func(f *construction, x, y compute.Value) compute.Value { return f.one(f.Sub(x, y)) },
	func(f *construction, x, y compute.Value) compute.Value { return f.one(f.Mul(x, f.one(f.Tanh(y)))) },
	func(f *construction, x, y compute.Value) compute.Value { return f.one(f.Max(x, y)) },
	func(f *construction, x, y compute.Value) compute.Value { return f.one(f.Min(x, y)) },
	func(f *construction, x, y compute.Value) compute.Value {
		return f.one(f.Div(x, f.one(f.Add(f.one(f.Abs(y)), f.constant(1)))))
	},
}

// randomGraph grows a computation on values of one shape [batch, h, w, c] and others that come of it.
type randomGraph struct {
	*construction
	r     *rand.Rand
	known []compute.Value
	// circular writes the circular convolution of x [B, H, W, C] with w [N, C] along an axis.
	circular func(f *construction, x, w compute.Value, axis int) compute.Value
}

func (g *randomGraph) dims(v compute.Value) []int {
	shape, err := g.Shape(v)
	g.one(v, err)
	return shape.Dimensions
}

func (g *randomGraph) pick() compute.Value { return g.known[g.r.IntN(len(g.known))] }

// like returns a value with the dimensions of v.
func (g *randomGraph) like(v compute.Value) compute.Value {
	return g.one(g.broadcastTo(g.pick(), g.dims(v)))
}

// broadcastTo repeats what it can of x over dims: x where it is of that shape, a row of it, or its sum.
func (g *randomGraph) broadcastTo(x compute.Value, dims []int) (compute.Value, error) {
	have := g.dims(x)
	if slices.Equal(have, dims) {
		return x, nil
	}
	if n := len(have); n > 0 && len(dims) > 0 && have[n-1] == dims[len(dims)-1] {
		row := g.reduce(g.ReduceMax, x, sequence(n-1))
		return g.BroadcastInDim(row, float32Shape(dims...), []int{len(dims) - 1})
	}
	return g.BroadcastInDim(g.reduce(g.ReduceMax, x, sequence(len(have))), float32Shape(dims...), nil)
}

func (g *randomGraph) reduce(op func(x compute.Value, axes ...int) (compute.Value, error), x compute.Value, axes []int) compute.Value {
	if len(axes) == 0 {
		return x
	}
	return g.one(op(x, axes...))
}

// grow adds an operation.
func (g *randomGraph) grow() {
	x := g.pick()
	dims := g.dims(x)
	var y compute.Value
	switch g.r.IntN(13) {
	case 0, 1, 2:
		y = unaryOps[g.r.IntN(len(unaryOps))](g.construction, x)
	case 3, 4, 5:
		y = binaryOps[g.r.IntN(len(binaryOps))](g.construction, x, g.like(x))
	case 6:
		z := g.like(x) // the other operand and the other choice: the result is continuous
		y = g.one(g.Where(g.one(g.LessThan(x, z)), x, z))
	case 7:
		y = g.randomReduction(x, dims)
	case 8:
		y = g.randomProduct(x, dims)
	case 9:
		y = g.randomConvolution(x, dims)
	case 10, 11:
		y = g.randomCircular(x, dims)
	default:
		y = g.randomMove(x, dims)
	}
	g.known = append(g.known, y)
}

func (g *randomGraph) randomReduction(x compute.Value, dims []int) compute.Value {
	var axes []int
	for axis := range dims {
		if g.r.IntN(2) == 0 {
			axes = append(axes, axis)
		}
	}
	count := 1
	for _, axis := range axes {
		count *= dims[axis]
	}
	switch g.r.IntN(3) {
	case 0:
		return g.reduce(g.ReduceMax, x, axes)
	case 1:
		return g.reduce(g.ReduceMin, x, axes)
	default:
		return g.one(g.Mul(g.reduce(g.ReduceSum, x, axes), g.constant(1/float32(count))))
	}
}

// randomProduct contracts the last axis of x with one of a matrix of some other value's elements.
func (g *randomGraph) randomProduct(x compute.Value, dims []int) compute.Value {
	if len(dims) == 0 {
		return x
	}
	k, n := dims[len(dims)-1], 1+g.r.IntN(9)
	w := g.one(g.broadcastTo(g.pick(), []int{n, k}))
	w = g.one(g.Mul(w, g.constant(1/float32(k))))
	axis := 1
	if g.r.IntN(2) == 0 {
		w, axis = g.one(g.Transpose(w, 1, 0)), 0
	}
	return g.one(g.DotGeneral(x, []int{len(dims) - 1}, nil, w, []int{axis}, nil, compute.DotGeneralConfig{}))
}

func (g *randomGraph) randomConvolution(x compute.Value, dims []int) compute.Value {
	if len(dims) != 4 {
		return x
	}
	channels, kh, kw := dims[3], 1+g.r.IntN(min(3, dims[1])), 1+g.r.IntN(min(3, dims[2]))
	c := convolutionCase{convolution: standardConvolution(nil)}
	kernelDims := []int{kh, kw, channels, 1 + g.r.IntN(8)}
	if g.r.IntN(2) == 0 { // depth-wise
		c.convolution, kernelDims[2], kernelDims[3] = depthwiseConvolution(channels), 1, channels
	}
	return c.build(g.construction, []compute.Value{x, g.tilted(kernelDims)})[0]
}

// tilted returns small weights that vary along one axis at least.
func (g *randomGraph) tilted(dims []int) compute.Value {
	w := g.one(g.broadcastTo(g.pick(), dims))
	tilt := g.one(g.Iota(float32Shape(dims...), g.r.IntN(len(dims))))
	return g.one(g.Mul(g.one(g.Add(w, tilt)), g.constant(1/float32(1+product(dims)))))
}

// randomCircular convolves x circularly, or a part of its channels along one axis and the rest along the other.
func (g *randomGraph) randomCircular(x compute.Value, dims []int) compute.Value {
	if len(dims) != 4 || dims[1] < 2 || dims[2] < 2 {
		return x
	}
	axis := 1 + g.r.IntN(2)
	if dims[3] < 2 || g.r.IntN(2) == 0 {
		return g.randomOperator(x, axis)
	}
	cut := 1 + g.r.IntN(dims[3]-1)
	left := g.one(g.Slice(x, make([]int, 4), []int{dims[0], dims[1], dims[2], cut}, nil))
	right := g.one(g.Slice(x, []int{0, 0, 0, cut}, dims, nil))
	return g.one(g.Concatenate(3, g.randomOperator(left, axis), g.randomOperator(right, 3-axis)))
}

// randomOperator is a circular convolution with some of an embedding, a bias, and a kernel turned round.
func (g *randomGraph) randomOperator(x compute.Value, axis int) compute.Value {
	dims := g.dims(x)
	n, channels := dims[axis], dims[3]
	along, perChannel := []int{1, 1, 1, channels}, []int{1, 1, 1, channels}
	along[axis] = n
	if g.r.IntN(2) == 0 {
		x = g.one(g.Add(x, g.tilted(along)))
	}
	w := g.tilted([]int{n, channels})
	if g.r.IntN(2) == 0 {
		first := g.one(g.Slice(w, []int{0, 0}, []int{1, channels}, nil))
		rest := g.one(g.Reverse(g.one(g.Slice(w, []int{1, 0}, []int{n, channels}, nil)), 0))
		w = g.one(g.Concatenate(0, first, rest))
	}
	y := g.circular(g.construction, x, w, axis)
	if g.r.IntN(2) == 0 {
		y = g.one(g.Add(y, g.tilted(perChannel)))
	}
	return y
}

func (g *randomGraph) randomMove(x compute.Value, dims []int) compute.Value {
	if len(dims) == 0 {
		return x
	}
	switch g.r.IntN(4) {
	case 0:
		return g.one(g.Transpose(x, g.r.Perm(len(dims))...))
	case 1:
		return g.one(g.Reverse(x, g.r.IntN(len(dims))))
	case 2:
		return g.one(g.Reshape(x, product(dims[:1]), product(dims[1:])))
	default:
		return g.one(g.Concatenate(0, x, g.like(x)))
	}
}

// definition returns a computation of count operations, the same for the same seed.
func randomDefinition(seed uint64, count int, circular func(f *construction, x, w compute.Value, axis int) compute.Value) definition {
	return func(f *construction, in []compute.Value) []compute.Value {
		g := &randomGraph{f, rand.New(rand.NewPCG(seed, 1)), slices.Clone(in), circular}
		for range count {
			g.grow()
			if product(g.dims(g.known[len(g.known)-1])) > 1<<14 {
				g.known = g.known[:len(g.known)-1]
			}
		}
		outputs := g.known[len(g.known)-1:]
		for range 3 {
			outputs = append(outputs, g.pick())
		}
		return outputs
	}
}

func TestRandomComputationsAgreeWithTheGoBackend(t *testing.T) {
	one, several, reference := open(t, "threads=1"), open(t, "threads=3"), openGo(t)
	first := rand.Uint64()
	for seed := first; seed != first+150; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			dims := []int{1 + r.IntN(2), 1 + r.IntN(9), 1 + r.IntN(9), 1 + r.IntN(20)}
			inputs := []tensor{normal(r, dims...), normal(r, dims...), normal(r, dims[3])}
			count := 2 + r.IntN(30)
			d := randomDefinition(seed, count, spatial)
			agree(t, several, reference, inputs, d)
			// The Go backend has no Fourier transform, but the result is the same without.
			spectral := execute(t, several, inputs, randomDefinition(seed, count, byParts))
			for i, want := range execute(t, reference, inputs, d) {
				near(t, fmt.Sprintf("output %d through the frequencies", i), spectral[i], want, 2e-4)
			}
			sameBits(t, execute(t, one, inputs, d), execute(t, several, inputs, d))
		})
	}
}

// TestLargeChainsAgreeWithTheGoBackend has enough elements for several units and goroutines.
func TestLargeChainsAgreeWithTheGoBackend(t *testing.T) {
	one, several, reference := open(t, "threads=1"), open(t, "threads=4"), openGo(t)
	first := rand.Uint64()
	for seed := first; seed != first+6; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			dims := []int{2, 30 + r.IntN(20), 40, 30 + r.IntN(10)}
			inputs := []tensor{normal(r, dims...), normal(r, dims...), normal(r, dims[3])}
			d := func(f *construction, in []compute.Value) []compute.Value {
				r := rand.New(rand.NewPCG(seed, 1))
				x := f.one(f.Add(in[0], f.spread(in[2], []int{3}, dims...)))
				for range 12 {
					x = unaryOps[r.IntN(len(unaryOps))](f, x)
					x = binaryOps[r.IntN(len(binaryOps))](f, x, in[r.IntN(2)])
				}
				mean := f.one(f.Mul(f.one(f.ReduceSum(x, 0, 1, 2)), f.constant(1/float32(product(dims[:3])))))
				return []compute.Value{x, mean, f.one(f.ReduceMax(x, 3))}
			}
			agree(t, several, reference, inputs, d)
			sameBits(t, execute(t, one, inputs, d), execute(t, several, inputs, d))
		})
	}
}

// sameBits compares tensors bit for bit.
func sameBits(t testing.TB, got, want []tensor) {
	t.Helper()
	for i := range want {
		for j, v := range want[i].floats() {
			if math.Float32bits(v) != math.Float32bits(got[i].floats()[j]) {
				t.Fatalf("output %d: value %d is %x, want the bits of %x", i, j, got[i].floats()[j], v)
			}
		}
	}
}

func TestSpecialValuesPropagate(t *testing.T) {
	b, reference := open(t, ""), openGo(t)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := tensor{[]float32{nan, inf, -inf, 0, 1, -1, nan, 2, inf, -inf, float32(math.Copysign(0, -1)), 3, nan, nan, inf, inf, 1, 2, 3, 4}, []int{4, 5}}
	y := tensor{[]float32{1, inf, inf, 0, nan, nan, nan, -2, -inf, 0, 0, inf, 1, 2, 3, 4, nan, 5, -inf, 0}, []int{4, 5}}
	operations := map[string]definition{}
	for name, op := range map[string]func(f *construction, x, y compute.Value) (compute.Value, error){
		"Add":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Add(x, y) },
		"Sub":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Sub(x, y) },
		"Mul":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Mul(x, y) },
		"Div":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Div(x, y) },
		"Max":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Max(x, y) },
		"Min":       func(f *construction, x, y compute.Value) (compute.Value, error) { return f.Min(x, y) },
		"Exp":       func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.Exp(x) },
		"Log":       func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.Log(x) },
		"Tanh":      func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.Tanh(x) },
		"Sqrt":      func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.Sqrt(x) },
		"Erf":       func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.Erf(x) },
		"IsFinite":  func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.IsFinite(x) },
		"IsNaN":     func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.IsNaN(x) },
		"LessThan":  func(f *construction, x, y compute.Value) (compute.Value, error) { return f.LessThan(x, y) },
		"NotEqual":  func(f *construction, x, y compute.Value) (compute.Value, error) { return f.NotEqual(x, y) },
		"ReduceSum": func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.ReduceSum(x, 1) },
		"ReduceMax": func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.ReduceMax(x, 0) },
		"ReduceMin": func(f *construction, x, _ compute.Value) (compute.Value, error) { return f.ReduceMin(x, 0, 1) },
		"Dot": func(f *construction, x, y compute.Value) (compute.Value, error) {
			return f.DotGeneral(x, []int{1}, nil, y, []int{1}, nil, compute.DotGeneralConfig{})
		},
		"rectified product": func(f *construction, x, y compute.Value) (compute.Value, error) {
			p, err := f.DotGeneral(x, []int{1}, nil, y, []int{1}, nil, compute.DotGeneralConfig{})
			return f.Max(f.one(p, err), f.constant(0))
		},
	} {
		operations[name] = func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(op(f, in[0], in[1]))}
		}
	}
	for name, d := range operations {
		t.Run(name, func(t *testing.T) { agree(t, b, reference, []tensor{x, y}, d) })
	}
	t.Run("converted to Bool", func(t *testing.T) {
		agree(t, b, reference, []tensor{x}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.ConvertDType(in[0], dtypes.Bool))}
		})
	})
}
