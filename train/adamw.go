package train

import (
	"maps"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	gomlx "github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/support/exceptions"
)

// AdamW is GoMLX's Adam with decoupled weight decay on chosen variables (Loshchilov and Hutter 2019, "Decoupled Weight
// Decay Regularization", algorithm 2; GoMLX's own decays every variable). It implements optimizer.Interface.
type AdamW struct {
	// LearningRate where no schedule sets another one.
	LearningRate float64
	// WeightDecay is the share of a weight that each step of learning rate 1 takes away. 0 means none.
	WeightDecay float64
	// Decays says which variables decay. Nil means none of them.
	Decays func(v *model.Variable) bool
	// ClipNorm is the largest L2 norm that all gradients together may have. 0 means no limit.
	ClipNorm float64
}

// epsilon is PyTorch's, which published recipes assume; GoMLX's is ten times as large.
const epsilon = 1e-8

// UpdateGraph adds one step towards a smaller loss to the graph.
func (o *AdamW) UpdateGraph(scope *model.Scope, g *graph.Graph, loss *graph.Node) {
	if !loss.IsScalar() {
		exceptions.Panicf("AdamW: the loss has shape %s, expected a scalar", loss.Shape())
	}
	dtype := loss.DType()
	trained := trainedBy(scope, g)
	gradients := clipByGlobalNorm(scope.BuildTrainableVariablesGradientsGraph(loss), trained, o.ClipNorm)
	decaying := o.decaying(trained)
	before := make([]*graph.Node, len(decaying))
	for i, v := range decaying {
		before[i] = v.NodeValue(g)
	}
	o.adam().(gomlx.OptimizeWithGradients).UpdateGraphWithGradients(scope, gradients, dtype)

	learningRate := optimizer.LearningRateVar(scope, dtype, o.LearningRate).NodeValue(g)
	for i, v := range decaying {
		share := graph.ConvertDType(graph.MulScalar(learningRate, o.WeightDecay), v.DType())
		v.SetNodeValue(graph.Sub(v.NodeValue(g), graph.Mul(before[i], share)))
	}
}

// Clear deletes the moments and the step count.
func (o *AdamW) Clear(scope *model.Scope) error { return o.adam().Clear(scope) }

func (o *AdamW) adam() optimizer.Interface {
	return optimizer.Adam().LearningRate(o.LearningRate).Epsilon(epsilon).Done()
}

// trainedBy lists the variables that the graph trains, in the order of their gradients.
func trainedBy(scope *model.Scope, g *graph.Graph) []*model.Variable {
	var trained []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			trained = append(trained, v)
		}
	}
	return trained
}

func (o *AdamW) decaying(trained []*model.Variable) []*model.Variable {
	if o.WeightDecay == 0 || o.Decays == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(trained), func(v *model.Variable) bool { return !o.Decays(v) })
}

// clipByGlobalNorm scales the gradients of variables down together where their common L2 norm exceeds the limit.
func clipByGlobalNorm(gradients []*graph.Node, variables []*model.Variable, limit float64) []*graph.Node {
	if limit <= 0 || len(gradients) == 0 {
		return gradients
	}
	// The sum is taken in the order of names, for a store that was read from a checkpoint has another order.
	squares := map[string]*graph.Node{}
	for i, gradient := range gradients {
		squares[variables[i].Path()] = graph.ConvertDType(graph.ReduceAllSum(graph.Square(gradient)), dtypes.Float32)
	}
	sum := graph.ScalarZero(gradients[0].Graph(), dtypes.Float32)
	for _, path := range slices.Sorted(maps.Keys(squares)) {
		sum = graph.Add(sum, squares[path])
	}
	// A norm of 0 leaves an infinite ratio, which the minimum takes back to 1.
	scale := graph.MinScalar(graph.MulScalar(graph.Reciprocal(graph.Sqrt(sum)), limit), 1)
	clipped := make([]*graph.Node, len(gradients))
	for i, gradient := range gradients {
		clipped[i] = graph.Mul(gradient, graph.ConvertDType(scale, gradient.DType()))
	}
	return clipped
}
