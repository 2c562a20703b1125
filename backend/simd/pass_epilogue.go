package simd

import (
	"math"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// epilogueOf is what a product or convolution does with its sums before they are written: act(sum·scale + bias) +
// residual. The vectors and the residual are inputs of the node after its own two, in this order.
type epilogueOf struct {
	scale, bias, residual bool
	activation            kernel.Activation
}

// withEpilogue is the attributes of nodes that have an epilogue.
type withEpilogue interface {
	epilogue() *epilogueOf
	columns() int
	clone() withEpilogue
}

func (a *productOf) epilogue() *epilogueOf { return &a.epilogueOf }
func (a *productOf) columns() int          { return a.gemm.N }
func (a *productOf) clone() withEpilogue   { c := *a; return &c }

// operands splits the inputs of a node with an epilogue.
func (e *epilogueOf) operands(inputs []*value) (own []*value, scale, bias, residual *value) {
	own, rest := inputs[:2], inputs[2:]
	for _, part := range []struct {
		present bool
		to      **value
	}{{e.scale, &scale}, {e.bias, &bias}, {e.residual, &residual}} {
		if part.present {
			*part.to, rest = rest[0], rest[1:]
		}
	}
	return own, scale, bias, residual
}

// fuseEpilogue moves a scale, bias, activation or residual into the product or convolution that it follows.
func fuseEpilogue(b *rewriter, n *node) []*value {
	switch n.op {
	case compute.OpTypeAdd:
		for i := range 2 {
			if fused := b.fuseAdd(n, n.inputs[i], n.inputs[1-i]); fused != nil {
				return fused
			}
		}
	case compute.OpTypeMul:
		for i := range 2 {
			if fused := b.fuseScale(n, n.inputs[i], n.inputs[1-i]); fused != nil {
				return fused
			}
		}
		return b.fuseGated(n)
	case compute.OpTypeMax:
		return b.fuseActivation(n, limited(n, 0), kernel.None, kernel.ReLU, 1)
	case compute.OpTypeMin:
		return b.fuseActivation(n, limited(n, 6), kernel.ReLU, kernel.ReLU6, 1)
	}
	return nil
}

// limited returns what a maximum or minimum with the given constant is taken of, or nil.
func limited(n *node, constant float32) *value {
	for i := range 2 {
		if c, ok := scalarConstant(n.inputs[i]); ok && c == constant {
			return n.inputs[1-i]
		}
	}
	return nil
}

// producer returns the node with an epilogue that an operand v of n comes from, through views, if the given number of
// uses is all it has and n does not repeat it.
func (b *rewriter) producer(n *node, v *value, uses int) (*node, withEpilogue) {
	for v.shape.Size() == n.outputs[0].shape.Size() && b.users[v] == uses {
		if a, ok := v.node.attributes.(withEpilogue); ok {
			return v.node, a
		}
		if v.node.op != compute.OpTypeReshape {
			break
		}
		v, uses = v.node.inputs[0], 1
	}
	return nil, nil
}

// rowOperand returns the vector that an operand repeats over the last axis, where it does, as a vector.
func (b *rewriter) rowOperand(n *node, operand *value, columns int) *value {
	if operand.shape.Size() != columns && operand.node.op != compute.OpTypeBroadcastInDim {
		return nil
	}
	source, pattern := operandPattern(operand, n.outputs[0].shape.Dimensions)
	if pattern.Outer != 1 || pattern.Inner != columns || source.shape.Size() != columns || lastSize(n) != columns {
		return nil
	}
	return b.vector(source)
}

func lastSize(n *node) int {
	d := n.outputs[0].shape.Dimensions
	if len(d) == 0 {
		return 1
	}
	return d[len(d)-1]
}

func (b *rewriter) fuseAdd(n *node, x, other *value) []*value {
	if fused := b.fusePackedBias(n, x, other); fused != nil {
		return fused
	}
	from, a := b.producer(n, x, 1)
	if a == nil || a.epilogue().residual {
		return nil
	}
	e := a.epilogue()
	if row := b.rowOperand(n, other, a.columns()); row != nil && e.activation == kernel.None {
		_, _, bias, _ := e.operands(from.inputs)
		if bias != nil {
			row = b.binary(compute.OpTypeAdd, bias, row)
		}
		return b.fused(n, from, a, func(e *epilogueOf) { e.bias = true }, nil, row, nil)
	}
	if other.shape.Size() == n.outputs[0].shape.Size() && root(other) != root(x) && !isScalarConstant(other) && root(other).node.op != compute.OpTypeBroadcastInDim {
		return b.fused(n, from, a, func(e *epilogueOf) { e.residual = true }, nil, nil, other)
	}
	return nil
}

func (b *rewriter) fuseScale(n *node, x, other *value) []*value {
	if fused := b.fusePackedScale(n, x, other); fused != nil {
		return fused
	}
	from, a := b.producer(n, x, 1)
	if a == nil || a.epilogue().residual || a.epilogue().activation != kernel.None {
		return nil
	}
	row := b.rowOperand(n, other, a.columns())
	if row == nil {
		return nil
	}
	_, scale, bias, _ := a.epilogue().operands(from.inputs)
	newScale := row
	if scale != nil {
		newScale = b.binary(compute.OpTypeMul, scale, row)
	}
	if bias != nil {
		bias = b.binary(compute.OpTypeMul, bias, row)
	}
	return b.fused(n, from, a, func(e *epilogueOf) { e.scale = true }, newScale, bias, nil)
}

// fuseGated recognises x times a function of x that makes an activation of it.
func (b *rewriter) fuseGated(n *node) []*value {
	for i := range 2 {
		x, gate := n.inputs[i], n.inputs[1-i]
		for _, known := range []struct {
			activation kernel.Activation
			argument   func(gate *value) *value
		}{{kernel.GELU, b.ofNormal}, {kernel.SiLU, b.ofSigmoid}, {kernel.HardSwish, b.ofHardSigmoid}} {
			if known.argument(gate) == x {
				return b.fuseActivation(n, x, kernel.None, known.activation, 2)
			}
		}
	}
	return nil
}

// ofNormal returns y where a gate is ½·erf(y/√2) + ½; ofSigmoid where it is 1/(1 + e⁻ʸ); ofHardSigmoid where it is
// min(max(y/6 + ½, 0), 1). All return nil elsewhere.
func (b *rewriter) ofNormal(gate *value) *value {
	erf := b.timesConstant(b.plusConstant(gate, 0.5), 0.5)
	if erf == nil || erf.node.op != compute.OpTypeErf || !b.only(erf) {
		return nil
	}
	return b.timesConstant(erf.node.inputs[0], math.Sqrt2/2)
}

func (b *rewriter) ofSigmoid(gate *value) *value {
	if gate.node.op != compute.OpTypeLogistic || !b.only(gate) {
		return nil
	}
	return gate.node.inputs[0]
}

func (b *rewriter) ofHardSigmoid(gate *value) *value {
	line := b.withConstant(b.withConstant(gate, compute.OpTypeMin, 1), compute.OpTypeMax, 0)
	return b.timesConstant(b.plusConstant(line, 0.5), 1./6)
}

// plusConstant returns y where v is y + c and used once; timesConstant the same for y · c.
func (b *rewriter) plusConstant(v *value, c float64) *value {
	return b.withConstant(v, compute.OpTypeAdd, c)
}

func (b *rewriter) timesConstant(v *value, c float64) *value {
	return b.withConstant(v, compute.OpTypeMul, c)
}

func (b *rewriter) withConstant(v *value, op compute.OpType, c float64) *value {
	if v == nil || v.node.op != op || !b.only(v) {
		return nil
	}
	for i, operand := range v.node.inputs {
		if found, ok := scalarConstant(operand); ok && math.Abs(float64(found)-c) <= 1e-6*c {
			return v.node.inputs[1-i]
		}
	}
	return nil
}

// fuseActivation makes of a producer's activation before the one after it.
func (b *rewriter) fuseActivation(n *node, x *value, before, after kernel.Activation, uses int) []*value {
	if x == nil {
		return nil
	}
	from, a := b.producer(n, x, uses)
	if a == nil || a.epilogue().residual || a.epilogue().activation != before {
		return nil
	}
	return b.fused(n, from, a, func(e *epilogueOf) { e.activation = after }, nil, nil, nil)
}

// fused adds the producer anew with a larger epilogue; operands that are not nil replace those it had.
func (b *rewriter) fused(n, from *node, a withEpilogue, change func(*epilogueOf), scale, bias, residual *value) []*value {
	own, oldScale, oldBias, oldResidual := a.epilogue().operands(from.inputs)
	inputs := append([]*value{}, own...)
	for _, part := range [][2]*value{{scale, oldScale}, {bias, oldBias}, {residual, oldResidual}} {
		switch {
		case part[0] != nil:
			inputs = append(inputs, part[0])
		case part[1] != nil:
			inputs = append(inputs, part[1])
		}
	}
	larger := a.clone()
	change(larger.epilogue())
	result := b.kernelNode(larger, from.outputs[0].shape.Dimensions, inputs...)
	return []*value{b.reshape(result, n.outputs[0].shape.Dimensions...)}
}

// fusePackedBias lays a bias out together with the kernel of the depth-wise convolution that it follows.
func (b *rewriter) fusePackedBias(n *node, x, bias *value) []*value {
	x, row := b.depthwiseRow(n, x, bias)
	if row == nil || len(x.node.inputs[1].node.inputs) != 1 {
		return nil
	}
	return b.repacked(n, x, x.node.inputs[1].node.inputs[0], row)
}

// fusePackedScale multiplies the kernel of the depth-wise convolution that it follows by a scale, and its bias.
func (b *rewriter) fusePackedScale(n *node, x, scale *value) []*value {
	x, row := b.depthwiseRow(n, x, scale)
	if row == nil || !b.ofWeights(row) {
		return nil
	}
	packed := x.node.inputs[1].node.inputs
	w := packed[0]
	channels := b.reshape(row, 1, 1, 1, row.shape.Size())
	operands := []*value{b.make(compute.OpTypeMul, nil, w.shape, nil, w, channels)}
	if len(packed) > 1 {
		operands = append(operands, b.binary(compute.OpTypeMul, packed[1], row))
	}
	return b.repacked(n, x, operands...)
}

// depthwiseRow returns the depth-wise convolution that an operand of n is, through views, and the other operand as a
// vector that n repeats over its channels; nil where they are not so.
func (b *rewriter) depthwiseRow(n *node, x, other *value) (convolution, row *value) {
	for x.node.op == compute.OpTypeReshape && b.only(x) {
		x = x.node.inputs[0]
	}
	if _, ok := x.node.attributes.(depthwiseOf); !ok || !b.only(x) || x.shape.Size() != n.outputs[0].shape.Size() {
		return nil, nil
	}
	return x, b.rowOperand(n, other, lastSize(x.node))
}

// repacked is n as the depth-wise convolution x with another kernel, and maybe a bias.
func (b *rewriter) repacked(n *node, x *value, operands ...*value) []*value {
	packed := x.node.inputs[1]
	repacked := b.kernelNode(packed.node.attributes, packed.shape.Dimensions, operands...)
	result := b.kernelNode(x.node.attributes, x.shape.Dimensions, x.node.inputs[0], repacked)
	return []*value{b.reshape(result, n.outputs[0].shape.Dimensions...)}
}
