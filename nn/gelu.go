package nn

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// GELU is the exact Gaussian error linear unit, x·Φ(x) (Hendrycks and Gimpel, 2016).
type GELU struct{}

// Apply implements [Layer].
func (GELU) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	// Φ(x), the normal distribution; its derivative is the density exp(-x²/2)/√(2π).
	cumulative := graph.AddScalar(graph.MulScalar(graph.Erf(graph.MulScalar(x, math.Sqrt2/2)), 0.5), 0.5)
	return gradient.Custom(graph.Mul(x, cumulative), []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		density := graph.MulScalar(graph.Exp(graph.MulScalar(graph.Square(x), -0.5)), 1/math.Sqrt(2*math.Pi))
		return []*graph.Node{graph.Mul(v, graph.Add(cumulative, graph.Mul(x, density)))}
	})
}
