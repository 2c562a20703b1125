package simd

// This file tests the operations that GoMLX's tests of backends leave out, against float64.

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func complexNormal(r *rand.Rand, dims ...int) tensor {
	flat := make([]complex64, product(dims))
	for i := range flat {
		flat[i] = complex(float32(r.NormFloat64()), float32(r.NormFloat64()))
	}
	return tensor{flat, dims}
}

// asComplex returns real or complex values in double precision.
func asComplex(x tensor) []complex128 {
	var result []complex128
	switch flat := x.flat.(type) {
	case []float32:
		for _, v := range flat {
			result = append(result, complex(float64(v), 0))
		}
	case []complex64:
		for _, v := range flat {
			result = append(result, complex128(v))
		}
	}
	return result
}

// dft transforms one axis of x [dims] by the definition; the inverse divides by its length.
func dft(x []complex128, dims []int, axis int, inverse bool) []complex128 {
	n, inner := dims[axis], product(dims[axis+1:])
	y := make([]complex128, len(x))
	sign, scale := -1.0, 1.0
	if inverse {
		sign, scale = 1, 1/float64(n)
	}
	for i := range y {
		k, base := i/inner%n, i/(inner*n)*inner*n+i%inner
		for j := range n {
			y[i] += x[base+j*inner] * cmplx.Rect(scale, sign*2*math.Pi*float64(j*k%n)/float64(n))
		}
	}
	return y
}

// half keeps the first length/2+1 values along the last axis; mirrored fills in the others of a real signal's transform.
func half(x []complex128, length int) []complex128 {
	var kept []complex128
	for line := range slices.Chunk(x, length) {
		kept = append(kept, line[:length/2+1]...)
	}
	return kept
}

func mirrored(x []complex128, length int) []complex128 {
	var whole []complex128
	for line := range slices.Chunk(x, length/2+1) {
		line = slices.Clone(line)
		line[0] = complex(real(line[0]), 0)
		if length%2 == 0 {
			line[length/2] = complex(real(line[length/2]), 0)
		}
		for k := length/2 + 1; k < length; k++ {
			line = append(line, cmplx.Conj(line[length-k]))
		}
		whole = append(whole, line...)
	}
	return whole
}

// transformed is what an FFT of the given kind over the last axes gives; dims are those of the signal.
func transformed(kind compute.FFTType, x tensor, dims []int, axes int) []complex128 {
	values, last := asComplex(x), len(dims)-1
	inverse := kind == compute.FFTInverse || kind == compute.FFTInverseReal
	if kind == compute.FFTInverseReal {
		halved := slices.Clone(dims)
		halved[last] = dims[last]/2 + 1
		for axis := len(dims) - axes; axis < last; axis++ {
			values = dft(values, halved, axis, true)
		}
		return dft(mirrored(values, dims[last]), dims, last, true)
	}
	for axis := len(dims) - axes; axis <= last; axis++ {
		values = dft(values, dims, axis, inverse)
	}
	if kind == compute.FFTForwardReal {
		return half(values, dims[last])
	}
	return values
}

func TestTransformsAgreeWithTheirDefinition(t *testing.T) {
	b := open(t, "threads=2")
	type size struct {
		dims []int
		axes int
	}
	var sizes []size
	for n := 1; n <= 17; n++ {
		sizes = append(sizes, size{[]int{2, n}, 1})
	}
	for _, n := range []int{19, 23, 31, 56, 97} {
		sizes = append(sizes, size{[]int{3, n}, 1})
	}
	sizes = append(sizes, size{[]int{2, 5, 6}, 2}, size{[]int{2, 6, 5}, 2}, size{[]int{4, 3, 7}, 3}, size{[]int{2, 2, 14, 14}, 2}, size{[]int{1, 1}, 2})
	for _, kind := range []compute.FFTType{compute.FFTForward, compute.FFTInverse, compute.FFTForwardReal, compute.FFTInverseReal} {
		for _, s := range sizes {
			t.Run(fmt.Sprint(kind, s.dims, s.axes), func(t *testing.T) {
				r := seeded(t)
				x := complexNormal(r, s.dims...)
				switch kind {
				case compute.FFTForwardReal:
					x = normal(r, s.dims...)
				case compute.FFTInverseReal:
					halved := slices.Clone(s.dims)
					halved[len(halved)-1] = halved[len(halved)-1]/2 + 1
					x = complexNormal(r, halved...)
				}
				got := execute(t, b, []tensor{x}, func(f *construction, in []compute.Value) []compute.Value {
					return []compute.Value{f.one(f.FFT(in[0], kind, s.dims[len(s.dims)-s.axes:]))}
				})[0]
				nearComplex(t, got, transformed(kind, x, s.dims, s.axes), 2e-6)
			})
		}
	}
}

func nearComplex(t *testing.T, got tensor, want []complex128, tolerance float64) {
	t.Helper()
	largest := 1.0
	for _, v := range want {
		largest = max(largest, cmplx.Abs(v))
	}
	values := asComplex(got)
	if len(values) != len(want) {
		t.Fatalf("%d values, want %d", len(values), len(want))
	}
	for i, v := range values {
		if !(cmplx.Abs(v-want[i]) <= tolerance*largest) {
			t.Fatalf("value %d of %d is %v, want %v", i, len(want), v, want[i])
		}
	}
}

func TestFFTRefusesWrongLengths(t *testing.T) {
	f := open(t, "").Builder("test").Main()
	x, err := f.Parameter("x", float32Shape(3, 8), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind   compute.FFTType
		length []int
	}{{compute.FFTForwardReal, []int{7}}, {compute.FFTForwardReal, nil}, {compute.FFTForwardReal, []int{2, 3, 8}}, {compute.FFTForward, []int{8}}, {compute.FFTInverseReal, []int{14}}} {
		if _, err := f.FFT(x, c.kind, c.length); err == nil {
			t.Errorf("%s of lengths %v over (Float32)[3, 8] is taken", c.kind, c.length)
		}
	}
}

func TestComplexArithmetic(t *testing.T) {
	b, r := open(t, "threads=2"), seeded(t)
	x, y, c := complexNormal(r, 3, 5), complexNormal(r, 3, 5), complexNormal(r, 1, 5)
	re, im := normal(r, 3, 5), normal(r, 3, 5)
	type op = func(f *construction, in []compute.Value) (compute.Value, error)
	for _, test := range []struct {
		name   string
		inputs []tensor
		op     op
		want   func(x, y complex128) complex128
	}{
		{"Add", []tensor{x, y}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Add(in[0], in[1]) }, func(x, y complex128) complex128 { return x + y }},
		{"Sub", []tensor{x, y}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Sub(in[0], in[1]) }, func(x, y complex128) complex128 { return x - y }},
		{"Mul", []tensor{x, y}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Mul(in[0], in[1]) }, func(x, y complex128) complex128 { return x * y }},
		{"Mul by a row", []tensor{x, c}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Mul(in[0], in[1]) }, func(x, y complex128) complex128 { return x * y }},
		{"Div", []tensor{x, y}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Div(in[0], in[1]) }, func(x, y complex128) complex128 { return x / y }},
		{"Neg", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Neg(in[0]) }, func(x, _ complex128) complex128 { return -x }},
		{"Conj", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Conj(in[0]) }, func(x, _ complex128) complex128 { return cmplx.Conj(x) }},
		{"Real", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Real(in[0]) }, func(x, _ complex128) complex128 { return complex(real(x), 0) }},
		{"Imag", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Imag(in[0]) }, func(x, _ complex128) complex128 { return complex(imag(x), 0) }},
		{"Abs", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Abs(in[0]) }, func(x, _ complex128) complex128 { return complex(cmplx.Abs(x), 0) }},
		{"Complex", []tensor{re, im}, func(f *construction, in []compute.Value) (compute.Value, error) { return f.Complex(in[0], in[1]) }, func(x, y complex128) complex128 { return x + y*1i }},
		{"converted", []tensor{re}, func(f *construction, in []compute.Value) (compute.Value, error) {
			return f.ConvertDType(in[0], dtypes.Complex64)
		}, func(x, _ complex128) complex128 { return x }},
		{"moved", []tensor{x}, func(f *construction, in []compute.Value) (compute.Value, error) {
			return f.Transpose(f.one(f.Reverse(f.one(f.Transpose(in[0], 1, 0)), 0, 1)), 1, 0)
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := execute(t, b, test.inputs, func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{f.one(test.op(f, in))}
			})[0]
			x, y := asComplex(test.inputs[0]), asComplex(test.inputs[len(test.inputs)-1])
			want := make([]complex128, len(x))
			for i := range want {
				if test.want == nil {
					want[i] = x[len(x)-1-i]
				} else {
					want[i] = test.want(x[i], y[i%len(y)])
				}
			}
			nearComplex(t, got, want, 1e-6)
		})
	}
}

func TestBatchNormalisationAgreesWithFloat64(t *testing.T) {
	b := open(t, "threads=2")
	const epsilon = 1e-3
	for _, c := range []struct {
		dims []int
		axis int
	}{{[]int{4, 5, 3, 7}, 3}, {[]int{4, 7, 5, 3}, 1}, {[]int{20, 3}, 1}, {[]int{6, 5}, 0}} {
		t.Run(fmt.Sprint(c.dims, c.axis), func(t *testing.T) {
			r := seeded(t)
			n := c.dims[c.axis]
			x, v, scale, offset, mean, variance := normal(r, c.dims...), normal(r, c.dims...), normal(r, n), normal(r, n), normal(r, n), normal(r, n)
			for i, s := range variance.floats() {
				variance.floats()[i] = s*s + 0.1
			}
			got := execute(t, b, []tensor{x, v, scale, offset, mean, variance}, func(f *construction, in []compute.Value) []compute.Value {
				inference := f.one(f.BatchNormForInference(in[0], in[2], in[3], in[4], in[5], epsilon, c.axis))
				training, batchMean, batchVariance, err := f.BatchNormForTraining(in[0], in[2], in[3], epsilon, c.axis)
				f.one(training, err)
				dx, dScale, dOffset, err := f.BatchNormGradient(in[0], in[2], batchMean, batchVariance, in[1], epsilon, c.axis)
				f.one(dx, err)
				return []compute.Value{inference, training, batchMean, batchVariance, dx, dScale, dOffset}
			})
			want := batchNormalisation(c.dims, c.axis, epsilon, x, v, scale, offset, mean, variance)
			for i, name := range []string{"inference", "training", "mean", "variance", "gradient of x", "gradient of scale", "gradient of offset"} {
				near(t, name, got[i], want[i], 1e-5)
			}
		})
	}
}

// batchNormalisation gives the seven results in float64. The gradient of x is by its definition: the derivative of
// Σ v·y through y itself, the mean and the variance.
func batchNormalisation(dims []int, axis int, epsilon float64, x, v, scale, offset, mean, variance tensor) []tensor {
	n, inner := dims[axis], product(dims[axis+1:])
	size := product(dims)
	count := float64(size / n)
	feature := func(i int) int { return i / inner % n }
	at := func(t tensor, i int) float64 { return float64(t.floats()[i]) }
	sums := func(value func(i int) float64) []float64 {
		s := make([]float64, n)
		for i := range size {
			s[feature(i)] += value(i)
		}
		return s
	}
	means := sums(func(i int) float64 { return at(x, i) / count })
	variances := sums(func(i int) float64 { return (at(x, i) - means[feature(i)]) * (at(x, i) - means[feature(i)]) / count })
	normal := func(i int) float64 {
		return (at(x, i) - means[feature(i)]) / math.Sqrt(variances[feature(i)]+epsilon)
	}
	dOffset := sums(func(i int) float64 { return at(v, i) })
	dScale := sums(func(i int) float64 { return at(v, i) * normal(i) })
	whole := func(value func(i int) float64) tensor {
		flat := make([]float32, size)
		for i := range flat {
			flat[i] = float32(value(i))
		}
		return tensor{flat, dims}
	}
	vector := func(s []float64) tensor {
		flat := make([]float32, n)
		for i := range flat {
			flat[i] = float32(s[i])
		}
		return tensor{flat, []int{n}}
	}
	return []tensor{
		whole(func(i int) float64 {
			k := feature(i)
			return (at(x, i)-at(mean, k))/math.Sqrt(at(variance, k)+epsilon)*at(scale, k) + at(offset, k)
		}),
		whole(func(i int) float64 { return normal(i)*at(scale, feature(i)) + at(offset, feature(i)) }),
		vector(means), vector(variances),
		whole(func(i int) float64 {
			k := feature(i)
			deviation := math.Sqrt(variances[k] + epsilon)
			dVariance := -0.5 * at(scale, k) * dScale[k] / (deviation * deviation)
			dMean := -at(scale, k) * dOffset[k] / deviation // the variance does not change with the mean
			return at(v, i)*at(scale, k)/deviation + dVariance*2*(at(x, i)-means[k])/count + dMean/count
		}),
		vector(dScale), vector(dOffset),
	}
}

func TestControlFlowSeesCapturedValues(t *testing.T) {
	b, reference, r := open(t, "threads=2"), openGo(t), seeded(t)
	x, y := normal(r, 4, 3), normal(r, 4, 3)
	number, flag := shapes.Make(dtypes.Int32), shapes.Make(dtypes.Bool)
	agree(t, b, reference, []tensor{x, y, scalar(int32(5))}, func(f *construction, in []compute.Value) []compute.Value {
		twice := f.one(f.Add(in[1], in[1]))
		state := []shapes.Shape{number, float32Shape(4, 3)}
		condition := f.closure(state, func(g *construction, s []compute.Value) []compute.Value {
			return []compute.Value{g.one(g.LessThan(s[0], in[2]))}
		})
		body := f.closure(state, func(g *construction, s []compute.Value) []compute.Value {
			next := g.one(g.Add(s[0], g.one(g.Constant([]int32{1}))))
			return []compute.Value{next, g.one(g.Add(s[1], twice))}
		})
		looped := f.all(f.While(condition, body, f.one(f.Constant([]int32{0})), in[0]))
		return []compute.Value{looped[0], f.one(f.Neg(looped[1]))}
	})
	for _, taken := range []bool{true, false} {
		agree(t, b, reference, []tensor{x, y, scalar(taken)}, func(f *construction, in []compute.Value) []compute.Value {
			sum := f.one(f.Add(in[0], in[1]))
			yes := f.closure(nil, func(g *construction, _ []compute.Value) []compute.Value { return []compute.Value{g.one(g.Exp(sum))} })
			no := f.closure(nil, func(g *construction, _ []compute.Value) []compute.Value {
				inner := g.closure(nil, func(h *construction, _ []compute.Value) []compute.Value { return []compute.Value{h.one(h.Neg(sum))} })
				other := g.closure(nil, func(h *construction, _ []compute.Value) []compute.Value { return []compute.Value{in[0]} })
				return g.all(g.If(g.one(g.LogicalNot(in[2])), inner, other))
			})
			return f.all(f.If(in[2], yes, no))
		})
	}
	agree(t, b, reference, []tensor{x, y}, func(f *construction, in []compute.Value) []compute.Value {
		sign := f.constant(-1)
		descending := f.closure([]shapes.Shape{float32Shape(), float32Shape(), float32Shape(), float32Shape()}, func(g *construction, p []compute.Value) []compute.Value {
			return []compute.Value{g.one(g.LessThan(g.one(g.Mul(p[0], sign)), g.one(g.Mul(p[1], sign))))}
		})
		return f.all(f.Sort(descending, 0, true, in[0], in[1]))
	})
	t.Run("refused", func(t *testing.T) {
		f := &construction{b.Builder("test").Main(), t}
		p := f.one(f.Parameter("p", flag, nil))
		one := f.closure(nil, func(g *construction, _ []compute.Value) []compute.Value { return []compute.Value{g.constant(1)} })
		two := f.closure(nil, func(g *construction, _ []compute.Value) []compute.Value { return []compute.Value{p} })
		if _, err := f.If(p, one, two); err == nil {
			t.Error("If with branches of two types is taken")
		}
		if _, err := f.While(one, two); err == nil {
			t.Error("While with a condition that is a number is taken")
		}
	})
}

func TestCallsAreRecordedInPlace(t *testing.T) {
	b, r := open(t, ""), seeded(t)
	x := normal(r, 4)
	builder := b.Builder("test")
	square, err := builder.NewFunction("square")
	if err != nil {
		t.Fatal(err)
	}
	define(t, square, []shapes.Shape{float32Shape(4)}, nil, func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{f.one(f.Mul(in[0], in[0])), in[0]}
	})
	define(t, builder.Main(), []shapes.Shape{float32Shape(4)}, nil, func(f *construction, in []compute.Value) []compute.Value {
		first := f.all(f.Call(square, in[0]))
		return f.all(f.Call(square, f.one(f.Add(first[0], first[1]))))[:1]
	})
	executable, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := executable.Execute(upload(t, b, x), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 4)
	for i, v := range x.floats() {
		want[i] = (v*v + v) * (v*v + v)
	}
	near(t, "the square of x²+x", download(t, outputs)[0], tensor{want, []int{4}}, 1e-6)
}
