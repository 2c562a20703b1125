package simd

import "slices"

// mergeTransposes makes one transposition of two that follow each other, and none where they cancel.
func mergeTransposes(b *rewriter, n *node) []*value {
	after, ok := n.attributes.(transposeOf)
	if !ok {
		return nil
	}
	x, permutation := n.inputs[0], after.permutation
	if before, ok := x.node.attributes.(transposeOf); ok {
		permutation = make([]int, len(after.permutation))
		for i, axis := range after.permutation {
			permutation[i] = before.permutation[axis]
		}
		x = x.node.inputs[0]
	} else if !slices.Equal(permutation, sequence(len(permutation))) {
		return nil
	}
	return []*value{b.transpose(x, permutation...)}
}
