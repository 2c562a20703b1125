package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// reduceBeforeSlice reduces a tensor before half of its channels, or more, are cut out, where nothing else needs the cut:
// the sums over images of what a part of the channels gets are taken without a copy of the part.
func reduceBeforeSlice(b *rewriter, n *node) []*value {
	a, ok := n.attributes.(reduceOf)
	if _, known := reductions[n.op]; !ok || !known || n.outputs[0].shape.DType != dtypes.Float32 || n.outputs[0].shape.Size() == 0 {
		return nil
	}
	part := n.inputs[0]
	cut, ok := part.node.attributes.(sliceOf)
	last := part.shape.Rank() - 1
	if !ok || !b.only(part) || slices.Contains(a.axes, last) || len(a.axes) == 0 {
		return nil
	}
	x := part.node.inputs[0]
	whole := x.shape.Dimensions[last]
	if !isWhole(cut, x.shape.Dimensions, last) || cut.strides[last] != 1 || 2*part.shape.Dimensions[last] < whole {
		return nil
	}
	shape := n.outputs[0].shape.Clone()
	reducedLast := shape.Rank() - 1
	shape.Dimensions[reducedLast] = whole
	reduced := b.make(n.op, a, shape, nil, x)
	starts, limits := make([]int, shape.Rank()), slices.Clone(shape.Dimensions)
	starts[reducedLast], limits[reducedLast] = cut.starts[last], cut.limits[last]
	strides := slices.Repeat([]int{1}, len(starts))
	return []*value{b.make(compute.OpTypeSlice, sliceOf{starts, limits, strides}, n.outputs[0].shape, nil, reduced)}
}
