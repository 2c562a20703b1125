package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ChannelAttention multiplies each channel by a weight that is made of the means of all channels over the image (Hu et
// al., "Squeeze-and-Excitation Networks"), with normalisations as ParC-Net has them.
type ChannelAttention struct {
	weights Sequential
}

// NewChannelAttention declares the layers from the means to a sixteenth of the channels and back: fc.0 and fc.1,
// convolution and normalisation, fc.3 and fc.4.
func NewChannelAttention(path Path, channels int) *ChannelAttention {
	const reduction = 16
	fc, few := path.In("fc"), channels/reduction
	return &ChannelAttention{Sequential{
		NewConv(fc.In(0), channels, few, ConvConfig{Kernel: 1, NoBias: true}),
		NewBatchNorm(fc.In(1), few),
		HardSwish{},
		NewConv(fc.In(3), few, channels, ConvConfig{Kernel: 1, NoBias: true}),
		NewBatchNorm(fc.In(4), channels),
		HardSigmoid{},
	}}
}

// Apply implements [Layer].
func (c *ChannelAttention) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	means := graph.ReduceAndKeep(x, graph.ReduceMean, 1, 2)
	return graph.Mul(x, c.weights.Apply(scope, means))
}
