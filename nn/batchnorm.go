package nn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/gradient"
)

const (
	// batchNormEpsilon is added to the variance, as PyTorch does.
	batchNormEpsilon = 1e-5
	// batchNormMomentum is the share of the latest batch in the running statistics, as in PyTorch.
	batchNormMomentum = 0.1
)

// BatchNorm normalises each channel to mean 0 and variance 1, then scales and shifts it (Ioffe and Szegedy, "Batch
// Normalization"). In a graph that is marked as training, mean and variance are those of the batch, and running values
// of both follow them; elsewhere they are the running values.
type BatchNorm struct {
	weight, bias   *Param
	mean, variance *Param
	batches        *Param
}

// NewBatchNorm declares a batch normalisation: weight, bias, running_mean and running_var, all [channels], and the
// number of batches that the running values have seen, num_batches_tracked.
func NewBatchNorm(path Path, channels int) *BatchNorm {
	return &BatchNorm{
		weight:   path.Param("weight", Vector(channels), Constant(1)),
		bias:     path.Param("bias", Vector(channels), Constant(0)),
		mean:     path.statistic("running_mean", channels, 0),
		variance: path.statistic("running_var", channels, 1),
		batches:  path.counter("num_batches_tracked"),
	}
}

// Apply implements [Layer]. The channels are the last axis of x. While training it panics where x has a single value for
// each channel, which has no variance.
func (b *BatchNorm) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	g := x.Graph()
	weight, bias := b.weight.Node(scope, x), b.bias.Node(scope, x)
	mean, variance, batches := b.mean.variable(scope, x), b.variance.variable(scope, x), b.batches.variable(scope, x)
	if !scope.Store().IsTraining(g) {
		return scaleByStatistics(x, weight, bias, mean.NodeValue(g), variance.NodeValue(g))
	}
	count := x.Shape().Size() / x.Shape().Dim(-1)
	if count < 2 {
		panic(fmt.Errorf("nn: batch normalisation of %s while training has %d value for each channel, want at least 2", x.Shape(), count))
	}
	y, batchMean, batchVariance := normalizeBatch(x, weight, bias)
	// The running variance is PyTorch's unbiased one, the one that normalises is not.
	unbiased := graph.MulScalar(batchVariance, float64(count)/float64(count-1))
	counted := graph.AddScalar(batches.NodeValue(g), 1)
	share := graph.Scalar(g, x.DType(), batchNormMomentum)
	if g.State(averageKey{}) != nil {
		share = graph.Reciprocal(graph.ConvertDType(counted, x.DType()))
	}
	follow(mean, batchMean, share)
	follow(variance, unbiased, share)
	batches.SetNodeValue(counted)
	return y
}

// AverageBatches makes the running values of batch normalisations, in a graph that is marked as training, the averages
// of all batches that they have counted, as PyTorch's are with momentum None. Otherwise they follow the latest batches.
func AverageBatches(g *graph.Graph) {
	g.AttachState(averageKey{}, true)
}

type averageKey struct{}

// follow moves a running value towards that of the latest batch, which has this share in it.
func follow(running *model.Variable, latest, share *graph.Node) {
	kept := graph.Mul(running.NodeValue(latest.Graph()), graph.OneMinus(share))
	running.SetNodeValue(graph.Add(kept, graph.Mul(latest, share)))
}

// scaleByStatistics normalises x by a given mean and variance. What is computed from parameters alone is kept apart from
// x, so that engines can do it once.
func scaleByStatistics(x, weight, bias, mean, variance *graph.Node) *graph.Node {
	scale := graph.Mul(weight, graph.Rsqrt(graph.AddScalar(variance, batchNormEpsilon)))
	shift := graph.Sub(bias, graph.Mul(mean, scale))
	return addBias(graph.Mul(x, graph.ExpandLeftToRank(scale, x.Rank())), shift)
}

// normalizeBatch normalises x by its own mean and biased variance, which it returns too. Its gradient is its own and
// needs two sums over the batch; none flows through the returned statistics.
func normalizeBatch(x, weight, bias *graph.Node) (y, mean, variance *graph.Node) {
	share := float64(x.Shape().Dim(-1)) / float64(x.Shape().Size())
	spread := func(vector *graph.Node) *graph.Node { return graph.ExpandLeftToRank(vector, x.Rank()) }

	mean = graph.MulScalar(sumToVector(x), share)
	centered := graph.Sub(x, spread(mean))
	variance = graph.MulScalar(sumToVector(graph.Square(centered)), share)
	inverse := graph.Rsqrt(graph.AddScalar(variance, batchNormEpsilon))
	scale := graph.Mul(weight, inverse)
	y = addBias(graph.Mul(centered, spread(scale)), bias)
	y = gradient.Custom(y, []*graph.Node{x, weight, bias}, func(v *graph.Node) []*graph.Node {
		byBias := sumToVector(v)
		byWeight := graph.Mul(sumToVector(graph.Mul(v, centered)), inverse)
		// Moving all values of a channel together, or apart in proportion, changes nothing: these parts of v are taken away.
		together := graph.MulScalar(byBias, share)
		apart := graph.MulScalar(graph.Mul(byWeight, inverse), share)
		rest := graph.Sub(graph.Sub(v, spread(together)), graph.Mul(centered, spread(apart)))
		return []*graph.Node{graph.Mul(rest, spread(scale)), byWeight, byBias}
	})
	return y, mean, variance
}
