package nn

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/fastparc/fastparc/internal/gradient"
)

// LayerNorm normalises each vector on the last axis to mean 0 and variance 1, then scales and shifts it.
type LayerNorm struct {
	weight, bias *Param
	epsilon      float64
}

// NewLayerNorm declares a layer normalisation over channels: weight and bias, both [channels]. To the variance 1e-6 is
// added, as in ConvNeXt, unless Epsilon says otherwise.
func NewLayerNorm(path Path, channels int) *LayerNorm {
	return &LayerNorm{
		weight:  path.Param("weight", Vector(channels), Constant(1)),
		bias:    path.Param("bias", Vector(channels), Constant(0)),
		epsilon: 1e-6,
	}
}

// Epsilon sets what is added to the variance.
func (l *LayerNorm) Epsilon(epsilon float64) *LayerNorm {
	l.epsilon = epsilon
	return l
}

// Apply implements [Layer].
func (l *LayerNorm) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	return layerNorm(x, l.weight.Node(scope, x), l.bias.Node(scope, x), l.epsilon)
}

// layerNorm returns the normalised x with a gradient of its own, which needs two sums over the channels where the
// derived one needs five.
func layerNorm(x, weight, bias *graph.Node, epsilon float64) *graph.Node {
	mean := graph.ReduceAndKeep(x, graph.ReduceMean, -1)
	centered := graph.Sub(x, mean)
	variance := graph.ReduceAndKeep(graph.Square(centered), graph.ReduceMean, -1)
	inverse := graph.Rsqrt(graph.AddScalar(variance, epsilon))
	normalized := graph.Mul(centered, inverse)
	scale := graph.ExpandLeftToRank(weight, x.Rank())

	y := fusedLayerNorm(x, weight, bias, epsilon)
	if y == nil {
		y = addBias(graph.Mul(normalized, scale), bias)
	}
	return gradient.Custom(y, []*graph.Node{x, weight, bias}, func(v *graph.Node) []*graph.Node {
		byNormalized := graph.Mul(v, scale)
		mean := graph.ReduceAndKeep(byNormalized, graph.ReduceMean, -1)
		projection := graph.ReduceAndKeep(graph.Mul(byNormalized, normalized), graph.ReduceMean, -1)
		byInput := graph.Mul(inverse, graph.Sub(graph.Sub(byNormalized, mean), graph.Mul(normalized, projection)))
		return []*graph.Node{byInput, sumToVector(graph.Mul(v, normalized)), sumToVector(v)}
	})
}

// fusedLayerNorm returns the backend's own layer normalisation, or nil where it has none.
func fusedLayerNorm(x, weight, bias *graph.Node, epsilon float64) (y *graph.Node) {
	err := exceptions.TryCatch[error](func() {
		y = graph.BackendFusedLayerNorm(x, []int{x.Rank() - 1}, epsilon, weight, bias)
	})
	if err != nil && !compute.IsNotImplemented(err) {
		panic(err)
	}
	return y
}

// sumToVector adds up x over all axes but the last.
func sumToVector(x *graph.Node) *graph.Node {
	return graph.ReduceSum(graph.Reshape(x, -1, x.Shape().Dim(-1)), 0)
}
