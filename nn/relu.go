package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

// ReLU is max(x, 0). Its derivative at 0 is 0, as PyTorch's; GoMLX's is 1.
type ReLU struct{}

// Apply implements [Layer].
func (ReLU) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	y := graph.MaxScalar(x, 0.0)
	return gradient.Custom(y, []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{graph.Where(isPositive(y), v, graph.ZerosLike(v))}
	})
}

// ReLU6 is min(max(x, 0), 6). Its derivative at 0 and 6 is 0, as PyTorch's.
type ReLU6 struct{}

// Apply implements [Layer].
func (ReLU6) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	y := graph.ClipScalar(x, 0, 6)
	return gradient.Custom(y, []*graph.Node{x}, func(v *graph.Node) []*graph.Node {
		inside := graph.LogicalAnd(isPositive(y), graph.LessThan(y, graph.Scalar(y.Graph(), y.DType(), 6)))
		return []*graph.Node{graph.Where(inside, v, graph.ZerosLike(v))}
	})
}

func isPositive(x *graph.Node) *graph.Node {
	return graph.GreaterThan(x, graph.ScalarZero(x.Graph(), x.DType()))
}
