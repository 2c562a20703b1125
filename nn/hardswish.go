package nn

// Sigmoid and swish in straight lines (Howard et al., "Searching for MobileNetV3").

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// HardSigmoid is x/6 + 1/2, at least 0 and at most 1. Its derivative at the corners is 0, as PyTorch's.
type HardSigmoid struct{}

// Apply implements [Layer].
func (HardSigmoid) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	y := hardSigmoid(x)
	return gradient.Custom(y, []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		inside := graph.LogicalAnd(isPositive(y), graph.LessThan(y, graph.ScalarOne(y.Graph(), y.DType())))
		return []*graph.Node{graph.Where(inside, graph.DivScalar(v, 6), graph.ZerosLike(v))}
	})
}

// HardSwish is x times its [HardSigmoid].
type HardSwish struct{}

// Apply implements [Layer].
func (HardSwish) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	gate := hardSigmoid(x)
	return gradient.Custom(graph.Mul(x, gate), []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		inside := graph.LessThan(graph.Abs(x), graph.Scalar(x.Graph(), x.DType(), 3))
		return []*graph.Node{graph.Mul(v, graph.Where(inside, graph.AddScalar(graph.DivScalar(x, 3), 0.5), gate))}
	})
}

func hardSigmoid(x *graph.Node) *graph.Node {
	return graph.ClipScalar(graph.AddScalar(graph.MulScalar(x, 1./6), 0.5), 0, 1)
}
