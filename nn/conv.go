package nn

// Convolutions, with gradients of our own: GoMLX derives a wrong one by the input for kernels of even size, and splits
// one with groups into a convolution for each group.

import (
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// ConvConfig is the geometry of a [Conv].
type ConvConfig struct {
	// Kernel is the kernel's height and width.
	Kernel int
	// Stride is the step along both axes; 0 stands for 1.
	Stride int
	// Dilation is the distance between the taps of the kernel; 0 stands for 1. Only one of Stride and Dilation is above 1.
	Dilation int
	// Padding is the number of zeros added on every side, less than what the kernel spans.
	Padding int
	// Same, with Stride 1, pads such that the output is as large as the input. Of an odd number of zeros one more stands
	// behind than before. Padding is then left at 0.
	Same bool
	// Groups is the number of groups that the channels are divided into; 0 stands for 1.
	Groups int
	// NoBias leaves the bias out.
	NoBias bool
}

// complete replaces zeros by what they stand for. It panics where the fields do not fit each other or the channels.
func (c ConvConfig) complete(in, out int) ConvConfig {
	c.Stride = max(c.Stride, 1)
	c.Dilation = max(c.Dilation, 1)
	c.Groups = max(c.Groups, 1)
	if c.Stride > 1 && (c.Dilation > 1 || c.Same) {
		panic(fmt.Errorf("nn: convolution with stride %d, dilation %d and same size %t, want stride 1 for the latter two", c.Stride, c.Dilation, c.Same))
	}
	if in%c.Groups != 0 || out%c.Groups != 0 {
		panic(fmt.Errorf("nn: convolution from %d to %d channels in %d groups, want a divisor of both", in, out, c.Groups))
	}
	return c
}

// Conv is a convolution, with bias unless its configuration says otherwise.
type Conv struct {
	config       ConvConfig
	weight, bias *Param
}

// NewConv declares a convolution from in to out channels: weight [out, in/groups, kernel, kernel] and bias.
func NewConv(path Path, in, out int, config ConvConfig) *Conv {
	config = config.complete(in, out)
	c := &Conv{
		config: config,
		weight: path.weight("weight", Kernel(config.Kernel, config.Kernel, in/config.Groups, out)),
	}
	if !config.NoBias {
		c.bias = path.Param("bias", Vector(out), Constant(0))
	}
	return c
}

// NewDepthwiseConv declares a convolution of every channel with a kernel of its own, whose taps lie dilation apart,
// padded to the input's size: weight [channels, 1, kernel, kernel], with an odd kernel, and bias.
func NewDepthwiseConv(path Path, channels, kernel, dilation int) *Conv {
	if kernel%2 == 0 {
		panic(fmt.Errorf("nn: depth-wise kernel of size %d, want an odd size", kernel))
	}
	return NewConv(path, channels, channels, ConvConfig{Kernel: kernel, Dilation: dilation, Same: true, Groups: channels})
}

// Apply implements [Layer].
func (c *Conv) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	weight := c.weight.Node(scope, x)
	y := c.config.convolve(x, weight)
	countMACs(y, c.config.Kernel*c.config.Kernel*weight.Shape().Dim(2))
	if c.bias == nil {
		return y
	}
	return addBias(y, c.bias.Node(scope, x))
}

// convolve convolves x [batch, height, width, in] with weight [kernel, kernel, in/groups, out].
func (c ConvConfig) convolve(x, weight *graph.Node) *graph.Node {
	if c.smallGroups(weight) {
		return c.convolveGroups(x, weight)
	}
	return gradient.Custom(c.forward(x, weight), []*graph.Node{x, weight}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{c.byInput(x, weight, v), c.byWeight(x, weight, v)}
	})
}

// forward is convolve with GoMLX's own gradient.
func (c ConvConfig) forward(x, weight *graph.Node) *graph.Node {
	before, after := c.padding()
	return graph.Convolve(x, weight).
		Strides(c.Stride).
		Dilations(c.Dilation).
		PaddingPerDim([][2]int{{before, after}, {before, after}}).
		ChannelGroupCount(c.Groups).
		Done()
}

// reach is the distance between the first and the last tap of the kernel.
func (c ConvConfig) reach() int {
	return (c.Kernel - 1) * c.Dilation
}

// padding returns how many zeros stand before and after the input along each axis.
func (c ConvConfig) padding() (before, after int) {
	if c.Same {
		return c.reach() / 2, c.reach() - c.reach()/2
	}
	return c.Padding, c.Padding
}

// byInput returns the gradient by x as a convolution of v with the kernel reversed and its channels exchanged.
func (c ConvConfig) byInput(x, weight, v *graph.Node) *graph.Node {
	axes := graph.ConvolveAxesConfig{
		InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3,
		KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
		OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
	}
	reversed := graph.Reverse(weight, 0, 1)
	if c.Groups == 1 {
		axes.KernelInputChannels, axes.KernelOutputChannels = 3, 2
	} else {
		reversed = exchangeChannels(reversed, c.Groups)
	}
	before, _ := c.padding()
	var padding [][2]int
	for _, axis := range axes.InputSpatial {
		covered := (v.Shape().Dim(axis) - 1) * c.Stride
		padding = append(padding, [2]int{c.reach() - before, x.Shape().Dim(axis) - 1 + before - covered})
	}
	return graph.Convolve(v, reversed).
		AxesConfig(axes).
		PaddingPerDim(padding).
		InputDilationPerAxis(c.Stride, c.Stride).
		Dilations(c.Dilation).
		ChannelGroupCount(c.Groups).
		Done()
}

// exchangeChannels exchanges the input and output channels of each group of a kernel.
func exchangeChannels(kernel *graph.Node, groups int) *graph.Node {
	dims := kernel.Shape().Dimensions
	in, out := dims[2], dims[3]/groups
	if in == 1 && out == 1 {
		return kernel
	}
	kernel = graph.Reshape(kernel, dims[0], dims[1], in, groups, out)
	kernel = graph.TransposeAllAxes(kernel, 0, 1, 4, 3, 2)
	return graph.Reshape(kernel, dims[0], dims[1], out, groups*in)
}

// byWeight returns the gradient by the weight as one convolution of x with v, in which the batch is what is summed over
// and groups of channels are groups of the batch.
func (c ConvConfig) byWeight(x, weight, v *graph.Node) *graph.Node {
	depthwise := weight.Shape().Dim(2) == 1 && c.Groups == v.Shape().Dim(-1)
	if c.Groups > 1 && (!depthwise || x.Graph().Backend().String() == gobackend.BackendName) {
		return c.byWeightTaps(x, weight, v)
	}
	axes := graph.ConvolveAxesConfig{
		InputBatch: 3, InputChannels: 0, InputSpatial: []int{1, 2},
		KernelInputChannels: 0, KernelOutputChannels: 3, KernelSpatial: []int{1, 2},
		OutputBatch: 2, OutputChannels: 3, OutputSpatial: []int{0, 1},
	}
	before, _ := c.padding()
	var padding [][2]int
	for _, axis := range axes.InputSpatial {
		covered := (v.Shape().Dim(axis)-1)*c.Stride + c.reach() + 1
		padding = append(padding, [2]int{before, covered - before - x.Shape().Dim(axis)})
	}
	return graph.Convolve(x, v).
		AxesConfig(axes).
		PaddingPerDim(padding).
		Dilations(c.Stride).
		Strides(c.Dilation).
		BatchGroupCount(c.Groups).
		Done()
}

// byWeightTaps returns the same as a sum for each tap of the kernel. GoMLX's Go backend fails on groups of the batch, and
// the engine has a kernel for the depth-wise ones alone and would hand the others to that backend.
func (c ConvConfig) byWeightTaps(x, weight, v *graph.Node) *graph.Node {
	before, after := c.padding()
	border := graph.PadAxis{Start: before, End: after}
	padded := graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), graph.PadAxis{}, border, border, graph.PadAxis{})
	tap := func(axis, number int) graph.SliceAxisSpec {
		offset := number * c.Dilation
		return graph.AxisRange(offset, offset+(v.Shape().Dim(axis)-1)*c.Stride+1).Stride(c.Stride)
	}
	in, out := weight.Shape().Dim(2), v.Shape().Dim(-1)/c.Groups
	outputs := graph.Reshape(v, -1, c.Groups, 1, out)
	var taps []*graph.Node
	for i := range c.Kernel {
		for j := range c.Kernel {
			shifted := graph.Slice(padded, graph.AxisRange(), tap(1, i), tap(2, j))
			product := graph.Mul(graph.Reshape(shifted, -1, c.Groups, in, 1), outputs)
			taps = append(taps, graph.TransposeAllAxes(graph.ReduceSum(product, 0), 1, 0, 2))
		}
	}
	return graph.Reshape(graph.Stack(taps, 0), weight.Shape().Dimensions...)
}

// addBias adds a vector to the last axis of x.
func addBias(x, bias *graph.Node) *graph.Node {
	return graph.Add(x, graph.ExpandLeftToRank(bias, x.Rank()))
}
