package simd

import "github.com/gomlx/compute"

// eraseNeutral drops products with one, which the gradients of sums begin with.
func eraseNeutral(_ *rewriter, n *node) []*value {
	if n.op != compute.OpTypeMul {
		return nil
	}
	for i := range 2 {
		if one, ok := scalarConstant(n.inputs[i]); ok && one == 1 && n.inputs[1-i].shape.Equal(n.outputs[0].shape) {
			return n.inputs[1-i:][:1]
		}
	}
	return nil
}
