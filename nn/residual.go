package nn

// Residual branches, and what stands at their end.

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Residual adds what its layers make of the input to the input.
type Residual Sequential

// Apply implements [Layer].
func (r Residual) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	return graph.Add(x, Sequential(r).Apply(scope, x))
}

// LayerScale multiplies each channel by a learned factor (Touvron et al., "Going deeper with Image Transformers").
type LayerScale struct {
	gamma *Param
}

// NewLayerScale declares the factors, gamma [channels], that begin at the given value.
func NewLayerScale(path Path, channels int, initial float64) *LayerScale {
	return &LayerScale{gamma: path.Param("gamma", Vector(channels), Constant(initial))}
}

// Apply implements [Layer].
func (l *LayerScale) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.ExpandLeftToRank(l.gamma.Node(scope, x), x.Rank()))
}

// DropPath zeroes each sample of the batch with this probability while training, and divides the others by the
// probability of being kept, so that the expected value stays the same (Huang et al., "Deep Networks with Stochastic
// Depth"). It changes nothing where the graph is not marked as training.
type DropPath float64

// Apply implements [Layer].
func (d DropPath) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	samples := x.Shape().Clone()
	for axis := 1; axis < samples.Rank(); axis++ {
		samples.Dimensions[axis] = 1
	}
	return drop(scope, x, float64(d), samples)
}

// drop decides, for each element of a shape that x's axes are multiples of, whether what it stands for is zeroed.
func drop(scope *model.Scope, x *graph.Node, probability float64, decisions shapes.Shape) *graph.Node {
	g := x.Graph()
	if probability == 0 || !scope.Store().IsTraining(g) {
		return x
	}
	keep := 1 - probability
	kept := scope.RandomBernoulli(graph.Scalar(g, x.DType(), keep), decisions)
	return graph.Mul(x, graph.MulScalar(kept, 1/keep))
}
