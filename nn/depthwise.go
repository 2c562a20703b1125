package nn

// The depth-wise convolution, with a gradient that stays one convolution for all channels: GoMLX would split it into
// one for each.

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// DepthwiseConv convolves every channel with a kernel of its own, and adds a bias. The output has the input's size.
type DepthwiseConv struct {
	weight, bias *Param
}

// NewDepthwiseConv declares a depth-wise convolution with square kernels of odd size: weight [channels, 1, kernel,
// kernel] and bias.
func NewDepthwiseConv(path Path, channels, kernel int) *DepthwiseConv {
	if kernel%2 == 0 {
		panic(fmt.Errorf("nn: depth-wise kernel of size %d, want an odd size", kernel))
	}
	return &DepthwiseConv{
		weight: path.Param("weight", Kernel(kernel, kernel, 1, channels), Normal(0.02)),
		bias:   path.Param("bias", Vector(channels), Constant(0)),
	}
}

// Apply implements [Layer].
func (d *DepthwiseConv) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	weight := d.weight.Node(scope, x)
	y := depthwise(x, weight)
	countMACs(y, weight.Shape().Dim(0)*weight.Shape().Dim(1))
	return addBias(y, d.bias.Node(scope, x))
}

// depthwise convolves x [batch, height, width, channels] with weight [kernel, kernel, 1, channels] of odd size, padded
// with zeros to x's size.
func depthwise(x, weight *graph.Node) *graph.Node {
	pad := weight.Shape().Dim(0) / 2
	y := graph.Convolve(x, weight).
		PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).
		ChannelGroupCount(x.Shape().Dim(-1)).
		Done()
	return gradient.Custom(y, []*graph.Node{x, weight}, func(v *graph.Node) []*graph.Node {
		byInput := depthwise(v, graph.Reverse(weight, 0, 1))
		if x.Graph().Backend().Name() == "go" {
			return []*graph.Node{byInput, depthwiseByWeightTaps(x, weight, v)}
		}
		return []*graph.Node{byInput, depthwiseByWeight(x, weight, v)}
	})
}

// depthwiseByWeight returns the gradient by the weight as one convolution of x with v, in which channels are groups of
// the batch and the batch is what is summed over.
func depthwiseByWeight(x, weight, v *graph.Node) *graph.Node {
	axes := graph.ConvolveAxesConfig{
		InputBatch: 3, InputChannels: 0, InputSpatial: []int{1, 2},
		KernelInputChannels: 0, KernelOutputChannels: 3, KernelSpatial: []int{1, 2},
		OutputBatch: 2, OutputChannels: 3, OutputSpatial: []int{0, 1},
	}
	pad := weight.Shape().Dim(0) / 2
	ones := []int{1, 1}
	return graph.ConvGeneral(x, v, axes, ones, [][2]int{{pad, pad}, {pad, pad}}, ones, ones, 1, x.Shape().Dim(-1))
}

// depthwiseByWeightTaps returns the same as a sum for each tap of the kernel, for GoMLX's Go backend, which lacks
// groups of the batch.
func depthwiseByWeightTaps(x, weight, v *graph.Node) *graph.Node {
	kernel := weight.Shape().Dim(0)
	height, width := x.Shape().Dim(1), x.Shape().Dim(2)
	border := graph.PadAxis{Start: kernel / 2, End: kernel / 2}
	padded := graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), graph.PadAxis{}, border, border, graph.PadAxis{})
	var taps []*graph.Node
	for i := range kernel {
		for j := range kernel {
			shifted := graph.Slice(padded, graph.AxisRange(), graph.AxisRange(i, i+height), graph.AxisRange(j, j+width))
			taps = append(taps, graph.ReduceSum(graph.Mul(v, shifted), 0, 1, 2))
		}
	}
	return graph.Reshape(graph.Stack(taps, 0), weight.Shape().Dimensions...)
}
