package nn

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/internal/gradient"
)

// softmax makes positive numbers with the sum 1 of those on the last axis. Its gradient needs one sum.
func softmax(x *graph.Node) *graph.Node {
	y := graph.Softmax(x, -1)
	return gradient.Custom(y, []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		mean := graph.ReduceAndKeep(graph.Mul(v, y), graph.ReduceSum, -1)
		return []*graph.Node{graph.Mul(y, graph.Sub(v, mean))}
	})
}
