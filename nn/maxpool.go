package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// MaxPool takes the largest value of each channel in windows of feature maps.
type MaxPool struct {
	// Window is the windows' height and width.
	Window int
	// Stride is the step from one window to the next along both axes.
	Stride int
	// Padding is how far windows reach over every side. There is nothing there that could be the largest.
	Padding int
}

// Apply implements [Layer].
func (p MaxPool) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	border := [2]int{p.Padding, p.Padding}
	return graph.MaxPool(x).Window(p.Window).Strides(p.Stride).PaddingPerDim([][2]int{border, border}).Done()
}
