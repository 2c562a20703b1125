package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// depthwiseOf is a depth-wise convolution. Inputs: x and the packed kernel.
type depthwiseOf struct{ shape kernel.Depthwise }

// packedDepthwiseOf is a depth-wise kernel, and maybe a bias, laid out for it.
type packedDepthwiseOf struct{ shape kernel.Depthwise }

// depthwiseGradientOf is the gradient of a depth-wise kernel. Inputs: v and x.
type depthwiseGradientOf struct{ shape kernel.DepthwiseGradient }

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
		rows, columns := []int{2}, []int{3}
		if exchanged {
			rows, columns = columns, rows
		}
		return b.patchProduct(n, g, x, unreversed(w), rows, columns)
	case g.patches() && !exchanged:
		return b.patchProduct(n, g, b.patches(x, g), w, []int{0, 1, 2}, []int{3})
	case exchanged && w.node.op == compute.OpTypeReverse && patchInputGradient(g):
		return b.patchInputGradient(n, g, x, w.node.inputs[0])
	}
	return nil
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

// patchProduct is the product of patches, one row an output, with a kernel seen as a matrix.
func (b *rewriter) patchProduct(n *node, g *geometry, patches, w *value, rows, columns []int) []*value {
	places := g.batch * g.outH * g.outW
	left := matrix{batch: 1, rows: places, columns: g.kh * g.kw * g.cin, rowStride: g.kh * g.kw * g.cin, columnStride: 1}
	rest := otherAxes(w, rows, columns)
	w, right := b.matrix(w, rest, rows, columns)
	return []*value{b.reshape(b.product(patches, w, left, right), n.outputs[0].shape.Dimensions...)}
}

// patches rearranges x to one row of kh·kw·cin values for each patch.
func (b *rewriter) patches(x *value, g *geometry) *value {
	split := b.reshape(x, g.batch, g.outH, g.kh, g.outW, g.kw, g.cin)
	return b.reshape(b.transpose(split, 0, 1, 3, 2, 4, 5), g.batch*g.outH*g.outW, g.kh*g.kw*g.cin)
}

// patchInputGradient says whether a convolution with a reversed kernel, its channels exchanged, is the input's gradient
// of one over patches: then each value of x spreads over a patch of its own.
func patchInputGradient(g *geometry) bool {
	return g.groups == 1 && g.strideH == 1 && g.strideW == 1 && g.dilationH == 1 && g.dilationW == 1 &&
		g.inputDilationH == g.kh && g.inputDilationW == g.kw && g.padTop == g.kh-1 && g.padLeft == g.kw-1 &&
		g.outH == g.h*g.kh && g.outW == g.w*g.kw
}

// patchInputGradient multiplies v, a row for each patch, by the transposed kernel and puts the patches into place.
func (b *rewriter) patchInputGradient(n *node, g *geometry, v, w *value) []*value {
	left := matrix{batch: 1, rows: g.batch * g.h * g.w, columns: g.cin, rowStride: g.cin, columnStride: 1}
	w, right := b.matrix(w, nil, []int{3}, []int{0, 1, 2})
	spread := b.reshape(b.product(v, w, left, right), g.batch, g.h, g.w, g.kh, g.kw, g.cout)
	return []*value{b.reshape(b.transpose(spread, 0, 1, 3, 2, 4, 5), n.outputs[0].shape.Dimensions...)}
}

func (b *rewriter) kernelGradient(n *node, g *geometry, a convolutionOf) []*value {
	x, v := n.inputs[0], n.inputs[1]
	var dw *value
	switch {
	case g.depthwise() && g.cin > 1:
		d := kernel.DepthwiseGradient{Depthwise: g.kernelDepthwise()}
		dw = b.kernelNode(depthwiseGradientOf{d}, []int{g.kh, g.kw, 1, g.cout}, v, x)
	case g.pointwise(), g.patches():
		if !g.pointwise() {
			x = b.patches(x, g)
		}
		places, depth := g.batch*g.outH*g.outW, g.kh*g.kw*g.cin
		left := matrix{batch: 1, rows: depth, columns: places, rowStride: 1, columnStride: depth}
		right := matrix{batch: 1, rows: places, columns: g.cout, rowStride: g.cout, columnStride: 1}
		dw = b.reshape(b.product(x, v, left, right), g.kh, g.kw, g.cin, g.cout)
	default:
		return nil
	}
	permutation := make([]int, 4)
	permutation[a.axes.OutputSpatial[0]], permutation[a.axes.OutputSpatial[1]] = 0, 1
	permutation[a.axes.OutputBatch], permutation[a.axes.OutputChannels] = 2, 3
	return []*value{b.transpose(dw, permutation...)}
}
