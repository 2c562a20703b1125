package simd

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
)

// convolutionCase is a ConvGeneral with what is left of it after the passes for convolutions.
type convolutionCase struct {
	name              string
	x, w              []int
	convolution       convolutionOf
	prepare           func(f *construction, x, w compute.Value) (compute.Value, compute.Value)
	recognized, lower string // after recognizeCircular, and after lowerConvolutions
}

// standardAxes are those of a forward convolution in this layout.
var standardAxes = compute.ConvolveAxesConfig{
	InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3,
	KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
	OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
}

// standardConvolution is a convolution in the standard layout with stride 1.
func standardConvolution(change func(*convolutionOf)) convolutionOf {
	a := convolutionOf{axes: standardAxes, strides: []int{1, 1}, paddings: make([][2]int, 2), inputDilations: []int{1, 1},
		kernelDilations: []int{1, 1}, channelGroupCount: 1, batchGroupCount: 1}
	if change != nil {
		change(&a)
	}
	return a
}

// depthwiseConvolution has a group a channel.
func depthwiseConvolution(channels int) convolutionOf {
	return standardConvolution(func(a *convolutionOf) { a.channelGroupCount = channels })
}

// kernelGradientConvolution convolves x with the gradient of a convolution's output, for the gradient of its kernel.
func kernelGradientConvolution(groups int, change func(*convolutionOf)) convolutionOf {
	return standardConvolution(func(a *convolutionOf) {
		a.axes = compute.ConvolveAxesConfig{
			InputBatch: 3, InputSpatial: []int{1, 2}, InputChannels: 0,
			KernelInputChannels: 0, KernelSpatial: []int{1, 2}, KernelOutputChannels: 3,
			OutputBatch: 2, OutputSpatial: []int{0, 1}, OutputChannels: 3,
		}
		a.batchGroupCount = groups
		if change != nil {
			change(a)
		}
	})
}

// wrap concatenates x with its first rows along an axis.
func wrap(f *construction, x compute.Value, dims []int, axis, rows int) compute.Value {
	limits := slices.Clone(dims)
	limits[axis] = rows
	return f.one(f.Concatenate(axis, x, f.one(f.Slice(x, make([]int, 4), limits, nil))))
}

// wrapping returns a preparation that wraps x.
func wrapping(dims []int, axis, rows int) func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
	return func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
		return wrap(f, x, dims, axis, rows), w
	}
}

func convolutionCases() []convolutionCase {
	tall, wide, long, broad := []int{2, 6, 5, 3}, []int{2, 5, 6, 3}, []int{2, 120, 5, 3}, []int{1, 5, 97, 19}
	return []convolutionCase{
		{"any", []int{2, 7, 6, 3}, []int{3, 3, 3, 5}, standardConvolution(func(a *convolutionOf) {
			a.strides, a.paddings = []int{2, 1}, [][2]int{{1, 0}, {1, 1}}
		}), nil, "ConvGeneral", "packedConv2D conv2D"},
		{"dilated", []int{1, 9, 9, 4}, []int{3, 3, 4, 5}, standardConvolution(func(a *convolutionOf) { a.kernelDilations = []int{2, 3} }),
			nil, "ConvGeneral", "packedConv2D conv2D"},
		{"grouped", []int{1, 5, 5, 6}, []int{3, 3, 3, 4}, standardConvolution(func(a *convolutionOf) { a.channelGroupCount = 2 }),
			nil, "ConvGeneral", "packedConv2D conv2D"},
		{"pointwise", []int{2, 3, 4, 6}, []int{1, 1, 6, 5}, standardConvolution(nil), nil, "ConvGeneral", "product"},
		{"not pointwise by stride", []int{2, 3, 4, 6}, []int{1, 1, 6, 5}, standardConvolution(func(a *convolutionOf) { a.strides = []int{2, 2} }),
			nil, "ConvGeneral", "packedConv2D conv2D"},
		{"depth-wise", []int{2, 6, 5, 7}, []int{3, 3, 1, 7}, depthwiseConvolution(7), nil, "ConvGeneral", "packedDepthwise depthwise"},
		{"depth-wise with a multiplier", []int{2, 6, 5, 3}, []int{3, 2, 1, 6}, depthwiseConvolution(3), nil, "ConvGeneral", "packedDepthwise depthwise"},
		{"input gradient: kernel reversed, channels exchanged", []int{2, 3, 3, 5}, []int{3, 3, 4, 5}, standardConvolution(func(a *convolutionOf) {
			a.axes.KernelInputChannels, a.axes.KernelOutputChannels = 3, 2
			a.inputDilations, a.paddings = []int{2, 2}, [][2]int{{2, 2}, {2, 3}}
		}), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return x, f.one(f.Reverse(w, 0, 1))
		}, "Reverse ConvGeneral", "Reverse Transpose packedConv2D conv2D"},
		{"input gradient of a pointwise convolution", []int{2, 3, 3, 5}, []int{1, 1, 4, 5}, standardConvolution(func(a *convolutionOf) {
			a.axes.KernelInputChannels, a.axes.KernelOutputChannels = 3, 2
		}), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return x, f.one(f.Reverse(w, 0, 1))
		}, "Reverse ConvGeneral", "packed product"},
		{"kernel gradient", []int{2, 7, 6, 3}, []int{2, 3, 5, 4}, kernelGradientConvolution(1, func(a *convolutionOf) {
			a.kernelDilations, a.paddings = []int{2, 1}, [][2]int{{0, 0}, {1, 0}}
		}), nil, "ConvGeneral", "conv2DGradient"},
		{"kernel gradient to other axes", []int{2, 7, 6, 3}, []int{2, 5, 4, 4}, kernelGradientConvolution(1, func(a *convolutionOf) {
			a.axes.OutputBatch, a.axes.OutputSpatial = 0, []int{1, 2}
		}), nil, "ConvGeneral", "conv2DGradient Transpose"},
		{"kernel gradient of a pointwise convolution", []int{2, 3, 4, 6}, []int{2, 3, 4, 5}, kernelGradientConvolution(1, nil),
			nil, "ConvGeneral", "product"},
		{"circular along the height", tall, []int{6, 1, 1, 3}, depthwiseConvolution(3), wrapping(tall, 1, 5), "circular", "circular"},
		{"circular along the width", wide, []int{1, 6, 1, 3}, depthwiseConvolution(3), wrapping(wide, 2, 5), "circular", "circular"},
		{"circular and long", long, []int{120, 1, 1, 3}, depthwiseConvolution(3), wrapping(long, 1, 119), "circular", "circular"},
		{"circular and long along the width", broad, []int{1, 97, 1, 19}, depthwiseConvolution(19), wrapping(broad, 2, 96), "circular", "circular"},
		{"not circular: a row too few", tall, []int{5, 1, 1, 3}, depthwiseConvolution(3), wrapping(tall, 1, 4),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: a row too many", tall, []int{6, 1, 1, 3}, depthwiseConvolution(3), wrapping(tall, 1, 6),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: wrapped along the other axis", []int{2, 6, 6, 3}, []int{6, 1, 1, 3}, depthwiseConvolution(3), wrapping([]int{2, 6, 6, 3}, 2, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: over all channels", tall, []int{6, 1, 3, 3}, standardConvolution(nil), wrapping(tall, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not circular: two outputs a channel", tall, []int{6, 1, 1, 6}, depthwiseConvolution(3), wrapping(tall, 1, 5),
			"Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: padded", tall, []int{6, 1, 1, 3}, standardConvolution(func(a *convolutionOf) {
			a.channelGroupCount, a.paddings = 3, [][2]int{{1, 0}, {0, 0}}
		}), wrapping(tall, 1, 5), "Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: by stride", tall, []int{6, 1, 1, 3}, standardConvolution(func(a *convolutionOf) {
			a.channelGroupCount, a.strides = 3, []int{2, 1}
		}), wrapping(tall, 1, 5), "Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: dilated", tall, []int{6, 1, 1, 3}, standardConvolution(func(a *convolutionOf) {
			a.channelGroupCount, a.kernelDilations = 3, []int{2, 1}
		}), wrapping(tall, 1, 5), "Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: groups of two channels", []int{2, 6, 5, 4}, []int{6, 1, 2, 4}, standardConvolution(func(a *convolutionOf) {
			a.channelGroupCount = 2
		}), wrapping([]int{2, 6, 5, 4}, 1, 5), "Slice Concatenate ConvGeneral", "Slice Concatenate packedConv2D conv2D"},
		{"not circular: the last rows", tall, []int{6, 1, 1, 3}, depthwiseConvolution(3), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return f.one(f.Concatenate(1, x, f.one(f.Slice(x, []int{0, 1, 0, 0}, tall, nil)))), w
		}, "Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
		{"not circular: the head of another tensor", tall, []int{6, 1, 1, 3}, depthwiseConvolution(3), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			head := f.one(f.Slice(f.one(f.Neg(x)), make([]int, 4), []int{2, 5, 5, 3}, nil))
			return f.one(f.Concatenate(1, x, head)), w
		}, "Neg Slice Concatenate ConvGeneral", "Neg Slice Concatenate packedDepthwise depthwise"},
		{"not circular: the head stands first", tall, []int{6, 1, 1, 3}, depthwiseConvolution(3), func(f *construction, x, w compute.Value) (compute.Value, compute.Value) {
			return f.one(f.Concatenate(1, f.one(f.Slice(x, make([]int, 4), []int{2, 5, 5, 3}, nil)), x)), w
		}, "Slice Concatenate ConvGeneral", "Slice Concatenate packedDepthwise depthwise"},
	}
}

func (c *convolutionCase) build(f *construction, in []compute.Value) []compute.Value {
	x, w, a := in[0], in[1], c.convolution
	if c.prepare != nil {
		x, w = c.prepare(f, x, w)
	}
	return []compute.Value{f.one(f.ConvGeneral(x, w, a.axes, a.strides, a.paddings, a.inputDilations, a.kernelDilations,
		a.channelGroupCount, a.batchGroupCount))}
}

func (c *convolutionCase) check(t *testing.T, b *Backend, inputs []tensor) {
	t.Helper()
	g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
	g.rewrite(recognizeCircular)
	if got := listingWithout(g, compute.OpTypeReshape); got != c.recognized {
		t.Errorf("recognizing circular convolutions leaves %q, want %q", got, c.recognized)
	}
	g.rewrite(lowerConvolutions)
	if got := listingWithout(g, compute.OpTypeReshape); got != c.lower {
		t.Errorf("giving convolutions to kernels leaves %q, want %q", got, c.lower)
	}
}

func TestConvolutionsGoToTheirKernels(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	for _, c := range convolutionCases() {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, c.x...), normal(r, c.w...)}
			c.check(t, b, inputs)
			agree(t, b, reference, inputs, c.build)
		})
	}
}

// TestGroupedKernelGradientsGoToTheirKernels compares with a sum in float64: the Go backend has no groups of the batch.
func TestGroupedKernelGradientsGoToTheirKernels(t *testing.T) {
	b := open(t, "threads=2")
	tall, long := []int{2, 6, 5, 3}, []int{2, 120, 5, 3}
	for _, c := range []convolutionCase{
		{"depth-wise", []int{2, 6, 5, 3}, []int{2, 4, 4, 3}, kernelGradientConvolution(3, nil), nil, "ConvGeneral", "depthwiseGradient"},
		{"depth-wise, padded", []int{2, 6, 5, 17}, []int{2, 6, 5, 17}, kernelGradientConvolution(17, func(a *convolutionOf) {
			a.paddings = [][2]int{{1, 1}, {2, 2}}
		}), nil, "ConvGeneral", "depthwiseGradient"},
		{"grouped", []int{2, 6, 5, 6}, []int{2, 4, 4, 4}, kernelGradientConvolution(2, nil), nil, "ConvGeneral", "conv2DGradient"},
		{"circular", tall, tall, kernelGradientConvolution(3, nil), wrapping(tall, 1, 5), "circularGradient", "circularGradient"},
		{"circular and long", long, long, kernelGradientConvolution(3, nil), wrapping(long, 1, 119), "circularGradient", "circularGradient"},
		{"not circular: a row too few", tall, tall, kernelGradientConvolution(3, nil), wrapping(tall, 1, 4),
			"Slice Concatenate ConvGeneral", "Slice Concatenate depthwiseGradient"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, c.x...), normal(r, c.w...)}
			c.check(t, b, inputs)
			x := execute(t, b, inputs, func(f *construction, in []compute.Value) []compute.Value {
				if c.prepare == nil {
					return in[:1]
				}
				wrapped, _ := c.prepare(f, in[0], in[1])
				return []compute.Value{wrapped}
			})[0]
			got := execute(t, b, inputs, c.build)[0]
			near(t, "the gradient", got, kernelGradient(x, inputs[1], c.convolution, got.dims), 1e-5)
		})
	}
}

// kernelGradient sums x·v over the batch and all places, for each tap and pair of channels of one group.
func kernelGradient(x, v tensor, a convolutionOf, dims []int) tensor {
	perGroup, columns := dims[2], dims[3]/a.batchGroupCount
	want := make([]float32, product(dims))
	for at := range want {
		out := at % dims[3]
		in := out/columns*perGroup + at/dims[3]%perGroup
		tapH, tapW := at/dims[3]/perGroup/dims[1], at/dims[3]/perGroup%dims[1]
		sum := 0.0
		for place := range v.dims[0] * v.dims[1] * v.dims[2] {
			image, row, column := place/v.dims[2]/v.dims[1], place/v.dims[2]%v.dims[1], place%v.dims[2]
			h, w := row+tapH-a.paddings[0][0], column+tapW-a.paddings[1][0]
			if h >= 0 && h < x.dims[1] && w >= 0 && w < x.dims[2] {
				sum += float64(x.floats()[((image*x.dims[1]+h)*x.dims[2]+w)*x.dims[3]+in]) * float64(v.floats()[place*v.dims[3]+out])
			}
		}
		want[at] = float32(sum)
	}
	return tensor{want, dims}
}

func TestBiasesMoveIntoPackedKernels(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	tall := []int{2, 6, 5, 3}
	for _, c := range []struct {
		name        string
		vector      []int
		axes        []int
		convolution func(f *construction, in []compute.Value) compute.Value
		w           []int
		nodes       string
	}{
		{"depth-wise", []int{3}, []int{3}, func(f *construction, in []compute.Value) compute.Value {
			c := convolutionCase{convolution: depthwiseConvolution(3)}
			return c.build(f, in)[0]
		}, []int{3, 3, 1, 3}, "packedDepthwise depthwise"},
		{"not a vector along the width", []int{3}, []int{2}, func(f *construction, in []compute.Value) compute.Value {
			c := convolutionCase{convolution: depthwiseConvolution(3)}
			return c.build(f, in)[0]
		}, []int{3, 3, 1, 3}, "packedDepthwise depthwise BroadcastInDim Add"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, tall...), normal(r, c.w...), normal(r, c.vector...)}
			build := func(f *construction, in []compute.Value) []compute.Value {
				y := c.convolution(f, in)
				shape, err := f.Shape(y)
				if err != nil {
					t.Fatal(err)
				}
				return []compute.Value{f.one(f.Add(y, f.spread(in[2], c.axes, shape.Dimensions...)))}
			}
			g := recorded(t, b, shapesOfTensors(inputs), nil, build)
			for _, rule := range []rule{lowerConvolutions, fuseEpilogue} {
				g.rewrite(rule)
			}
			if got := listing(g); got != c.nodes {
				t.Errorf("the passes leave %q, want %q", got, c.nodes)
			}
			agree(t, b, reference, inputs, build)
		})
	}
}
