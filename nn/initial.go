package nn

// Values that parameters begin with.

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Initializer gives the first values of a parameter, random ones from the generator of scope's store.
type Initializer func(scope *model.Scope) model.VariableInitializer

// Constant begins with one value everywhere.
func Constant(value float64) Initializer {
	return func(*model.Scope) model.VariableInitializer {
		return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
			return graph.BroadcastToDims(graph.Scalar(g, shape.DType, value), shape.Dimensions...)
		}
	}
}

// Normal begins with values of a normal distribution around 0. Where references say "truncated normal" for the
// deviation 0.02 they cut at ±2, a hundred deviations away: this is the same.
func Normal(deviation float64) Initializer {
	return func(scope *model.Scope) model.VariableInitializer {
		return initializer.RandomNormalFn(scope, deviation)
	}
}
