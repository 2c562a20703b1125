package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// geometry is a two-dimensional convolution of x [batch, h, w, cin] with a kernel [kh, kw, cin/groups, cout] to
// [batch, outH, outW, cout].
type geometry struct {
	batch, h, w, cin, kh, kw, cout, groups int
	outH, outW                             int
	strideH, strideW                       int
	padTop, padBottom, padLeft, padRight   int
	dilationH, dilationW                   int
	inputDilationH, inputDilationW         int
}

// depthwise says whether every output channel is made from one input channel.
func (g *geometry) depthwise() bool { return g.groups == g.cin && g.cout%g.cin == 0 }

// pointwise says whether an output is made from one place of the input, the places being taken in order.
func (g *geometry) pointwise() bool {
	return g.kh == 1 && g.kw == 1 && g.groups == 1 && g.undilated() && g.unpadded() && g.strideH == 1 && g.strideW == 1
}

func (g *geometry) undilated() bool {
	return g.dilationH == 1 && g.dilationW == 1 && g.inputDilationH == 1 && g.inputDilationW == 1
}

func (g *geometry) unpadded() bool {
	return g.padTop == 0 && g.padBottom == 0 && g.padLeft == 0 && g.padRight == 0
}

// sameInputAxes says whether inputs and outputs are [batch, height, width, channels] and kernels begin with height and width.
func sameInputAxes(a compute.ConvolveAxesConfig) bool {
	return a.InputBatch == 0 && a.InputChannels == 3 && slices.Equal(a.InputSpatial, []int{1, 2}) &&
		a.OutputBatch == 0 && a.OutputChannels == 3 && slices.Equal(a.OutputSpatial, []int{1, 2}) &&
		slices.Equal(a.KernelSpatial, []int{0, 1})
}

// forwardGeometry describes a convolution for which sameInputAxes holds; its kernel may have its channel axes exchanged.
func forwardGeometry(n *node) (*geometry, convolutionOf, bool) {
	a, ok := n.attributes.(convolutionOf)
	if !ok || len(a.strides) != 2 || n.outputs[0].shape.DType != dtypes.Float32 || n.outputs[0].shape.Size() == 0 ||
		n.inputs[0].shape.Size() == 0 || a.batchGroupCount != 1 || !sameInputAxes(a.axes) {
		return nil, a, false
	}
	x, w, y := n.inputs[0].shape.Dimensions, n.inputs[1].shape.Dimensions, n.outputs[0].shape.Dimensions
	return &geometry{
		batch: x[0], h: x[1], w: x[2], cin: x[3], kh: w[0], kw: w[1], cout: y[3], groups: a.channelGroupCount,
		outH: y[1], outW: y[2], strideH: a.strides[0], strideW: a.strides[1],
		padTop: a.paddings[0][0], padBottom: a.paddings[0][1], padLeft: a.paddings[1][0], padRight: a.paddings[1][1],
		dilationH: a.kernelDilations[0], dilationW: a.kernelDilations[1],
		inputDilationH: a.inputDilations[0], inputDilationW: a.inputDilations[1],
	}, a, true
}

// kernelGradientGeometry describes a convolution of x with the gradient v of some convolution's output, in which the
// batch is summed over: the gradient of that convolution's kernel. The geometry is the one of that convolution.
func kernelGradientGeometry(n *node) (*geometry, convolutionOf, bool) {
	a, ok := n.attributes.(convolutionOf)
	if !ok || len(a.strides) != 2 || n.outputs[0].shape.DType != dtypes.Float32 || n.outputs[0].shape.Size() == 0 || a.channelGroupCount != 1 ||
		n.inputs[0].shape.Size() == 0 || a.axes.InputBatch != 3 || a.axes.InputChannels != 0 || !slices.Equal(a.axes.InputSpatial, []int{1, 2}) ||
		a.axes.KernelInputChannels != 0 || a.axes.KernelOutputChannels != 3 || !slices.Equal(a.axes.KernelSpatial, []int{1, 2}) ||
		a.inputDilations[0] != 1 || a.inputDilations[1] != 1 {
		return nil, a, false
	}
	x, v, dw := n.inputs[0].shape.Dimensions, n.inputs[1].shape.Dimensions, n.outputs[0].shape.Dimensions
	return &geometry{
		batch: x[0], h: x[1], w: x[2], cin: x[3], groups: a.batchGroupCount,
		kh: dw[a.axes.OutputSpatial[0]], kw: dw[a.axes.OutputSpatial[1]], cout: v[3], outH: v[1], outW: v[2],
		strideH: a.kernelDilations[0], strideW: a.kernelDilations[1], dilationH: a.strides[0], dilationW: a.strides[1],
		padTop: a.paddings[0][0], padBottom: a.paddings[0][1], padLeft: a.paddings[1][0], padRight: a.paddings[1][1],
		inputDilationH: 1, inputDilationW: 1,
	}, a, true
}
