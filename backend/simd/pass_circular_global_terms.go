package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// packedGlobalOf is a global kernel laid out, with the terms that there are as inputs after it, or turned round about
// index 0 of both axes.
type packedGlobalOf struct {
	shape    kernel.CircularGlobal
	terms    globalTermsOf
	reversed bool
}

// globalMapsOf is a global convolution. Inputs: x and the packed kernel.
type globalMapsOf struct{ shape kernel.CircularGlobal }

// foldGlobalTerms takes a bias into the global convolution before it, and of weights also what is added to each place of
// the map, before or after: all of it is laid out with the kernel.
func foldGlobalTerms(b *rewriter, n *node) []*value {
	if a, ok := n.attributes.(globalOf); ok {
		return b.foldMapBefore(n, a)
	}
	if n.op != compute.OpTypeAdd {
		return nil
	}
	for i := range 2 {
		a, ok := n.inputs[i].node.attributes.(globalOf)
		if ok && b.only(n.inputs[i]) && n.inputs[i].shape.Equal(n.outputs[0].shape) {
			if folded := b.foldMapAfter(n.inputs[i].node, a, n.inputs[1-i]); folded != nil {
				return folded
			}
		}
	}
	return nil
}

// foldMapBefore uses global(x + t, w) = global(x, w) + global(t, w).
func (b *rewriter) foldMapBefore(n *node, a globalOf) []*value {
	sum, w := n.inputs[0].node, n.inputs[1]
	if sum.op != compute.OpTypeAdd {
		return nil
	}
	for i := range 2 {
		x, operand := sum.inputs[i], sum.inputs[1-i]
		if !x.shape.Equal(sum.outputs[0].shape) {
			continue
		}
		if t := b.weightMap(operand, x, w); t != nil {
			terms := a.terms.operands(n.inputs)
			table := b.global(b.reshape(t, append([]int{1}, t.shape.Dimensions...)...), w, globalTerms{})
			terms.table = b.plus(terms.table, b.reshape(table, t.shape.Dimensions...))
			return []*value{b.global(x, w, terms)}
		}
	}
	return nil
}

// foldMapAfter takes in what is added to the output of a global convolution.
func (b *rewriter) foldMapAfter(global *node, a globalOf, operand *value) []*value {
	x, w, terms := global.inputs[0], global.inputs[1], a.terms.operands(global.inputs)
	channels := x.shape.Dimensions[3]
	source, dims := repeatedSource(operand)
	if slices.Equal(dims, []int{1, 1, 1, channels}) {
		terms.bias = b.plus(terms.bias, b.vector(source))
		return []*value{b.global(x, w, terms)}
	}
	if t := b.weightMap(operand, x, w); t != nil {
		terms.table = b.plus(terms.table, t)
		return []*value{b.global(x, w, terms)}
	}
	return nil
}

// weightMap returns an operand that is repeated over images x, as [H, W, C], where it, like the kernel w, is made of
// weights that do not change from call to call.
func (b *rewriter) weightMap(operand, x, w *value) *value {
	if b.trains || !b.ofWeights(operand) || !b.ofWeights(w) || b.ofWeights(x) {
		return nil
	}
	source, dims := repeatedSource(operand)
	d := x.shape.Dimensions
	if !slices.Equal(dims, []int{1, d[1], d[2], d[3]}) {
		return nil
	}
	return b.reshape(source, d[1:]...)
}

// lowerGlobals lays out the kernels of global convolutions.
func lowerGlobals(b *rewriter, n *node) []*value {
	a, ok := n.attributes.(globalOf)
	if !ok {
		return nil
	}
	packed := packedGlobalOf{shape: globalShape(n.inputs[0]), terms: a.terms}
	packed.shape.Table = a.terms.table
	w := n.inputs[1]
	if original := turnedMap(w); original != nil && a.terms == (globalTermsOf{}) {
		w, packed.reversed = original, true
	}
	kernel := b.kernelNode(packed, []int{packed.shape.PackedSize()}, append([]*value{w}, n.inputs[2:]...)...)
	return []*value{b.kernelNode(globalMapsOf{packed.shape}, n.outputs[0].shape.Dimensions, n.inputs[0], kernel)}
}

// turnedMap returns u where w [H, W, C] is u turned round about index 0 of both axes: of the first, transposed, of the
// other, and transposed back.
func turnedMap(w *value) *value {
	for range 2 {
		for w.node.op == compute.OpTypeReshape {
			w = w.node.inputs[0]
		}
		a, ok := w.node.attributes.(transposeOf)
		if !ok || !slices.Equal(a.permutation, []int{1, 0, 2}) {
			return nil
		}
		rows := w.shape.Dimensions[1]
		if w = turnedRound(w.node.inputs[0]); w == nil || w.shape.Dimensions[0] != rows {
			return nil
		}
	}
	return w
}
