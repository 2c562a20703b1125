package train

import (
	"github.com/gomlx/gomlx/core/graph"
	gomlx "github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
)

// crossEntropy returns the mean cross entropy of logits [B, classes] against labels [B], int32. Of each label the
// share smoothing is spread evenly over all classes (Szegedy et al. 2016, "Rethinking the Inception Architecture",
// section 7), as PyTorch's CrossEntropyLoss does it.
func crossEntropy(smoothing float64) gomlx.LossFn {
	return func(labels, logits []*graph.Node) *graph.Node {
		classes := logits[0].Shape().Dim(-1)
		target := graph.OneHot(labels[0], classes, logits[0].DType())
		target = graph.AddScalar(graph.MulScalar(target, 1-smoothing), smoothing/float64(classes))
		return loss.CategoricalCrossEntropyLogits([]*graph.Node{target}, logits)
	}
}
