package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// recognizeSpatial recognises the operator as the paper writes it (Algorithm 1): x followed by its first N−1 rows, then a
// depth-wise convolution along that axis with a kernel of length N and no padding, its axes in any order. The gradient of
// its kernel has the same input.
func recognizeSpatial(b *rewriter, n *node) []*value {
	a := n.attributes.(convolutionOf)
	if !isPlain(n, a) {
		return nil
	}
	if g, a, ok := kernelGradientGeometry(n); ok && g.depthwise() && g.cout == g.cin && a.axes.OutputBatch == 2 &&
		a.axes.OutputChannels == 3 && slices.Equal(a.axes.OutputSpatial, []int{0, 1}) {
		x, axis, asked := b.unrolled(n.inputs[0], []int{1, 2}, [2]int{g.kh, g.kw})
		if x == nil {
			return nil
		}
		gradient := b.kernelNode(circularGradientOf{axis, asked}, []int{g.kh * g.kw, g.cin}, n.inputs[1], x)
		return []*value{b.reshape(gradient, n.outputs[0].shape.Dimensions...)}
	}
	in, w := n.inputs[0].shape.Dimensions, n.inputs[1].shape.Dimensions
	channels := in[a.axes.InputChannels]
	if a.batchGroupCount != 1 || a.channelGroupCount != channels || w[a.axes.KernelOutputChannels] != channels {
		return nil
	}
	size := [2]int{w[a.axes.KernelSpatial[0]], w[a.axes.KernelSpatial[1]]}
	x, axis, asked := b.unrolled(n.inputs[0], a.axes.InputSpatial, size)
	if x == nil {
		return nil
	}
	x = b.transpose(x, a.axes.InputBatch, a.axes.InputSpatial[0], a.axes.InputSpatial[1], a.axes.InputChannels)
	kernel := b.transpose(n.inputs[1], a.axes.KernelSpatial[0], a.axes.KernelSpatial[1], a.axes.KernelInputChannels, a.axes.KernelOutputChannels)
	y := b.circular(axis, asked, x, kernel, circularTerms{})
	back := make([]int, 4)
	back[a.axes.OutputBatch], back[a.axes.OutputSpatial[0]], back[a.axes.OutputSpatial[1]], back[a.axes.OutputChannels] = 0, 1, 2, 3
	return []*value{b.transpose(y, back...)}
}

// isPlain says whether a convolution is two-dimensional, of float32, without stride, padding and dilation.
func isPlain(n *node, a convolutionOf) bool {
	ones := []int{1, 1}
	return len(a.strides) == 2 && n.outputs[0].shape.DType == dtypes.Float32 && n.outputs[0].shape.Size() > 0 && n.inputs[0].shape.Size() > 0 &&
		slices.Equal(a.strides, ones) && slices.Equal(a.inputDilations, ones) && slices.Equal(a.kernelDilations, ones) &&
		!slices.ContainsFunc(a.paddings, func(p [2]int) bool { return p != [2]int{} })
}

// unrolled returns x, with v's order of axes, where v is x followed by its first N−1 rows along one of the two given
// axes, for a kernel of that size; and which axis that is. A barrier around v says that it is to be computed so.
func (b *rewriter) unrolled(v *value, axes []int, size [2]int) (x *value, axis kernel.Axis, asked algorithm) {
	axis = kernel.Height
	if size[0] == 1 {
		axis = kernel.Width
	}
	n, along := size[axis], axes[axis]
	if size[1-axis] != 1 || n < 2 {
		return nil, 0, 0
	}
	var permutation []int
	for {
		a, transposed := v.node.attributes.(transposeOf)
		switch {
		case isBarrier(v.node):
			asked = directly
		case transposed && permutation == nil:
			permutation, along = a.permutation, a.permutation[along]
		default:
			if x = beginningOf(v, along, n); x == nil {
				return nil, 0, 0
			}
			if permutation != nil {
				x = b.transpose(x, permutation...)
			}
			return x, axis, asked
		}
		v = v.node.inputs[0]
	}
}

// beginningOf returns the tensor of n rows along an axis that v is, followed by its first n−1 rows, however these were
// cut and put together.
func beginningOf(v *value, axis, n int) *value {
	if v.shape.Dimensions[axis] != 2*n-1 {
		return nil
	}
	want := append(sequence(n), sequence(n-1)...)
	x := v
	for x.shape.Dimensions[axis] != n {
		_, joined := x.node.attributes.(concatOf)
		_, cut := x.node.attributes.(sliceOf)
		if !joined && !cut {
			return nil
		}
		x = x.node.inputs[0]
	}
	if rows, ok := rowsOf(v, x, axis); ok && slices.Equal(rows, want) {
		return x
	}
	return nil
}

// rowsOf returns which rows of x along an axis v has, where it is made of nothing else.
func rowsOf(v, x *value, axis int) ([]int, bool) {
	if v == x {
		return sequence(x.shape.Dimensions[axis]), true
	}
	switch a := v.node.attributes.(type) {
	case concatOf:
		var all []int
		for _, input := range v.node.inputs {
			rows, ok := rowsOf(input, x, axis)
			if !ok || a.axis != axis {
				return nil, false
			}
			all = append(all, rows...)
		}
		return all, true
	case sliceOf:
		from := v.node.inputs[0]
		rows, ok := rowsOf(from, x, axis)
		if !ok || v.node.op != compute.OpTypeSlice || !isWhole(a, from.shape.Dimensions, axis) {
			return nil, false
		}
		var kept []int
		for i := a.starts[axis]; i < a.limits[axis]; i += a.strides[axis] {
			kept = append(kept, rows[i])
		}
		return kept, true
	}
	return nil, false
}

// isWhole says whether a slice takes all of every axis but the given one.
func isWhole(a sliceOf, dimensions []int, except int) bool {
	for i, size := range dimensions {
		if i != except && (a.starts[i] != 0 || a.limits[i] != size || a.strides[i] != 1) {
			return false
		}
	}
	return true
}
