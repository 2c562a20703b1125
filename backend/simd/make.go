package simd

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Nodes that passes make.

// make adds a node with one output.
func (b *rewriter) make(op compute.OpType, attributes any, shape shapes.Shape, r replayOne, inputs ...*value) *value {
	n := &node{op: op, attributes: attributes, inputs: inputs}
	if r != nil {
		n.replay = r.many()
	}
	n.outputs = []*value{{node: n, shape: shape}}
	for _, input := range inputs {
		b.users[input]++
	}
	return b.add(n)
}

// reshape adds a view of v with other dimensions.
func (b *rewriter) reshape(v *value, dimensions ...int) *value {
	shape := shapes.Make(v.shape.DType, dimensions...)
	if shape.Equal(v.shape) {
		return v
	}
	return b.make(compute.OpTypeReshape, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reshape(in[0], dimensions...)
	}, v)
}

// vector adds a view of v as a vector.
func (b *rewriter) vector(v *value) *value { return b.reshape(v, v.shape.Size()) }

// transpose adds v with its axes permuted.
func (b *rewriter) transpose(v *value, permutation ...int) *value {
	identity := true
	dimensions := make([]int, len(permutation))
	for i, axis := range permutation {
		dimensions[i] = v.shape.Dimensions[axis]
		identity = identity && axis == i
	}
	if identity {
		return v
	}
	return b.make(compute.OpTypeTranspose, transposeOf{permutation}, shapes.Make(v.shape.DType, dimensions...),
		func(g compute.Function, in []compute.Value) (compute.Value, error) {
			return g.Transpose(in[0], permutation...)
		}, v)
}

// binary adds an element-wise operation on two vectors of one length.
func (b *rewriter) binary(op compute.OpType, x, y *value) *value {
	return b.make(op, nil, x.shape, nil, x, y)
}

// kernelNode adds a node that only a kernel here computes.
func (b *rewriter) kernelNode(attributes any, dimensions []int, inputs ...*value) *value {
	return b.make(compute.OpTypeInvalid, attributes, shapes.Make(dtypes.Float32, dimensions...), nil, inputs...)
}
