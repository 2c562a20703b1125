package train

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestCrossEntropySpreadsItsShareOverAllClasses(t *testing.T) {
	logits := [][]float32{{1, -2, 0.5}, {0, 3, -1}}
	labels := []int32{2, 1}
	for _, smoothing := range []float64{0, 0.1, 0.5} {
		exec := graph.MustNewExec(goBackend(t), func(logits, labels *graph.Node) *graph.Node {
			return crossEntropy(smoothing)([]*graph.Node{labels}, []*graph.Node{logits})
		})
		got := tensors.ToScalar[float32](exec.MustCall(logits, labels)[0])
		want := 0.0
		for i, row := range logits {
			sum := 0.0
			for _, logit := range row {
				sum += math.Exp(float64(logit))
			}
			for class, logit := range row {
				target := smoothing / 3
				if class == int(labels[i]) {
					target += 1 - smoothing
				}
				want -= target * (float64(logit) - math.Log(sum)) / 2
			}
		}
		closeTo(t, "loss", []float32{got}, []float64{want})
	}
}
