package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ConvConfig is the geometry of a [Conv].
type ConvConfig struct {
	// Kernel is the kernel's height and width.
	Kernel int
	// Stride is the step along both axes; 0 stands for 1.
	Stride int
	// Padding is the number of zeros added on every side.
	Padding int
	// Groups is the number of groups that the channels are divided into; 0 stands for 1.
	Groups int
}

// Conv is a convolution with bias.
type Conv struct {
	config       ConvConfig
	weight, bias *Param
}

// NewConv declares a convolution from in to out channels: weight [out, in/groups, kernel, kernel] and bias.
func NewConv(path Path, in, out int, config ConvConfig) *Conv {
	config.Stride = max(config.Stride, 1)
	config.Groups = max(config.Groups, 1)
	return &Conv{
		config: config,
		weight: path.Param("weight", Kernel(config.Kernel, config.Kernel, in/config.Groups, out), Normal(0.02)),
		bias:   path.Param("bias", Vector(out), Constant(0)),
	}
}

// Apply implements [Layer].
func (c *Conv) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	weight := c.weight.Node(scope, x)
	pad := [2]int{c.config.Padding, c.config.Padding}
	y := graph.Convolve(x, weight).
		Strides(c.config.Stride).
		PaddingPerDim([][2]int{pad, pad}).
		ChannelGroupCount(c.config.Groups).
		Done()
	countMACs(y, c.config.Kernel*c.config.Kernel*weight.Shape().Dim(2))
	return addBias(y, c.bias.Node(scope, x))
}

// addBias adds a vector to the last axis of x.
func addBias(x, bias *graph.Node) *graph.Node {
	return graph.Add(x, graph.ExpandLeftToRank(bias, x.Rank()))
}
