package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Dropout zeroes each value with this probability while training, and divides the others by the probability of being
// kept, so that the expected value stays the same (Srivastava et al., "Dropout"). It changes nothing where the graph is
// not marked as training.
type Dropout float64

// Apply implements [Layer].
func (d Dropout) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	return drop(scope, x, float64(d), x.Shape())
}
