package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// SiLU is the sigmoid-weighted linear unit, x·σ(x), also called swish (Elfwing et al., 2017).
type SiLU struct{}

// Apply implements [Layer].
func (SiLU) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	gate := graph.Sigmoid(x)
	return gradient.Custom(graph.Mul(x, gate), []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		slope := graph.Mul(gate, graph.OnePlus(graph.Mul(x, graph.OneMinus(gate))))
		return []*graph.Node{graph.Mul(v, slope)}
	})
}
