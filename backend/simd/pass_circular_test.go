package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// circularCase is a computation with what is left of it after all passes, without views and constants.
type circularCase struct {
	name   string
	inputs [][]int
	names  []string
	build  definition
	nodes  string
}

// one is what is left of an operator alone.
const one = "packedCircular circularParts"

func (c *circularCase) check(t *testing.T, b *Backend) *graph {
	t.Helper()
	r := seeded(t)
	inputs := normals(r, c.inputs)
	g := recorded(t, b, shapesOfTensors(inputs), c.names, c.build)
	optimize(b, g)
	if got := listingWithout(g, compute.OpTypeReshape, compute.OpTypeConstant); got != c.nodes {
		t.Errorf("the passes leave %q, want %q", got, c.nodes)
	}
	executable := compile(t, b, shapesOfTensors(inputs), c.names, c.build)
	defer executable.Finalize()
	outputs, err := executable.Execute(upload(t, b, inputs...), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, want := download(t, outputs), executeAsWritten(t, b, inputs, c.build)
	for i := range want {
		near(t, fmt.Sprint("output ", i), got[i], want[i], 2e-5)
	}
	return g
}

// executeAsWritten runs a computation without rewrites: what there are kernels for on those, the rest on the Go backend.
func executeAsWritten(t *testing.T, b *Backend, inputs []tensor, d definition) []tensor {
	t.Helper()
	builder := newBuilder(b, "test")
	define(t, builder.main, shapesOfTensors(inputs), nil, d)
	g := newGraph(builder.main)
	g.removeDead()
	g.rewrite(splitTransforms)
	p, err := newPlan(b, g)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := newExecutable(b, "test", builder.main, p).Execute(upload(t, b, inputs...), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return download(t, outputs)
}

// spatial is the operator as a concatenation and a convolution of x [B, H, W, C] with w [N, C].
func spatial(f *construction, x, w compute.Value, axis int) compute.Value {
	dims := dimensionsOf(f, x)
	kernelDims := []int{1, 1, 1, dims[3]}
	kernelDims[axis-1] = dims[axis]
	c := convolutionCase{convolution: depthwiseConvolution(dims[3]), prepare: wrapping(dims, axis, dims[axis]-1)}
	return c.build(f, []compute.Value{x, f.one(f.Reshape(w, kernelDims...))})[0]
}

// spatialGradient is the gradient [N, C] of the kernel.
func spatialGradient(f *construction, v, x compute.Value, axis int) compute.Value {
	dims := dimensionsOf(f, x)
	c := convolutionCase{convolution: kernelGradientConvolution(dims[3], nil), prepare: wrapping(dims, axis, dims[axis]-1)}
	return f.one(f.Reshape(c.build(f, []compute.Value{x, v})[0], dims[axis], dims[3]))
}

func dimensionsOf(f *construction, x compute.Value) []int {
	shape, err := f.Shape(x)
	f.one(x, err)
	return shape.Dimensions
}

func (c *construction) rfft(x compute.Value) compute.Value {
	dims := dimensionsOf(c, x)
	return c.one(c.FFT(x, compute.FFTForwardReal, dims[len(dims)-1:]))
}

func (c *construction) irfft(x compute.Value, n int) compute.Value {
	return c.one(c.FFT(x, compute.FFTInverseReal, []int{n}))
}

// spectrumOf returns the parts of the spectrum of the last axis.
func (c *construction) spectrumOf(x compute.Value) (re, im compute.Value) {
	s := c.rfft(x)
	return c.one(c.Real(s)), c.one(c.Imag(s))
}

func (c *construction) mul(a, b compute.Value) compute.Value { return c.one(c.Mul(a, b)) }
func (c *construction) add(a, b compute.Value) compute.Value { return c.one(c.Add(a, b)) }

// toLast and fromLast bring the axis of images to the end, and back.
var toLast, fromLast = [][]int{1: {0, 2, 3, 1}, 2: {0, 1, 3, 2}}, [][]int{1: {0, 3, 1, 2}, 2: {0, 1, 3, 2}}

// kernelSpectrum is that of w [N, C] as [1, 1, C, F].
func kernelSpectrum(f *construction, w compute.Value) compute.Value {
	s := f.rfft(f.one(f.Transpose(w, 1, 0)))
	d := dimensionsOf(f, s)
	return f.one(f.Reshape(s, 1, 1, d[0], d[1]))
}

// spectral is the operator along an axis, with the product of spectra given.
func spectral(product func(f *construction, x, w compute.Value) compute.Value) func(f *construction, x, w compute.Value, axis int) compute.Value {
	return func(f *construction, x, w compute.Value, axis int) compute.Value {
		n := dimensionsOf(f, x)[axis]
		s := product(f, f.rfft(f.one(f.Transpose(x, toLast[axis]...))), kernelSpectrum(f, w))
		return f.one(f.Transpose(f.irfft(s, n), fromLast[axis]...))
	}
}

// byConjugate is the product as one of complex numbers.
var byConjugate = spectral(func(f *construction, x, w compute.Value) compute.Value { return f.mul(x, f.one(f.Conj(w))) })

// byParts is the product as sums of products of parts.
var byParts = spectral(func(f *construction, x, w compute.Value) compute.Value {
	xr, xi, wr, wi := f.one(f.Real(x)), f.one(f.Imag(x)), f.one(f.Real(w)), f.one(f.Imag(w))
	re := f.add(f.mul(xr, wr), f.mul(xi, wi))
	return f.one(f.Complex(re, f.one(f.Sub(f.mul(xi, wr), f.mul(xr, wi)))))
})

// operatorOn makes a definition of an operator on two inputs.
func operatorOn(op func(f *construction, x, w compute.Value, axis int) compute.Value, axis int) definition {
	return func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{op(f, in[0], in[1], axis)}
	}
}

func TestSpatialFormsBecomeOneNode(t *testing.T) {
	b := open(t, "threads=2")
	image, row := []int{2, 6, 5, 3}, make([]int, 4)
	convolve := func(f *construction, x, w compute.Value) []compute.Value {
		c := convolutionCase{convolution: depthwiseConvolution(3)}
		return c.build(f, []compute.Value{x, f.one(f.Reshape(w, 6, 1, 1, 3))})
	}
	for _, c := range []circularCase{
		{"along the height", [][]int{image, {6, 3}}, nil, operatorOn(spatial, 1), one},
		{"along the width", [][]int{image, {5, 3}}, nil, operatorOn(spatial, 2), one},
		{"one channel", [][]int{{2, 6, 5, 1}, {6, 1}}, nil, operatorOn(spatial, 1), one},
		{"cut from two copies", [][]int{image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			twice := f.one(f.Concatenate(1, in[0], in[0]))
			return convolve(f, f.one(f.Slice(twice, row, []int{2, 11, 5, 3}, nil)), in[1])
		}, one},
		{"in pieces", [][]int{image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			first := f.one(f.Slice(in[0], row, []int{2, 2, 5, 3}, nil))
			rest := f.one(f.Slice(in[0], []int{0, 2, 0, 0}, []int{2, 5, 5, 3}, nil))
			return convolve(f, f.one(f.Concatenate(1, in[0], f.one(f.Concatenate(1, first, rest)))), in[1])
		}, one},
		{"with a slice of everything", [][]int{image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			all := f.one(f.Slice(in[0], row, image, nil))
			return convolve(f, wrap(f, all, image, 1, 5), in[1])
		}, one},
		{"channels first", [][]int{{2, 3, 6, 5}, {3, 1, 6, 1}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			x := f.one(f.Concatenate(2, in[0], f.one(f.Slice(in[0], row, []int{2, 3, 5, 5}, nil))))
			return []compute.Value{f.one(f.ConvGeneral(x, in[1], compute.ConvolveAxesConfig{
				InputBatch: 0, InputChannels: 1, InputSpatial: []int{2, 3}, KernelOutputChannels: 0, KernelInputChannels: 1,
				KernelSpatial: []int{2, 3}, OutputBatch: 0, OutputChannels: 1, OutputSpatial: []int{2, 3},
			}, []int{1, 1}, make([][2]int, 2), []int{1, 1}, []int{1, 1}, 3, 1))}
		}, "Transpose Transpose packedCircular circularParts Transpose"},
		{"transposed behind the concatenation", [][]int{{2, 3, 6, 5}, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			x := f.one(f.Concatenate(2, in[0], f.one(f.Slice(in[0], row, []int{2, 3, 5, 5}, nil))))
			return convolve(f, f.one(f.Transpose(x, 0, 2, 3, 1)), in[1])
		}, "Transpose packedCircular circularParts"},
		{"the wrapped tensor has another user", [][]int{image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			x := wrap(f, in[0], image, 1, 5)
			return append(convolve(f, x, in[1]), f.one(f.Neg(x)))
		}, "Slice Concatenate packedCircular circularParts fused"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
}

func TestSpectralFormsBecomeOneNode(t *testing.T) {
	b := open(t, "threads=2")
	for _, n := range []int{2, 3, 6, 7} {
		image, flat := []int{2, n, 5, 3}, []int{2, 5, n, 3}
		for _, c := range []circularCase{
			{"times the conjugate", [][]int{image, {n, 3}}, nil, operatorOn(byConjugate, 1), one},
			{"times the conjugate, along the width", [][]int{flat, {n, 3}}, nil, operatorOn(byConjugate, 2), one},
			{"in parts", [][]int{image, {n, 3}}, nil, operatorOn(byParts, 1), one},
			{"in parts, along the width", [][]int{flat, {n, 3}}, nil, operatorOn(byParts, 2), one},
			{"one channel of one image", [][]int{{1, n, 1, 1}, {n, 1}}, nil, operatorOn(byParts, 1), one},
			{"the conjugate first, in parts", [][]int{image, {n, 3}}, nil, operatorOn(spectral(func(f *construction, x, w compute.Value) compute.Value {
				return f.mul(f.one(f.Complex(f.one(f.Real(w)), f.one(f.Neg(f.one(f.Imag(w)))))), x)
			}), 1), one},
			{"channels before the axis", [][]int{{2, 5, 3, n}, {3, n}}, nil, func(f *construction, in []compute.Value) []compute.Value {
				w := f.one(f.Reshape(in[1], 1, 1, 3, n))
				return []compute.Value{f.irfft(f.mul(f.rfft(in[0]), f.one(f.Conj(f.rfft(w)))), n)}
			}, "Transpose Transpose packedCircular circularParts Transpose"},
			{"sequences", [][]int{{2, 3, n}, {3, n}}, nil, func(f *construction, in []compute.Value) []compute.Value {
				w := f.one(f.Reshape(in[1], 1, 3, n))
				return []compute.Value{f.irfft(f.mul(f.rfft(in[0]), f.one(f.Conj(f.rfft(w)))), n)}
			}, "Transpose Transpose packedCircular circularParts Transpose"},
			{"a spectrum has another user", [][]int{image, {n, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
				x := f.one(f.Transpose(in[0], toLast[1]...))
				re, _ := f.spectrumOf(x)
				return []compute.Value{byParts(f, in[0], in[1], 1), re}
			}, "Transpose transform Real packedCircular circularParts"},
		} {
			t.Run(fmt.Sprint(n, "/", c.name), func(t *testing.T) { c.check(t, b) })
		}
	}
}

func TestGradientsOfKernelsInTheFrequenciesBecomeOneNode(t *testing.T) {
	b := open(t, "threads=2")
	image := []int{2, 6, 5, 3}
	last := func(f *construction, v compute.Value) compute.Value { return f.one(f.Transpose(v, toLast[1]...)) }
	for _, c := range []circularCase{
		{"in parts, summed one by one", [][]int{image, image}, nil, func(f *construction, in []compute.Value) []compute.Value {
			xr, xi := f.spectrumOf(last(f, in[1]))
			vr, vi := f.spectrumOf(last(f, in[0]))
			sum := func(a, b compute.Value) compute.Value { return f.one(f.ReduceSum(f.mul(a, b), 0, 1)) }
			re := f.add(sum(xr, vr), sum(xi, vi))
			im := f.one(f.Sub(sum(xi, vr), sum(xr, vi)))
			return []compute.Value{f.one(f.Transpose(f.irfft(f.one(f.Complex(re, im)), 6), 1, 0))}
		}, "circularSums"},
		{"in parts, as products", [][]int{image, image}, nil, func(f *construction, in []compute.Value) []compute.Value {
			xr, xi := f.spectrumOf(last(f, in[1]))
			vr, vi := f.spectrumOf(last(f, in[0]))
			sum := func(a, b compute.Value) compute.Value {
				return f.one(f.DotGeneral(a, []int{0, 1}, []int{2, 3}, b, []int{0, 1}, []int{2, 3}, compute.DotGeneralConfig{}))
			}
			re := f.add(sum(xr, vr), sum(xi, vi))
			im := f.one(f.Sub(sum(xi, vr), sum(xr, vi)))
			return []compute.Value{f.one(f.Transpose(f.irfft(f.one(f.Complex(re, im)), 6), 1, 0))}
		}, "circularSums"},
		{"spatial", [][]int{image, image}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatialGradient(f, in[0], in[1], 1)}
		}, "circularSums"},
		{"with an embedding", [][]int{image, image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatialGradient(f, in[0], f.add(in[1], f.one(f.Reshape(in[2], 1, 6, 1, 3))), 1)}
		}, "circularSums"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "spatial" || c.name == "with an embedding" {
				checkBySum(t, b, c)
				return
			}
			c.check(t, b)
		})
	}
}

// checkBySum compares the gradient [N, C] along the height with a sum in float64: the Go backend has no groups of the
// batch.
func checkBySum(t *testing.T, b *Backend, c circularCase) {
	t.Helper()
	r := seeded(t)
	inputs := normals(r, c.inputs)
	g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
	optimize(b, g)
	if got := listingWithout(g, compute.OpTypeReshape, compute.OpTypeConstant); got != c.nodes {
		t.Errorf("the passes leave %q, want %q", got, c.nodes)
	}
	d := c.inputs[0]
	sums := make([]float64, d[1]*d[3])
	for at, v := range inputs[0].floats() {
		channel, i, image := at%d[3], at/(d[3]*d[2])%d[1], at/(d[3]*d[2]*d[1])
		for k := range d[1] {
			row := (i + k) % d[1]
			z := float64(inputs[1].floats()[((image*d[1]+row)*d[2]+at/d[3]%d[2])*d[3]+channel])
			if len(inputs) > 2 {
				z += float64(inputs[2].floats()[row*d[3]+channel])
			}
			sums[k*d[3]+channel] += float64(v) * z
		}
	}
	want := tensor{make([]float32, len(sums)), []int{d[1], d[3]}}
	for i, s := range sums {
		want.floats()[i] = float32(s)
	}
	near(t, "the gradient", execute(t, b, inputs, c.build)[0], want, 1e-5)
}

func TestNearMissesInTheFrequenciesAreLeft(t *testing.T) {
	b := open(t, "threads=2")
	image := []int{2, 6, 5, 3}
	with := func(change func(f *construction, x, w compute.Value) compute.Value) definition {
		return operatorOn(spectral(change), 1)
	}
	scaled := func(by float32) definition {
		return func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.mul(byConjugate(f, in[0], in[1], 1), f.constant(by))}
		}
	}
	for _, c := range []struct {
		name     string
		inputs   [][]int
		build    definition
		circular bool // the operator is recognised in it all the same, and the rest is left
	}{
		{"no conjugate", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value { return f.mul(x, w) }), false},
		{"the other conjugate", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value {
			return f.mul(f.one(f.Conj(x)), w)
		}), false},
		{"both conjugates", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value {
			return f.mul(f.one(f.Conj(x)), f.one(f.Conj(w)))
		}), false},
		{"a spectrum times a number", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value {
			return f.mul(f.mul(x, f.one(f.Complex(f.constant(2), f.constant(0)))), f.one(f.Conj(w)))
		}), false},
		{"twice the product", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value {
			p := f.mul(x, f.one(f.Conj(w)))
			return f.add(p, p)
		}), false},
		{"a wrong sign", [][]int{image, {6, 3}}, with(func(f *construction, x, w compute.Value) compute.Value {
			xr, xi, wr, wi := f.one(f.Real(x)), f.one(f.Imag(x)), f.one(f.Real(w)), f.one(f.Imag(w))
			re := f.one(f.Sub(f.mul(xr, wr), f.mul(xi, wi)))
			return f.one(f.Complex(re, f.one(f.Sub(f.mul(xi, wr), f.mul(xr, wi)))))
		}), false},
		{"the result divided by the length", [][]int{image, {6, 3}}, scaled(1. / 6), true},
		{"the result times the root of the length", [][]int{image, {6, 3}}, scaled(2.4494897), true},
		{"back to another length", [][]int{{2, 5, 3, 6}, {3, 6}}, func(f *construction, in []compute.Value) []compute.Value {
			w := f.one(f.Reshape(in[1], 1, 1, 3, 6))
			return []compute.Value{f.irfft(f.mul(f.rfft(in[0]), f.one(f.Conj(f.rfft(w)))), 7)}
		}, false},
		{"a kernel for each row", [][]int{{2, 5, 3, 6}, {5, 3, 6}}, func(f *construction, in []compute.Value) []compute.Value {
			w := f.one(f.Reshape(in[1], 1, 5, 3, 6))
			return []compute.Value{f.irfft(f.mul(f.rfft(in[0]), f.one(f.Conj(f.rfft(w)))), 6)}
		}, false},
		{"one kernel for all channels", [][]int{{2, 5, 3, 6}, {6}}, func(f *construction, in []compute.Value) []compute.Value {
			w := f.one(f.Reshape(in[1], 1, 1, 1, 6))
			return []compute.Value{f.irfft(f.mul(f.rfft(in[0]), f.one(f.Conj(f.rfft(w)))), 6)}
		}, false},
		{"products of sums", [][]int{image, image}, func(f *construction, in []compute.Value) []compute.Value {
			sum := func(v compute.Value) compute.Value {
				return f.one(f.ReduceSum(f.one(f.Real(f.rfft(f.one(f.Transpose(v, toLast[1]...))))), 0, 1))
			}
			re := f.mul(sum(in[0]), sum(in[1]))
			return []compute.Value{f.irfft(f.one(f.Complex(re, re)), 6)}
		}, false},
		{"summed over what does not vary", [][]int{{2, 5, 3, 6}, {3, 6}}, func(f *construction, in []compute.Value) []compute.Value {
			xr, xi := f.spectrumOf(in[0])
			wr, wi := f.spectrumOf(in[1])
			many := func(v compute.Value) compute.Value {
				return f.one(f.ReduceSum(f.spread(v, []int{1, 2, 3, 4}, 7, 2, 5, 3, 4), 0))
			}
			row := func(v compute.Value) compute.Value { return f.one(f.Reshape(v, 1, 1, 3, 4)) }
			re := f.add(f.mul(many(xr), row(wr)), f.mul(many(xi), row(wi)))
			im := f.one(f.Sub(f.mul(many(xi), row(wr)), f.mul(many(xr), row(wi))))
			return []compute.Value{f.irfft(f.one(f.Complex(re, im)), 6)}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) { checkRecognised(t, b, c.inputs, c.build, hasCircular, c.circular) })
	}
}

// checkRecognised holds that a graph is or is not found to have an operator, and that it computes the same as before.
func checkRecognised(t *testing.T, b *Backend, dims [][]int, build func(*construction, []compute.Value) []compute.Value, has func(*graph) bool, want bool) {
	t.Helper()
	inputs := normals(seeded(t), dims)
	g := recorded(t, b, shapesOfTensors(inputs), nil, build)
	optimize(b, g)
	if got := has(g); got != want {
		t.Errorf("recognised: %v, want %v", got, want)
	}
	near(t, "the output", execute(t, b, inputs, build)[0], executeAsWritten(t, b, inputs, build)[0], 2e-5)
}

func hasCircular(g *graph) bool {
	return slices.ContainsFunc(g.nodes, func(n *node) bool {
		switch n.attributes.(type) {
		case circularPartsOf, circularSumsOf, packedCircularOf:
			return true
		}
		return false
	})
}

func TestTermsMoveIntoCircularConvolutions(t *testing.T) {
	b := open(t, "threads=2")
	image, weights := []int{2, 6, 5, 3}, []string{"x", "/w", "/a", "/b", "/c", "/d"}
	along := func(f *construction, v compute.Value) compute.Value { return f.one(f.Reshape(v, 1, 6, 1, 3)) }
	perChannel := func(f *construction, v compute.Value) compute.Value { return f.one(f.Reshape(v, 1, 1, 1, 3)) }
	operator := func(f *construction, x, w compute.Value) compute.Value { return spatial(f, x, w, 1) }
	for _, c := range []circularCase{
		{"embedding and bias", [][]int{image, {6, 3}, {6, 3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			z := f.add(along(f, in[2]), in[0])
			return []compute.Value{f.add(operator(f, z, in[1]), perChannel(f, in[3]))}
		}, one},
		{"embedding and bias in the frequencies", [][]int{image, {6, 3}, {6, 3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			z := f.add(in[0], along(f, in[2]))
			return []compute.Value{f.add(perChannel(f, in[3]), byParts(f, z, in[1], 1))}
		}, one},
		{"repeated explicitly", [][]int{image, {6, 3}, {6, 3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			z := f.add(in[0], f.spread(in[2], []int{1, 3}, image...))
			return []compute.Value{f.add(operator(f, z, in[1]), f.spread(in[3], []int{3}, image...))}
		}, one},
		{"a number before and after", [][]int{image, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(operator(f, f.add(in[0], f.constant(0.5)), in[1]), f.constant(2))}
		}, "BroadcastInDim BroadcastInDim packedCircular circularParts"},
		{"two embeddings, one taken away", [][]int{image, {6, 3}, {6, 3}, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			z := f.one(f.Sub(f.add(in[0], along(f, in[2])), along(f, in[3])))
			return []compute.Value{operator(f, z, in[1])}
		}, "fused packedCircular circularParts"},
		{"what is added to outputs varies along the axis", [][]int{image, {6, 3}, {6, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Sub(operator(f, in[0], in[1]), along(f, in[2])))}
		}, "fused packedCircular circularParts"},
		{"batch normalisation of weights before", [][]int{image, {6, 3}, {6, 3}, {3}, {3}, {3}}, weights, func(f *construction, in []compute.Value) []compute.Value {
			z := f.add(in[0], along(f, in[2]))
			z = f.add(f.mul(f.one(f.Sub(z, perChannel(f, in[3]))), perChannel(f, in[4])), perChannel(f, in[5]))
			return []compute.Value{operator(f, z, in[1])}
		}, "fused packedCircular circularParts fused packedCircular circularParts"},
		{"batch normalisation of weights after", [][]int{image, {6, 3}, {3}, {3}, {3}}, weights, func(f *construction, in []compute.Value) []compute.Value {
			y := f.add(operator(f, in[0], in[1]), perChannel(f, in[2]))
			return []compute.Value{f.add(f.mul(y, perChannel(f, in[3])), perChannel(f, in[4]))}
		}, "fused fused packedCircular circularParts"},
		{"not a scale that is no weight", [][]int{image, {6, 3}, {6, 3}, {3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			z := f.add(f.mul(f.add(in[0], along(f, in[2])), perChannel(f, in[3])), perChannel(f, in[4]))
			return []compute.Value{operator(f, z, in[1])}
		}, "BroadcastInDim fused packedCircular circularParts"},
		{"not an embedding along the other axis", [][]int{image, {6, 3}, {5, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{operator(f, f.add(in[0], f.spread(in[2], []int{2, 3}, image...)), in[1])}
		}, "fused packedCircular circularParts"},
		{"not a tensor of the same size", [][]int{image, {6, 3}, image}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(operator(f, f.add(in[0], in[2]), in[1]), in[2])}
		}, "fused packedCircular circularParts fused"},
		{"not a bias where the convolution has another user", [][]int{image, {6, 3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			y := operator(f, in[0], in[1])
			return []compute.Value{f.add(y, perChannel(f, in[2])), f.one(f.Exp(y))}
		}, "packedCircular circularParts fused fused"},
		{"not what the convolution is taken away from", [][]int{image, {6, 3}, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Sub(perChannel(f, in[2]), operator(f, in[0], in[1])))}
		}, "packedCircular circularParts fused"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
}

func TestFittedKernelsAreLaidOutOnceForTheSameWeights(t *testing.T) {
	b := open(t, "")
	build := func(f *construction, in []compute.Value) []compute.Value {
		fit := func(v compute.Value) compute.Value {
			return f.one(f.DotGeneral(in[3], []int{1}, nil, v, []int{0}, nil, compute.DotGeneralConfig{}))
		}
		z := f.add(in[0], f.one(f.Reshape(fit(in[2]), 1, 6, 1, 3)))
		return []compute.Value{spatial(f, z, fit(in[1]), 1)}
	}
	dims := [][]int{{2, 6, 5, 3}, {9, 3}, {9, 3}, {6, 9}}
	var parameters []shapes.Shape
	for _, d := range dims {
		parameters = append(parameters, float32Shape(d...))
	}
	e := compile(t, b, parameters, []string{"x", "/w", "/pe", "/fit"}, build).(*executable)
	if len(e.plan.steps) != 1 || len(e.plan.weightSteps) == 0 {
		t.Errorf("%d steps a call and %d for new weights, want 1 and some", len(e.plan.steps), len(e.plan.weightSteps))
	}
	c := circularCase{inputs: dims, build: build, nodes: "product product packedCircular circularParts"}
	c.check(t, b)
}

func TestHalvesAreReadAndWrittenInPlace(t *testing.T) {
	b := open(t, "threads=2")
	halves := func(cut int) definition {
		return func(f *construction, in []compute.Value) []compute.Value {
			d := dimensionsOf(f, in[0])
			left := f.one(f.Slice(in[0], make([]int, 4), []int{d[0], d[1], d[2], cut}, nil))
			right := f.one(f.Slice(in[0], []int{0, 0, 0, cut}, d, nil))
			return []compute.Value{f.one(f.Concatenate(3, spatial(f, left, in[1], 1), byParts(f, right, in[2], 2)))}
		}
	}
	for _, c := range []circularCase{
		{"equal", [][]int{{2, 6, 5, 32}, {6, 16}, {5, 16}}, nil, halves(16), "packedCircular packedCircular circularParts"},
		{"unequal", [][]int{{2, 6, 5, 40}, {6, 29}, {5, 11}}, nil, halves(29), "packedCircular packedCircular circularParts"},
		{"few channels along the height stand alone", [][]int{{2, 6, 5, 7}, {6, 4}, {5, 3}}, nil, halves(4),
			"Slice packedCircular circularParts packedCircular circularParts Concatenate"},
		{"one half", [][]int{{2, 6, 5, 32}, {6, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, f.one(f.Slice(in[0], []int{0, 0, 0, 9}, []int{2, 6, 5, 25}, nil)), in[1], 1)}
		}, one},
		{"a half beside another tensor", [][]int{{2, 6, 5, 32}, {6, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			right := f.one(f.Slice(in[0], []int{0, 0, 0, 16}, []int{2, 6, 5, 32}, nil))
			left := f.one(f.Slice(in[0], make([]int, 4), []int{2, 6, 5, 16}, nil))
			return []compute.Value{f.one(f.Concatenate(3, left, spatial(f, right, in[1], 1)))}
		}, "Slice packedCircular circularParts Concatenate"},
		{"every other channel", [][]int{{2, 6, 5, 32}, {6, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, f.one(f.Slice(in[0], make([]int, 4), []int{2, 6, 5, 32}, []int{1, 1, 1, 2})), in[1], 1)}
		}, "Slice packedCircular circularParts"},
		{"a half of the images", [][]int{{2, 6, 5, 16}, {6, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, f.one(f.Slice(in[0], []int{1, 0, 0, 0}, []int{2, 6, 5, 16}, nil)), in[1], 1)}
		}, "Slice packedCircular circularParts"},
		{"a half with another user", [][]int{{2, 6, 5, 32}, {6, 16}, {5, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			left := f.one(f.Slice(in[0], make([]int, 4), []int{2, 6, 5, 16}, nil))
			right := f.one(f.Slice(in[0], []int{0, 0, 0, 16}, []int{2, 6, 5, 32}, nil))
			h := spatial(f, left, in[1], 1)
			return []compute.Value{f.one(f.Concatenate(3, h, spatial(f, right, in[2], 2))), f.one(f.Exp(h))}
		}, "packedCircular circularParts packedCircular circularParts Concatenate fused"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
}

func TestReversedKernelsAreTakenAsTheyAre(t *testing.T) {
	b := open(t, "threads=2")
	turned := func(f *construction, w compute.Value, n int, axes ...int) compute.Value {
		rest := f.one(f.Reverse(f.one(f.Slice(w, []int{1, 0}, []int{n, 3}, nil)), axes...))
		return f.one(f.Concatenate(0, f.one(f.Slice(w, []int{0, 0}, []int{1, 3}, nil)), rest))
	}
	for _, form := range []struct {
		name  string
		build func(f *construction, x, w compute.Value, axis int) compute.Value
	}{{"spatial", spatial}, {"spectral", byParts}} {
		for _, c := range []struct {
			name     string
			turn     func(f *construction, w compute.Value) compute.Value
			nodes    string
			reversed bool
		}{
			{"turned round", func(f *construction, w compute.Value) compute.Value { return turned(f, w, 6, 0) }, one, true},
			{"not the whole reversed", func(f *construction, w compute.Value) compute.Value { return f.one(f.Reverse(w, 0)) }, "Reverse packedCircular circularParts", false},
			{"not the channels too", func(f *construction, w compute.Value) compute.Value { return turned(f, w, 6, 0, 1) },
				"Slice Reverse Slice Concatenate packedCircular circularParts", false},
		} {
			t.Run(form.name+"/"+c.name, func(t *testing.T) {
				one := circularCase{inputs: [][]int{{2, 6, 5, 3}, {6, 3}}, nodes: c.nodes, build: func(f *construction, in []compute.Value) []compute.Value {
					return []compute.Value{form.build(f, in[0], c.turn(f, in[1]), 1)}
				}}
				for _, n := range one.check(t, b).nodes {
					if a, ok := n.attributes.(packedCircularOf); ok && a.reversed != c.reversed {
						t.Errorf("reversed when laid out: %v, want %v", a.reversed, c.reversed)
					}
				}
			})
		}
	}
}

// TestBarriersAskForTheAlgorithm checks the mark that package parc puts where a form is asked for.
func TestBarriersAskForTheAlgorithm(t *testing.T) {
	b := open(t, "")
	barrier := func(f *construction, v compute.Value) compute.Value { return f.all(f.OptimizationBarrier(v))[0] }
	image := func(n int) []int { return []int{2, n, 5, 16} }
	markedSpatial := func(f *construction, in []compute.Value) []compute.Value {
		dims := dimensionsOf(f, in[0])
		c := convolutionCase{convolution: depthwiseConvolution(16)}
		return c.build(f, []compute.Value{barrier(f, wrap(f, in[0], dims, 1, dims[1]-1)), f.one(f.Reshape(in[1], dims[1], 1, 1, 16))})
	}
	markedSpectral := operatorOn(func(f *construction, x, w compute.Value, axis int) compute.Value {
		return spectral(func(f *construction, x, w compute.Value) compute.Value {
			return f.mul(barrier(f, x), f.one(f.Conj(barrier(f, w))))
		})(f, x, w, axis)
	}, 1)
	before := func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{spatial(f, barrier(f, in[0]), in[1], 1)}
	}
	streamFrom(t, costs.Streamed{Forward: math.MaxInt, Training: 1, Gradients: math.MaxInt})
	shape := kernel.Circular{Batch: 2, H: 6, W: 5, C: 16, InStride: 16, OutStride: 16}
	_, byTable := fasterForm(shape, anyAlgorithm, false, false).(kernel.CircularFFT)
	for _, c := range []struct {
		name        string
		n           int
		build       definition
		frequencies bool
	}{
		{"short, as it comes", 6, operatorOn(byParts, 1), byTable},
		{"short, directly", 6, markedSpatial, false},
		{"long, as it comes", 250, operatorOn(spatial, 1), true},
		{"short, through the frequencies", 6, markedSpectral, true},
		{"long, directly", 250, markedSpatial, false},
		{"a barrier before the operator says nothing", 250, before, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := circularCase{inputs: [][]int{image(c.n), {c.n, 16}}, build: c.build, nodes: one}
			for _, n := range one.check(t, b).nodes {
				if a, ok := n.attributes.(circularPartsOf); ok {
					form, frequencies := a.parts[0].form.(kernel.CircularFFT)
					if frequencies != c.frequencies || form.Streamed {
						t.Errorf("through the frequencies: %v, want %v; written as in a training step: %v, want none", frequencies, c.frequencies, form.Streamed)
					}
				}
			}
		})
	}
}

func TestBarriersAskForTheAlgorithmOfGradientsToo(t *testing.T) {
	b := open(t, "")
	for _, c := range []struct {
		name                string
		n                   int
		marked, frequencies bool
	}{{"long, as it comes", 250, false, true}, {"long, directly", 250, true, false}} {
		t.Run(c.name, func(t *testing.T) {
			dims := []int{2, c.n, 5, 16}
			g := recorded(t, b, []shapes.Shape{float32Shape(dims...), float32Shape(dims...)}, nil, func(f *construction, in []compute.Value) []compute.Value {
				wrapped := convolutionCase{convolution: kernelGradientConvolution(16, nil), prepare: func(f *construction, x, v compute.Value) (compute.Value, compute.Value) {
					x = wrap(f, x, dims, 1, c.n-1)
					if c.marked {
						x = f.all(f.OptimizationBarrier(x))[0]
					}
					return x, v
				}}
				return wrapped.build(f, in)
			})
			optimize(b, g)
			found := false
			for _, n := range g.nodes {
				if a, ok := n.attributes.(circularSumsOf); ok {
					found = true
					if _, frequencies := a.form.(kernel.CircularFFTGradient); frequencies != c.frequencies {
						t.Errorf("through the frequencies: %v, want %v", frequencies, c.frequencies)
					}
				}
			}
			if !found {
				t.Error("the gradient is not recognised")
			}
		})
	}
}

// TestEmptyImagesPass has a batch of none: there is nothing to compute, and nothing to fail.
func TestEmptyImagesPass(t *testing.T) {
	b := open(t, "")
	for name, build := range map[string]definition{
		"spatial":  operatorOn(spatial, 1),
		"spectral": operatorOn(byParts, 1),
		"joined and cut": func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Slice(wrap(f, in[0], []int{0, 6, 5, 3}, 1, 5), make([]int, 4), []int{0, 6, 5, 3}, nil))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := execute(t, b, []tensor{{[]float32{}, []int{0, 6, 5, 3}}, normal(seeded(t), 6, 3)}, build)[0]
			if len(out.floats()) != 0 || !slices.Equal(out.dims, []int{0, 6, 5, 3}) {
				t.Errorf("the output has dimensions %v and %d values, want none", out.dims, len(out.floats()))
			}
		})
	}
}

func TestPadsSideBySideAreJoined(t *testing.T) {
	pad := func(f *construction, v compute.Value, axis, start, end int) compute.Value {
		axes := make([]compute.PadAxis, 2)
		axes[axis] = compute.PadAxis{Start: start, End: end}
		return f.one(f.Pad(v, f.constant(0), axes...))
	}
	checkPass(t, []passCase{
		{"two halves", [][]int{{2, 3}, {2, 4}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(pad(f, in[1], 1, 3, 0), pad(f, in[0], 1, 0, 4))}
		}, "Constant Pad Constant Pad Add", "Concatenate"},
		{"three parts and something else", [][]int{{2, 3}, {2, 4}, {2, 1}, {2, 8}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			sum := f.add(f.add(in[3], pad(f, in[0], 1, 0, 5)), pad(f, in[1], 1, 3, 1))
			return []compute.Value{f.add(sum, pad(f, in[2], 1, 7, 0))}
		}, "Constant Pad Add Constant Pad Add Constant Pad Add", "Concatenate Add"},
		{"not where they overlap", [][]int{{2, 3}, {2, 4}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(pad(f, in[0], 1, 0, 3), pad(f, in[1], 1, 2, 0))}
		}, "Constant Pad Constant Pad Add", "Constant Pad Constant Pad Add"},
		{"not along two axes", [][]int{{1, 3}, {2, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(pad(f, in[0], 0, 0, 1), pad(f, in[1], 1, 0, 1))}
		}, "Constant Pad Constant Pad Add", "Constant Pad Constant Pad Add"},
		{"not with other numbers around", [][]int{{2, 3}, {2, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			ones := f.one(f.Pad(in[1], f.constant(1), compute.PadAxis{}, compute.PadAxis{Start: 3}))
			return []compute.Value{f.add(pad(f, in[0], 1, 0, 3), ones)}
		}, "Constant Pad Constant Pad Add", "Constant Pad Constant Pad Add"},
	}, func(*Backend) []rule { return []rule{joinPads} })
}

func TestTransposesAreMerged(t *testing.T) {
	transposes := func(permutations ...[]int) definition {
		return func(f *construction, in []compute.Value) []compute.Value {
			x := in[0]
			for _, p := range permutations {
				x = f.one(f.Transpose(x, p...))
			}
			return []compute.Value{f.one(f.Exp(x))}
		}
	}
	checkPass(t, []passCase{
		{"one that moves nothing", [][]int{{2, 3, 4}}, nil, transposes([]int{0, 1, 2}), "Transpose Exp", "Exp"},
		{"two that cancel", [][]int{{2, 3, 4}}, nil, transposes([]int{1, 2, 0}, []int{2, 0, 1}), "Transpose Transpose Exp", "Exp"},
		{"three", [][]int{{2, 3, 4}}, nil, transposes([]int{1, 2, 0}, []int{1, 2, 0}, []int{0, 2, 1}), "Transpose Transpose Transpose Exp", "Transpose Exp"},
		{"not one alone", [][]int{{2, 3, 4}}, nil, transposes([]int{1, 2, 0}), "Transpose Exp", "Transpose Exp"},
	}, func(*Backend) []rule { return []rule{mergeTransposes} })
}

func TestSumsAreTakenBeforeChannelsAreCut(t *testing.T) {
	sum := func(from, to int, axes ...int) definition {
		return func(f *construction, in []compute.Value) []compute.Value {
			part := f.one(f.Slice(in[0], []int{0, 0, from}, []int{2, 3, to}, nil))
			return []compute.Value{f.one(f.ReduceSum(part, axes...))}
		}
	}
	checkPass(t, []passCase{
		{"a half", [][]int{{2, 3, 8}}, nil, sum(4, 8, 0, 1), "Slice ReduceSum", "ReduceSum Slice"},
		{"over one axis", [][]int{{2, 3, 8}}, nil, sum(1, 6, 0), "Slice ReduceSum", "ReduceSum Slice"},
		{"not less than half", [][]int{{2, 3, 8}}, nil, sum(5, 8, 0, 1), "Slice ReduceSum", "Slice ReduceSum"},
		{"not over the channels", [][]int{{2, 3, 8}}, nil, sum(4, 8, 1, 2), "Slice ReduceSum", "Slice ReduceSum"},
		{"not a cut with another user", [][]int{{2, 3, 8}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			part := f.one(f.Slice(in[0], []int{0, 0, 0}, []int{2, 3, 4}, nil))
			return []compute.Value{f.one(f.ReduceSum(part, 0)), f.one(f.Exp(part))}
		}, "Slice ReduceSum Exp", "Slice ReduceSum Exp"},
	}, func(*Backend) []rule { return []rule{reduceBeforeSlice} })
}
