package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// foldCircularTerms takes into a circular convolution what stands before and after it and varies along its axis and over
// channels alone: a position embedding and a bias, and of weights also the scale and shift that a batch normalisation is
// at inference. All of it is laid out with the kernel.
func foldCircularTerms(b *rewriter, n *node) []*value {
	switch a := n.attributes.(type) {
	case circularOf:
		return b.foldBefore(n, a)
	case circularGradientOf:
		return b.foldEmbedding(n, a)
	}
	if n.op != compute.OpTypeAdd && n.op != compute.OpTypeSub && n.op != compute.OpTypeMul {
		return nil
	}
	for i := range 2 {
		a, ok := n.inputs[i].node.attributes.(circularOf)
		if ok && b.only(n.inputs[i]) && n.inputs[i].shape.Equal(n.outputs[0].shape) && (i == 0 || n.op != compute.OpTypeSub) {
			if folded := b.foldAfter(n, n.inputs[i].node, a, n.inputs[1-i]); folded != nil {
				return folded
			}
		}
	}
	return nil
}

// affine is what a tensor is made of: x·scale + shift. Scale [1, C] and shift [N, C] may be nil.
type affine struct{ x, scale, shift *value }

// foldBefore uses circ(x·s + t, w) = circ(x, s·w) + circ(t, w). A shift alone is an embedding.
func (b *rewriter) foldBefore(n *node, a circularOf) []*value {
	f := b.affineOf(n.inputs[0], a.axis)
	if f.x == n.inputs[0] {
		return nil
	}
	w, terms := n.inputs[1], a.terms.operands(n.inputs)
	switch {
	case f.shift == nil:
	case f.scale == nil && terms.embedding == nil:
		terms.embedding = f.shift
	default:
		rows := []int{1, w.shape.Dimensions[0], 1, w.shape.Dimensions[1]}
		table := b.circular(kernel.Height, anyAlgorithm, b.reshape(f.shift, rows...), w, circularTerms{})
		terms.table = b.plus(terms.table, b.reshape(table, w.shape.Dimensions...))
	}
	if f.scale != nil {
		w = b.times(w, f.scale)
	}
	return []*value{b.circular(a.axis, a.asked, f.x, w, terms)}
}

// affineOf takes scales of weights, and shifts, off a tensor [B, H, W, C], as far as there are any. A product that stays
// is computed anyway, together with what is added to it.
func (b *rewriter) affineOf(z *value, axis kernel.Axis) affine {
	whole := affine{x: z}
	f := whole
	for {
		n := f.x.node
		if n.op != compute.OpTypeAdd && n.op != compute.OpTypeSub && n.op != compute.OpTypeMul {
			return f
		}
		x, operand := n.inputs[0], n.inputs[1]
		row := b.line(operand, x, axis)
		if row == nil && n.op != compute.OpTypeSub {
			x, operand = operand, x
			row = b.line(operand, x, axis)
		}
		perChannel := row != nil && row.shape.Dimensions[0] == 1
		switch {
		case n.op == compute.OpTypeMul && (!perChannel || !b.ofWeights(operand)):
			return whole
		case row == nil:
			return f
		case n.op == compute.OpTypeMul:
			f.scale = b.times(f.scale, b.repeated(row, 1, z.shape.Dimensions[3]))
		default:
			row = b.repeated(row, z.shape.Dimensions[alongAxis(axis)], z.shape.Dimensions[3])
			if f.scale != nil {
				row = b.times(row, f.scale)
			}
			if n.op == compute.OpTypeSub {
				row = b.make(compute.OpTypeNeg, nil, row.shape, nil, row)
			}
			f.shift = b.plus(f.shift, row)
		}
		f.x = x
	}
}

// foldEmbedding takes an embedding into the gradient of a kernel.
func (b *rewriter) foldEmbedding(n *node, a circularGradientOf) []*value {
	if len(n.inputs) > 2 {
		return nil
	}
	f := b.affineOf(n.inputs[1], a.axis)
	if f.x == n.inputs[1] || f.scale != nil {
		return nil
	}
	return []*value{b.kernelNode(a, n.outputs[0].shape.Dimensions, n.inputs[0], f.x, f.shift)}
}

// foldAfter takes a bias, a table or a scale of weights into the circular convolution before it.
func (b *rewriter) foldAfter(n, circular *node, a circularOf, operand *value) []*value {
	x, w, terms := circular.inputs[0], circular.inputs[1], a.terms.operands(circular.inputs)
	row := b.line(operand, circular.outputs[0], a.axis)
	if row == nil {
		return nil
	}
	perChannel := row.shape.Dimensions[0] == 1
	row = b.repeated(row, row.shape.Dimensions[0], w.shape.Dimensions[1])
	if n.op == compute.OpTypeSub {
		row = b.make(compute.OpTypeNeg, nil, row.shape, nil, row)
	}
	switch {
	case n.op == compute.OpTypeMul:
		if !perChannel || !b.ofWeights(operand) {
			return nil
		}
		w = b.times(w, row)
		if terms.bias != nil {
			terms.bias = b.times(terms.bias, b.vector(row))
		}
		if terms.table != nil {
			terms.table = b.times(terms.table, row)
		}
	case perChannel:
		terms.bias = b.plus(terms.bias, b.vector(row))
	default:
		terms.table = b.plus(terms.table, row)
	}
	return []*value{b.circular(a.axis, a.asked, x, w, terms)}
}

// plus and times add and multiply small tensors; the first may be nil.
func (b *rewriter) plus(x, y *value) *value {
	if x == nil {
		return y
	}
	return b.make(compute.OpTypeAdd, nil, x.shape, nil, x, y)
}

func (b *rewriter) times(x, y *value) *value {
	if x == nil {
		return y
	}
	return b.make(compute.OpTypeMul, nil, x.shape, nil, x, y)
}

// line returns an operand that is repeated over x [B, H, W, C] and varies along the axis and over channels alone, as a
// tensor [N or 1, C or 1], or nil. An operand of x's own size counts where it is made of weights and x is not.
func (b *rewriter) line(operand, x *value, axis kernel.Axis) *value {
	if x.shape.Rank() != 4 || operand.shape.Size() == x.shape.Size() && operand.node.op != compute.OpTypeBroadcastInDim && (!b.ofWeights(operand) || b.ofWeights(x)) {
		return nil
	}
	source, dims := repeatedSource(operand)
	if dims == nil {
		return nil
	}
	for i, size := range dims {
		if size > 1 && i != alongAxis(axis) && i != 3 {
			return nil
		}
	}
	return b.reshape(source, dims[alongAxis(axis)], dims[3])
}

// repeatedSource looks through broadcasts: it returns what an operand of an operation on four axes repeats, and with which
// sizes, 1 where it repeats.
func repeatedSource(operand *value) (*value, []int) {
	dims := operand.shape.Dimensions
	switch a := operand.node.attributes.(type) {
	case broadcastOf:
		if len(dims) != 4 || !slices.IsSorted(a.axes) {
			return nil, nil
		}
		source := operand.node.inputs[0]
		sizes := []int{1, 1, 1, 1}
		for i, to := range a.axes {
			sizes[to] = source.shape.Dimensions[i]
		}
		return source, sizes
	}
	switch len(dims) {
	case 0:
		return operand, []int{1, 1, 1, 1}
	case 4:
		return operand, dims
	}
	return nil, nil
}

// repeated returns a tensor [n or 1, c or 1] repeated to [n, c].
func (b *rewriter) repeated(v *value, n, c int) *value {
	d := v.shape.Dimensions
	if d[0] == n && d[1] == c {
		return v
	}
	shape := shapes.Make(v.shape.DType, n, c)
	return b.make(compute.OpTypeBroadcastInDim, broadcastOf{[]int{0, 1}}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BroadcastInDim(in[0], shape, []int{0, 1})
	}, v)
}
