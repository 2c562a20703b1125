package simd

import (
	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// gatherCircularDense takes into a dense circular convolution what stands around it in a network: the embedding of the
// positions, made of weights, that is added to its input, the slice that its input is of all channels, and the
// concatenation that puts the results of several side by side. What follows the concatenation can then be their epilogue.
func gatherCircularDense(b *rewriter, n *node) []*value {
	if a, ok := n.attributes.(*circularDenseOf); ok && len(a.parts) == 1 {
		return b.gatherInput(n, a)
	}
	if a, ok := n.attributes.(concatOf); ok && a.axis == 3 && n.outputs[0].shape.Rank() == 4 {
		return b.gatherOutputs(n)
	}
	return nil
}

// gatherInput takes in an embedding and a slice.
func (b *rewriter) gatherInput(n *node, a *circularDenseOf) []*value {
	x, part, kernels := n.inputs[0], a.parts[0], n.inputs[1].node.inputs
	if sum := x.node; sum.op == compute.OpTypeAdd && b.only(x) && !part.embedding && b.ofWeights(kernels[0]) {
		for i := range 2 {
			if embedding := b.embeddingOf(sum.inputs[i], sum.inputs[1-i], part.shape.Axis); embedding != nil {
				x, part.embedding = sum.inputs[1-i], true
				kernels = []*value{kernels[0], embedding}
				break
			}
		}
	}
	if cut, ok := x.node.attributes.(sliceOf); ok && x.node.op == compute.OpTypeSlice && part.first == 0 {
		if from := x.node.inputs[0]; takesChannels(cut, from) {
			x, part.first, part.shape.InStride = from, cut.starts[3], from.shape.Dimensions[3]
		}
	}
	if x == n.inputs[0] {
		return nil
	}
	return []*value{b.circularDenseParts([]circularDensePart{part}, a.epilogueOf, x, kernels, n.inputs[2:])}
}

// embeddingOf returns, as [N, C], an operand of weights that is repeated over x but along the axis and over channels.
func (b *rewriter) embeddingOf(operand, x *value, axis kernel.Axis) *value {
	row := b.line(operand, x, axis)
	if row == nil || !b.ofWeights(operand) || b.ofWeights(x) {
		return nil
	}
	return b.repeated(row, x.shape.Dimensions[alongAxis(axis)], x.shape.Dimensions[3])
}

// takesChannels says whether a slice of v takes neighbouring channels of all pixels.
func takesChannels(a sliceOf, v *value) bool {
	for i, size := range v.shape.Dimensions {
		if a.strides[i] != 1 || i < 3 && (a.starts[i] != 0 || a.limits[i] != size) {
			return false
		}
	}
	return v.shape.Rank() == 4
}

// gatherOutputs makes one node of convolutions of one tensor whose results, maybe with biases, are concatenated.
func (b *rewriter) gatherOutputs(n *node) []*value {
	var parts []circularDensePart
	var x *value
	var kernels, biases []*value
	for _, input := range n.inputs {
		from, bias := b.biasedDense(input)
		if from == nil || x != nil && from.inputs[0] != x || bias == nil && len(biases) > 0 || bias != nil && len(biases) < len(parts) {
			return nil
		}
		part := from.attributes.(*circularDenseOf).parts[0]
		if len(parts) > 0 {
			last := parts[len(parts)-1]
			part.output = last.output + last.shape.COut
		}
		part.shape.OutStride = n.outputs[0].shape.Dimensions[3]
		x, parts, kernels = from.inputs[0], append(parts, part), append(kernels, from.inputs[1].node.inputs...)
		if bias != nil {
			biases = append(biases, bias)
		}
	}
	var e epilogueOf
	var operands []*value
	if len(biases) > 0 {
		e.bias = true
		shape := shapes.Make(biases[0].shape.DType, n.outputs[0].shape.Dimensions[3])
		operands = []*value{b.make(compute.OpTypeConcatenate, concatOf{0}, shape, nil, biases...)}
	}
	return []*value{b.circularDenseParts(parts, e, x, kernels, operands)}
}

// biasedDense returns the single dense circular convolution that a value used once is, and the bias that is added to it.
func (b *rewriter) biasedDense(v *value) (from *node, bias *value) {
	if v.node.op == compute.OpTypeAdd && b.only(v) {
		for i := range 2 {
			if row := b.rowOperand(v.node, v.node.inputs[i], lastSize(v.node)); row != nil {
				v, bias = v.node.inputs[1-i], row
				break
			}
		}
	}
	a, ok := v.node.attributes.(*circularDenseOf)
	if !ok || len(a.parts) != 1 || a.epilogueOf != (epilogueOf{}) || !b.only(v) {
		return nil, nil
	}
	return v.node, bias
}
