package nn

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Attention is multi-head self-attention: each position of a sequence takes the mean of what all positions hold, weighted
// by how well its query fits their keys (Vaswani et al., "Attention is all you need").
type Attention struct {
	heads           int
	project, output *Linear
}

// NewAttention declares self-attention in sequences of vectors, with the channels divided among the heads: qkv_proj, the
// queries, keys and values as one dense layer, and out_proj, each with weight and bias.
func NewAttention(path Path, channels, heads int) *Attention {
	if heads < 1 || channels%heads != 0 {
		panic(fmt.Errorf("nn: attention with %d heads on %d channels, want a divisor of the channels", heads, channels))
	}
	return &Attention{
		heads:   heads,
		project: NewLinear(path.In("qkv_proj"), channels, 3*channels),
		output:  NewLinear(path.In("out_proj"), channels, channels),
	}
}

// Apply implements [Layer] for x of shape [sequences, length, channels].
func (a *Attention) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	sequences, length, channels := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
	width := channels / a.heads
	qkv := graph.Reshape(a.project.Apply(scope, x), sequences, length, 3, a.heads, width)
	qkv = graph.TransposeAllAxes(qkv, 2, 0, 3, 1, 4)
	part := func(i int) *graph.Node { return graph.Squeeze(graph.SliceAxis(qkv, 0, graph.AxisElem(i)), 0) }
	query, key, value := graph.MulScalar(part(0), 1/math.Sqrt(float64(width))), part(1), part(2)

	scores := graph.DotGeneral(query, []int{3}, []int{0, 1}, key, []int{3}, []int{0, 1})
	countMACs(scores, width)
	mean := graph.DotGeneral(softmax(scores), []int{3}, []int{0, 1}, value, []int{2}, []int{0, 1})
	countMACs(mean, length)
	mean = graph.TransposeAllAxes(mean, 0, 2, 1, 3)
	return a.output.Apply(scope, graph.Reshape(mean, sequences, length, channels))
}
