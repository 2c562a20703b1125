package simd

import "github.com/gomlx/compute"

// expandBroadcasts makes implicit broadcasts that no single repetition describes explicit, so that every element-wise
// operation can be fused.
func expandBroadcasts(b *rewriter, n *node) []*value {
	if _, known := elementwise[n.op]; !known {
		return nil
	}
	to := n.outputs[0].shape
	for i, input := range n.inputs {
		if _, ok := repeatPattern(input.shape.Dimensions, to.Dimensions); ok {
			continue
		}
		axes := make([]int, to.Rank())
		for axis := range axes {
			axes[axis] = axis
		}
		shape := to.Clone()
		shape.DType = input.shape.DType
		broadcast := &node{function: n.function, op: compute.OpTypeBroadcastInDim, attributes: broadcastOf{axes}, inputs: []*value{input}}
		broadcast.replay = replayOne(func(g compute.Function, in []compute.Value) (compute.Value, error) {
			return g.BroadcastInDim(in[0], shape, axes)
		}).many()
		broadcast.outputs = []*value{{node: broadcast, shape: shape}}
		n.inputs[i] = b.add(broadcast)
	}
	return nil
}
