package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// circularOf is a depth-wise circular convolution along one axis. Inputs: x and the packed kernel.
type circularOf struct {
	shape kernel.Circular
	form  circularForm
}

// packedCircularOf is a circular kernel, and maybe a bias, laid out for a form.
type packedCircularOf struct{ form circularForm }

// circularGradientOf is the gradient of a circular kernel. Inputs: v and x.
type circularGradientOf struct {
	shape kernel.Circular
	form  circularGradientForm
}

// circularForm is a way to compute a circular convolution: directly, or through the frequencies.
type circularForm interface {
	PackedSize() int
	PackUnits() int
	Pack(packed, w []float32, terms kernel.CircularTerms, lo, hi int)
	PackReversed(packed, w []float32, lo, hi int)
	Units() int
	ScratchSize() int
	Run(out, x, packed []float32, lo, hi int, scratch []float32)
}

// circularGradientForm is the same for the gradient of the kernel.
type circularGradientForm interface {
	Units() int
	PartialSize() int
	ScratchSize() int
	Run(partial, v, x, embedding []float32, lo, hi int, scratch []float32)
	Combine(dw, partial []float32)
}

// recognizeCircular makes one node of the operator as the paper writes it (Algorithm 1): x concatenated with its first
// N−1 rows, then a depth-wise convolution along that axis with a kernel of length N and no padding. Its kernel's
// gradient has the same concatenation.
func recognizeCircular(b *rewriter, n *node) []*value {
	if g, a, ok := forwardGeometry(n); ok && a.axes.KernelInputChannels == 2 {
		x, shape, ok := wrapped(n.inputs[0], g)
		if !ok || g.cout != g.cin {
			return nil
		}
		form := fasterForm(shape, anyAlgorithm)
		packed := b.kernelNode(packedCircularOf{form}, []int{form.PackedSize()}, n.inputs[1])
		return []*value{b.kernelNode(circularOf{shape, form}, n.outputs[0].shape.Dimensions, x, packed)}
	}
	if g, a, ok := kernelGradientGeometry(n); ok && a.axes.OutputBatch == 2 && a.axes.OutputChannels == 3 && slices.Equal(a.axes.OutputSpatial, []int{0, 1}) {
		x, shape, ok := wrapped(n.inputs[0], g)
		if !ok || g.cout != g.cin {
			return nil
		}
		return []*value{b.kernelNode(circularGradientOf{shape, fasterGradientForm(shape, anyAlgorithm)}, n.outputs[0].shape.Dimensions, n.inputs[1], x)}
	}
	return nil
}

// wrapped returns what a convolution's input is the wrapped form of, if the convolution is circular.
func wrapped(input *value, g *geometry) (*value, kernel.Circular, bool) {
	var none kernel.Circular
	a, ok := input.node.attributes.(concatOf)
	if !ok || !g.depthwise() || !g.undilated() || !g.unpadded() || g.strideH != 1 || g.strideW != 1 ||
		len(input.node.inputs) != 2 || a.axis != 1 && a.axis != 2 {
		return nil, none, false
	}
	x, head := input.node.inputs[0], input.node.inputs[1]
	length := x.shape.Dimensions[a.axis]
	kernelDims, axis := [2]int{length, 1}, kernel.Height
	if a.axis == 2 {
		kernelDims, axis = [2]int{1, length}, kernel.Width
	}
	if [2]int{g.kh, g.kw} != kernelDims || !isHead(head, x, a.axis, length-1) {
		return nil, none, false
	}
	return x, kernel.Circular{Batch: g.batch, H: g.outH, W: g.outW, C: g.cin, Axis: axis, InStride: g.cin, OutStride: g.cin}, true
}

// isHead says whether v is the first count rows of x along an axis.
func isHead(v, x *value, axis, count int) bool {
	a, ok := v.node.attributes.(sliceOf)
	if !ok || v.node.op != compute.OpTypeSlice || v.node.inputs[0] != x {
		return false
	}
	for i, size := range x.shape.Dimensions {
		limit := size
		if i == axis {
			limit = count
		}
		if a.starts[i] != 0 || a.limits[i] != limit || a.strides[i] != 1 {
			return false
		}
	}
	return true
}
