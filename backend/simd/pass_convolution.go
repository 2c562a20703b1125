package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// depthwiseOf is a depth-wise convolution. Inputs: x and the packed kernel.
type depthwiseOf struct{ shape kernel.Depthwise }

// packedDepthwiseOf is a depth-wise kernel, and maybe a bias, laid out for it.
type packedDepthwiseOf struct{ shape kernel.Depthwise }

// depthwiseGradientOf is the gradient of a depth-wise kernel. Inputs: v and x.
type depthwiseGradientOf struct{ shape kernel.DepthwiseGradient }

// conv2DOf is a convolution with any kernel and groups. Inputs: x, the packed kernel and what the epilogue says.
type conv2DOf struct {
	shape kernel.Conv2D
	epilogueOf
}

func (a *conv2DOf) epilogue() *epilogueOf { return &a.epilogueOf }
func (a *conv2DOf) columns() int          { return a.shape.COut }
func (a *conv2DOf) clone() withEpilogue   { c := *a; return &c }

// packedConv2DOf is the kernel of a convolution laid out for it.
type packedConv2DOf struct{ shape kernel.Conv2D }

// conv2DGradientOf is the gradient of a convolution's kernel. Inputs: x and v.
type conv2DGradientOf struct {
	shape kernel.Conv2DWeightGradient
}

// lowerConvolutions gives convolutions, and the gradients that automatic differentiation writes as convolutions, to
// the kernels for them.
func lowerConvolutions(b *rewriter, n *node) []*value {
	if g, a, ok := forwardGeometry(n); ok {
		return b.forward(n, g, a)
	}
	if g, a, ok := kernelGradientGeometry(n); ok {
		return b.kernelGradient(n, g, a)
	}
	return nil
}

func (b *rewriter) forward(n *node, g *geometry, a convolutionOf) []*value {
	x, w := n.inputs[0], n.inputs[1]
	exchanged := a.axes.KernelInputChannels == 3
	switch {
	case g.depthwise() && !exchanged:
		d := g.kernelDepthwise()
		packed := b.kernelNode(packedDepthwiseOf{d}, []int{d.PackedSize()}, w)
		return []*value{b.kernelNode(depthwiseOf{d}, n.outputs[0].shape.Dimensions, x, packed)}
	case g.pointwise():
		return b.pointwise(n, g, x, unreversed(w), exchanged)
	case exchanged && g.groups > 1:
		return nil
	case exchanged:
		w = b.transpose(w, 0, 1, 3, 2)
	}
	c := g.kernelConv2D()
	packed := b.kernelNode(packedConv2DOf{c}, []int{c.PackedKernelSize()}, w)
	return []*value{b.kernelNode(&conv2DOf{shape: c}, n.outputs[0].shape.Dimensions, x, packed)}
}

// unreversed looks through a reversal of axes of size 1.
func unreversed(w *value) *value {
	if a, ok := w.node.attributes.(reverseOf); ok && !slices.ContainsFunc(a.axes, func(axis int) bool { return w.shape.Dimensions[axis] != 1 }) {
		return w.node.inputs[0]
	}
	return w
}

func (g *geometry) kernelDepthwise() kernel.Depthwise {
	return kernel.Depthwise{
		Batch: g.batch, H: g.h, W: g.w, C: g.cin, Multiplier: g.cout / g.cin, KH: g.kh, KW: g.kw,
		StrideH: g.strideH, StrideW: g.strideW, PadTop: g.padTop, PadLeft: g.padLeft,
		DilationH: g.dilationH, DilationW: g.dilationW, InputDilationH: g.inputDilationH, InputDilationW: g.inputDilationW,
		OutH: g.outH, OutW: g.outW,
	}
}

func (g *geometry) kernelConv2D() kernel.Conv2D {
	return kernel.Conv2D{
		Batch: g.batch, H: g.h, W: g.w, CIn: g.cin, KH: g.kh, KW: g.kw, Groups: g.groups, COut: g.cout,
		StrideH: g.strideH, StrideW: g.strideW, PadTop: g.padTop, PadBottom: g.padBottom, PadLeft: g.padLeft, PadRight: g.padRight,
		DilationH: g.dilationH, DilationW: g.dilationW, InputDilationH: g.inputDilationH, InputDilationW: g.inputDilationW,
	}
}

// pointwise is the product of x, one row a place, with a kernel seen as a matrix.
func (b *rewriter) pointwise(n *node, g *geometry, x, w *value, exchanged bool) []*value {
	left := matrix{batch: 1, rows: g.batch * g.h * g.w, columns: g.cin, rowStride: g.cin, columnStride: 1}
	right := matrix{batch: 1, rows: g.cin, columns: g.cout, rowStride: g.cout, columnStride: 1}
	if exchanged {
		right.rowStride, right.columnStride = 1, g.cin
	}
	return []*value{b.reshape(b.product(x, w, left, right), n.outputs[0].shape.Dimensions...)}
}

func (b *rewriter) kernelGradient(n *node, g *geometry, a convolutionOf) []*value {
	x, v := n.inputs[0], n.inputs[1]
	dimensions := []int{g.kh, g.kw, g.cin / g.groups, g.cout}
	var dw *value
	switch {
	case g.depthwise() && g.cin > 1:
		d := kernel.DepthwiseGradient{Depthwise: g.kernelDepthwise()}
		dw = b.kernelNode(depthwiseGradientOf{d}, dimensions, v, x)
	case g.pointwise():
		places := g.batch * g.outH * g.outW
		left := matrix{batch: 1, rows: g.cin, columns: places, rowStride: 1, columnStride: g.cin}
		right := matrix{batch: 1, rows: places, columns: g.cout, rowStride: g.cout, columnStride: 1}
		dw = b.reshape(b.product(x, v, left, right), dimensions...)
	default:
		dw = b.kernelNode(conv2DGradientOf{kernel.Conv2DWeightGradient{Conv2D: g.kernelConv2D()}}, dimensions, x, v)
	}
	permutation := make([]int, 4)
	permutation[a.axes.OutputSpatial[0]], permutation[a.axes.OutputSpatial[1]] = 0, 1
	permutation[a.axes.OutputBatch], permutation[a.axes.OutputChannels] = 2, 3
	return []*value{b.transpose(dw, permutation...)}
}
