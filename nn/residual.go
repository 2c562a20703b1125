package nn

// What stands at the end of a residual branch.

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

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
	g := x.Graph()
	if d == 0 || !scope.Store().IsTraining(g) {
		return x
	}
	keep := 1 - float64(d)
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = x.Shape().Dim(0)
	kept := scope.RandomBernoulli(graph.Scalar(g, x.DType(), keep), shapes.Make(x.DType(), dims...))
	return graph.Mul(x, graph.MulScalar(kept, 1/keep))
}
