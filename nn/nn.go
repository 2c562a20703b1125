// Package nn holds the layers of fastparc's models: those that GoMLX lacks, names otherwise than PyTorch, or
// differentiates slowly.
//
// A layer is made once, which declares its parameters under the names of PyTorch's state_dict, and applied while a
// graph is built:
//
//	var state nn.State
//	path := state.Path("stages", 0)
//	layer := nn.Sequential{nn.NewDepthwiseConv(path.In("dwconv"), 96, 7, 1), nn.NewLayerNorm(path.In("norm"), 96)}
//	y := layer.Apply(scope, x) // x: [batch, height, width, 96]
//
// Images and feature maps are [batch, height, width, channels]. As everywhere in GoMLX, what builds a graph panics on
// shapes that do not fit; the packages above catch it.
package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Layer is a part of a network with one input and one output.
type Layer interface {
	// Apply adds the layer to x's graph. Parameters are the variables of scope's store at the paths of their names
	// below scope, and are created where they are absent.
	Apply(scope *model.Scope, x *graph.Node) *graph.Node
}

// Sequential applies layers one after the other.
type Sequential []Layer

// Apply implements [Layer].
func (s Sequential) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	for _, layer := range s {
		x = layer.Apply(scope, x)
	}
	return x
}

// GlobalMean averages feature maps over height and width: [batch, height, width, channels] to [batch, channels].
type GlobalMean struct{}

// Apply implements [Layer].
func (GlobalMean) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	return graph.ReduceMean(x, 1, 2)
}
