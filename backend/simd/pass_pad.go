package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// joinPads makes one concatenation of tensors that are continued with zeros along one axis, side by side, and added: that
// is what automatic differentiation makes of a tensor that was split.
func joinPads(b *rewriter, n *node) []*value {
	if n.op != compute.OpTypeAdd || n.outputs[0].shape.DType != dtypes.Float32 {
		return nil
	}
	for i := range 2 {
		sum, pad := n.inputs[i], n.inputs[1-i]
		if joined := b.join(sum, pad); joined != nil {
			return []*value{joined}
		}
		if sum.node.op != compute.OpTypeAdd || !b.only(sum) {
			continue
		}
		for j := range 2 {
			rest, other := sum.node.inputs[j], sum.node.inputs[1-j]
			if joined := b.join(other, pad); joined != nil && rest.shape.Equal(joined.shape) {
				return []*value{b.make(compute.OpTypeAdd, nil, joined.shape, nil, rest, joined)}
			}
		}
	}
	return nil
}

// join returns the sum of two pads as one tensor, or nil where they do not stand side by side.
func (b *rewriter) join(x, y *value) *value {
	p, axis, ok := zerosAround(x)
	q, other, also := zerosAround(y)
	if !ok || !also || axis != other || !x.shape.Equal(y.shape) {
		return nil
	}
	first, second := x.node.inputs[0], y.node.inputs[0]
	if p[axis].Start > q[axis].Start {
		p, q, first, second = q, p, second, first
	}
	if p[axis].Start+first.shape.Dimensions[axis] != q[axis].Start {
		return nil
	}
	parts := append(partsOf(first, axis), partsOf(second, axis)...)
	shape := first.shape.Clone()
	shape.Dimensions[axis] += second.shape.Dimensions[axis]
	joined := b.concatenate(axis, shape, parts)
	if shape.Equal(x.shape) {
		return joined
	}
	around := slices.Clone(p)
	around[axis] = compute.PadAxis{Start: p[axis].Start, End: q[axis].End}
	return b.make(compute.OpTypePad, padOf{around}, x.shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Pad(in[0], in[1], around...)
	}, joined, x.node.inputs[1])
}

func (b *rewriter) concatenate(axis int, shape shapes.Shape, parts []*value) *value {
	return b.make(compute.OpTypeConcatenate, concatOf{axis}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Concatenate(axis, in...)
	}, parts...)
}

// partsOf returns what a value is a concatenation of along an axis: at least itself.
func partsOf(v *value, axis int) []*value {
	if a, ok := v.node.attributes.(concatOf); ok && a.axis == axis {
		return slices.Clone(v.node.inputs)
	}
	return []*value{v}
}

// zerosAround returns the padding of a value that is a tensor continued with zeros along one axis, and that axis.
func zerosAround(v *value) (padding []compute.PadAxis, axis int, ok bool) {
	a, isPad := v.node.attributes.(padOf)
	if !isPad || v.node.inputs[0].shape.Size() == 0 {
		return nil, 0, false
	}
	if fill, known := scalarConstant(v.node.inputs[1]); !known || fill != 0 {
		return nil, 0, false
	}
	axis = -1
	for i, p := range a.axes {
		switch {
		case p == compute.PadAxis{}:
		case axis >= 0 || p.Interior != 0 || p.Start < 0 || p.End < 0:
			return nil, 0, false
		default:
			axis = i
		}
	}
	return a.axes, axis, axis >= 0
}
