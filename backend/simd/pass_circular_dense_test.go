package simd

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// convolve is a convolution in the standard layout.
func convolve(f *construction, x, w compute.Value, a convolutionOf) compute.Value {
	return f.one(f.ConvGeneral(x, w, a.axes, a.strides, a.paddings, a.inputDilations, a.kernelDilations, a.channelGroupCount, a.batchGroupCount))
}

// turned is a kernel turned round about index 0, with its channels exchanged.
func turned(f *construction, w compute.Value, dims []int) compute.Value {
	channels, outputs := dims[1], dims[2]
	first := f.one(f.Slice(w, []int{0, 0, 0}, []int{1, channels, outputs}, nil))
	rest := f.one(f.Slice(w, []int{1, 0, 0}, dims, nil))
	return f.one(f.Transpose(f.one(f.Concatenate(0, first, f.one(f.Reverse(rest, 0)))), 0, 2, 1))
}

func TestDenseCircularConvolutionsBecomeOneNode(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	tall, wide, rich := []int{2, 6, 5, 3}, []int{2, 5, 6, 3}, []int{2, 6, 6, 20}
	const whole = "packedCircularDense circularDense"
	for _, c := range []convolutionCase{
		{"along the height", tall, []int{6, 1, 3, 4}, standardConvolution(nil), wrapping(tall, 1, 5), whole, whole},
		{"along the width", wide, []int{1, 6, 3, 4}, standardConvolution(nil), wrapping(wide, 2, 5), whole, whole},
		{"with a kernel turned round", tall, []int{6, 4, 3}, standardConvolution(nil), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return wrap(f, x, tall, 1, 5), f.one(f.Reshape(turned(f, w, []int{6, 4, 3}), 6, 1, 3, 4))
		}, "Transpose " + whole, "Transpose " + whole},
		{"with a kernel turned round, not about its first row", tall, []int{6, 3, 4}, standardConvolution(nil), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return wrap(f, x, tall, 1, 5), f.one(f.Reshape(f.one(f.Reverse(w, 0)), 6, 1, 3, 4))
		}, "Reverse " + whole, "Reverse " + whole},
		{"not: a row too few", tall, []int{5, 1, 3, 4}, standardConvolution(nil), wrapping(tall, 1, 4),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not: a row too many", tall, []int{6, 1, 3, 4}, standardConvolution(nil), wrapping(tall, 1, 6),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not: wrapped along the other axis", []int{2, 6, 6, 3}, []int{6, 1, 3, 4}, standardConvolution(nil), wrapping([]int{2, 6, 6, 3}, 2, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not: in groups", []int{2, 6, 5, 4}, []int{6, 1, 2, 4}, standardConvolution(func(a *convolutionOf) { a.channelGroupCount = 2 }), wrapping([]int{2, 6, 5, 4}, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not: padded", tall, []int{6, 1, 3, 4}, standardConvolution(func(a *convolutionOf) { a.paddings[0][0] = 1 }), wrapping(tall, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not: by stride", tall, []int{6, 1, 3, 4}, standardConvolution(func(a *convolutionOf) { a.strides[1] = 2 }), wrapping(tall, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"gradient of the kernel", rich, []int{2, 6, 6, 24}, kernelGradientConvolution(1, nil), wrapping(rich, 1, 5), "circularDenseGradient", "circularDenseGradient"},
		{"gradient of the kernel along the width", rich, []int{2, 6, 6, 24}, kernelGradientConvolution(1, nil), wrapping(rich, 2, 5), "circularDenseGradient", "circularDenseGradient"},
		{"not the gradient of the kernel through the frequencies: tiny", tall, []int{2, 6, 5, 4}, kernelGradientConvolution(1, nil), wrapping(tall, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate conv2DGradient"},
		{"not the gradient of the kernel: a row too few", rich, []int{2, 6, 6, 24}, kernelGradientConvolution(1, nil), wrapping(rich, 1, 4),
			"Slice Concatenate ConvGeneral", "Slice Concatenate conv2DGradient"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, c.x...), normal(r, c.w...)}
			g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
			g.rewrite(recognizeCircularDense)
			if got := listingWithout(g, compute.OpTypeReshape); got != c.recognized {
				t.Errorf("recognizing leaves %q, want %q", got, c.recognized)
			}
			g.rewrite(lowerConvolutions)
			if got := listingWithout(g, compute.OpTypeReshape); got != c.lower {
				t.Errorf("giving convolutions to kernels leaves %q, want %q", got, c.lower)
			}
			agree(t, b, reference, inputs, c.build)
		})
	}
}

// denseBlock is what stands in a network's block: halves of the channels of x [B, H, W, 2C] with embeddings, convolved
// along the height and the width to D channels each, with biases, put side by side, scaled, shifted and rectified.
type denseBlock struct {
	b, h, w, c, d int
	embeddings    bool
	second        bool // takes the halves from different tensors
}

func (d denseBlock) inputs(r *rand.Rand) []tensor {
	return []tensor{
		normal(r, d.b, d.h, d.w, 2*d.c), normal(r, d.h, 1, d.c, d.d), normal(r, 1, d.w, d.c, d.d), normal(r, d.h, d.c), normal(r, d.w, d.c),
		normal(r, d.d), normal(r, d.d), normal(r, 2*d.d), normal(r, 2*d.d), normal(r, d.b, d.h, d.w, 2*d.c),
	}
}

var denseBlockNames = []string{"x", "/h", "/w", "/h/pe", "/w/pe", "/h/bias", "/w/bias", "/scale", "/shift", "y"}

func (d denseBlock) build(f *construction, in []compute.Value) []compute.Value {
	var halves []compute.Value
	dims := []int{d.b, d.h, d.w, d.c}
	for axis := 1; axis <= 2; axis++ {
		x := in[0]
		if d.second && axis == 2 {
			x = in[9]
		}
		first := (axis - 1) * d.c
		z := f.one(f.Slice(x, []int{0, 0, 0, first}, []int{d.b, d.h, d.w, first + d.c}, nil))
		if d.embeddings {
			pe := []int{1, 1, 1, d.c}
			pe[axis] = dims[axis]
			z = f.one(f.Add(z, f.one(f.Reshape(in[2+axis], pe...))))
		}
		y := convolve(f, wrap(f, z, dims, axis, dims[axis]-1), in[axis], standardConvolution(nil))
		halves = append(halves, f.one(f.Add(y, f.one(f.Reshape(in[4+axis], 1, 1, 1, d.d)))))
	}
	y := f.one(f.Concatenate(3, halves...))
	all := []int{d.b, d.h, d.w, 2 * d.d}
	y = f.one(f.Add(f.one(f.Mul(y, f.spread(in[7], []int{3}, all...))), f.spread(in[8], []int{3}, all...)))
	return []compute.Value{f.one(f.Max(y, f.spread(f.constant(0), nil, all...)))}
}

func TestDenseHalvesBecomeOneNodeWithWhatFollowsThem(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	for name, c := range map[string]struct {
		block denseBlock
		nodes string // but for what depends on weights alone
	}{
		"with embeddings":        {denseBlock{b: 2, h: 6, w: 7, c: 17, d: 18, embeddings: true}, "circularDense"},
		"without embeddings":     {denseBlock{b: 1, h: 8, w: 5, c: 4, d: 33}, "circularDense"},
		"of different tensors":   {denseBlock{b: 1, h: 6, w: 5, c: 4, d: 5, second: true}, "circularDense circularDense Concatenate fused"},
		"one form for each axis": {denseBlock{b: 2, h: 2, w: 14, c: 3, d: 2, embeddings: true}, "circularDense"},
	} {
		t.Run(name, func(t *testing.T) {
			inputs := c.block.inputs(seeded(t))
			g := recorded(t, b, shapesOfTensors(inputs), denseBlockNames, c.block.build)
			optimize(b, g)
			p := &planner{plan: &plan{}, ofWeights: map[*value]bool{}}
			p.findWeights(g)
			rest := &graph{nodes: slices.DeleteFunc(slices.Clone(g.nodes), func(n *node) bool {
				return n.op == compute.OpTypeReshape || p.ofWeights[n.outputs[0]]
			})}
			if got := listing(rest); got != c.nodes {
				t.Errorf("the passes leave %q, want %q", got, c.nodes)
			}
			agree(t, b, reference, inputs, c.block.build)
			executable := compile(t, b, shapesOfTensors(inputs), denseBlockNames, c.block.build)
			defer executable.Finalize()
			want := execute(t, reference, inputs, c.block.build)[0]
			buffers := upload(t, b, inputs...)
			for range 2 { // the second with the weights of the first
				outputs, err := executable.Execute(buffers, nil, 0)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "the output with weights", download(t, outputs)[0], want, 2e-4)
			}
		})
	}
}

func TestDenseConvolutionsGoThroughTheFrequenciesUnlessTheyAreTiny(t *testing.T) {
	for _, c := range []struct {
		length, channels int
		asked            algorithm
		frequencies      bool
	}{
		{7, 256, anyAlgorithm, true}, {14, 128, anyAlgorithm, true}, {56, 64, anyAlgorithm, true}, {1, 64, anyAlgorithm, false},
		{14, 2, anyAlgorithm, false}, {14, 128, directly, false}, {14, 2, throughFrequencies, true},
	} {
		shape := kernel.CircularDense{Batch: 1, H: c.length, W: c.length, CIn: c.channels, COut: c.channels, InStride: c.channels, OutStride: c.channels}
		if got := fasterDenseForm(shape, c.asked); got != c.frequencies {
			t.Errorf("%+v: through the frequencies is %v", c, got)
		}
	}
}

// spectralCase is the operator, or the gradient of its kernel, in the FFT form, along the height or the width.
type spectralCase struct {
	name                string
	axis                int
	gradient, unflipped bool // without the conjugate
	nodes               string
}

func (c spectralCase) build(f *construction, in []compute.Value) []compute.Value {
	const length = 6
	spectrum := func(x compute.Value, permutation ...int) [2]compute.Value {
		z := f.one(f.FFT(f.one(f.Transpose(x, permutation...)), compute.FFTForwardReal, []int{length}))
		return [2]compute.Value{f.one(f.Real(z)), f.one(f.Imag(z))}
	}
	lines := []int{0, 3 - c.axis, 3, c.axis}
	x := spectrum(in[0], lines...)
	var w [2]compute.Value
	var product func(a, b compute.Value) compute.Value
	back := []int{0, 3, 1, 2}
	if c.axis == 2 {
		back = []int{0, 1, 3, 2}
	}
	if c.gradient {
		w, back = spectrum(in[1], lines...), []int{2, 0, 1}
		product = func(a, b compute.Value) compute.Value {
			p := f.one(f.DotGeneral(a, []int{0, 1}, []int{3}, b, []int{0, 1}, []int{3}, compute.DotGeneralConfig{}))
			return f.one(f.Transpose(p, 1, 2, 0))
		}
	} else {
		w = spectrum(in[1], 1, 2, 0)
		product = func(a, b compute.Value) compute.Value {
			p := f.one(f.DotGeneral(a, []int{2}, []int{3}, b, []int{0}, []int{2}, compute.DotGeneralConfig{}))
			return f.one(f.Transpose(p, 1, 2, 3, 0))
		}
	}
	re := f.one(f.Add(product(x[0], w[0]), product(x[1], w[1])))
	im := f.one(f.Sub(product(x[1], w[0]), product(x[0], w[1])))
	if c.unflipped {
		re = f.one(f.Sub(product(x[0], w[0]), product(x[1], w[1])))
		im = f.one(f.Add(product(x[1], w[0]), product(x[0], w[1])))
	}
	y := f.one(f.FFT(f.one(f.Complex(re, im)), compute.FFTInverseReal, []int{length}))
	return []compute.Value{f.one(f.Transpose(y, back...))}
}

// spatial is the same as convolutions.
func (c spectralCase) spatial(f *construction, in []compute.Value) []compute.Value {
	dims := []int{2, 6, 6, 20}
	if c.gradient {
		y := convolve(f, wrap(f, in[0], dims, c.axis, 5), in[1], kernelGradientConvolution(1, nil))
		return []compute.Value{f.one(f.Reshape(y, 6, 20, 24))}
	}
	kernel := []int{1, 1, 20, 24}
	kernel[c.axis-1] = 6
	return []compute.Value{convolve(f, wrap(f, in[0], dims, c.axis, 5), f.one(f.Reshape(in[1], kernel...)), standardConvolution(nil))}
}

func TestDenseProductsOfSpectraBecomeOneNode(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	for _, c := range []spectralCase{
		{name: "along the height", axis: 1, nodes: "packedCircularDense circularDense"},
		{name: "along the width", axis: 2, nodes: "packedCircularDense circularDense"},
		{name: "gradient of the kernel along the height", axis: 1, gradient: true, nodes: "circularDenseGradient"},
		{name: "gradient of the kernel along the width", axis: 2, gradient: true, nodes: "circularDenseGradient"},
		{name: "not without the conjugate", axis: 1, unflipped: true},
		{name: "not a gradient without the conjugate", axis: 1, gradient: true, unflipped: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, 2, 6, 6, 20), normal(r, 6, 20, 24)}
			if c.gradient {
				inputs[1] = normal(r, 2, 6, 6, 24)
			}
			g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
			for _, rule := range []rule{recognizeCircularDense, mergeTransposes} {
				g.rewrite(rule)
			}
			got := listingWithout(g, compute.OpTypeReshape)
			if c.unflipped {
				if slices.ContainsFunc(g.nodes, func(n *node) bool { return n.op == compute.OpTypeInvalid }) {
					t.Errorf("the pass leaves %q", got)
				}
				return
			}
			if got != c.nodes {
				t.Errorf("the pass leaves %q, want %q", got, c.nodes)
			}
			near(t, "the result", execute(t, b, inputs, c.build)[0], execute(t, reference, inputs, c.spatial)[0], 1e-5)
		})
	}
}
