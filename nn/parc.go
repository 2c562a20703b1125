package nn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/parc"
)

// ParCConfig is what the two operators of a [ParC] share.
type ParCConfig struct {
	// Kernel is the length of the meta kernels and embeddings along the height, and along the width. They are fitted to the
	// axis they meet.
	Kernel [2]int
	// Dense kernels sum over the channels of their half; otherwise each channel has a kernel of its own.
	Dense bool
	// NoPositionEmbedding leaves the embeddings out.
	NoPositionEmbedding bool
	// Form is how the operators are computed.
	Form parc.Form
}

// along returns the length of the meta kernels and embeddings along an axis.
func (c ParCConfig) along(axis parc.Axis) int {
	if axis == parc.Width {
		return c.Kernel[1]
	}
	return c.Kernel[0]
}

// ParC sees the whole image: the first half of the channels is convolved circularly along the height, the second half
// along the width, each with an embedding of the position added before (Fast-ParC, section 3; see package parc).
type ParC struct {
	height, width *circularConv
}

// NewParC declares the two operators on half the channels each, name_H and name_W, with pe, gcc_conv.weight and
// gcc_conv.bias. The number of channels must be even.
func NewParC(path Path, name string, channels int, config ParCConfig) *ParC {
	if channels%2 != 0 {
		panic(fmt.Errorf("nn: ParC on %d channels, want an even number to halve", channels))
	}
	return &ParC{
		height: newCircularConv(path.In(name+"_H"), channels/2, parc.Height, config),
		width:  newCircularConv(path.In(name+"_W"), channels/2, parc.Width, config),
	}
}

// Apply implements [Layer].
func (p *ParC) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	halves := graph.Split(x, -1, 2)
	return graph.Concatenate([]*graph.Node{p.height.Apply(scope, halves[0]), p.width.Apply(scope, halves[1])}, -1)
}

// circularConv is the operator along one axis. Embedding and bias may be nil.
type circularConv struct {
	options                 parc.Options
	embedding, weight, bias *Param
}

func newCircularConv(path Path, channels int, axis parc.Axis, config ParCConfig) *circularConv {
	c := &circularConv{options: parc.Options{Axis: axis, Form: config.Form}}
	size := config.along(axis)
	if !config.NoPositionEmbedding {
		c.embedding = path.embedding("pe", embeddingAlong(axis, size, channels))
	}
	kernel := kernelAlong(axis, size, channels)
	if config.Dense {
		kernel = denseKernelAlong(axis, size, channels)
	}
	conv := path.In("gcc_conv")
	c.weight = conv.weight("weight", kernel)
	c.bias = conv.Param("bias", Vector(channels), Constant(0))
	return c
}

// Apply implements [Layer].
func (c *circularConv) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	var embedding *graph.Node
	if c.embedding != nil {
		embedding = c.embedding.Node(scope, x)
	}
	var bias *graph.Node
	if c.bias != nil {
		bias = c.bias.Node(scope, x)
	}
	weight := c.weight.Node(scope, x)
	y := parc.Convolve(x, weight, embedding, bias, c.options)
	taps := x.Shape().Dim(1)
	if c.options.Axis == parc.Width {
		taps = x.Shape().Dim(2)
	}
	if weight.Rank() == 3 {
		taps *= x.Shape().Dim(3)
	}
	countMACs(y, taps)
	countCircular(x, c.options.Axis, weight.Rank() == 3, c.weight, c.embedding, c.bias)
	return y
}

// kernelAlong is the layout of a depth-wise kernel along the axis: [channels, 1, size, 1] or [channels, 1, 1, size] in
// PyTorch, [size, channels] here.
func kernelAlong(axis parc.Axis, size, channels int) Layout {
	height, width := along(axis, size)
	return Kernel(height, width, 1, channels).As(size, channels)
}

// denseKernelAlong is the layout of a dense kernel: [channels, channels, size, 1] or [channels, channels, 1, size] in
// PyTorch, [size, channels, channels] here.
func denseKernelAlong(axis parc.Axis, size, channels int) Layout {
	height, width := along(axis, size)
	return Kernel(height, width, channels, channels).As(size, channels, channels)
}

// embeddingAlong is the layout of a position embedding: [1, channels, size, 1] or [1, channels, 1, size] in PyTorch,
// [size, channels] here.
func embeddingAlong(axis parc.Axis, size, channels int) Layout {
	height, width := along(axis, size)
	return Layout{Torch: []int{1, channels, height, width}, Axes: []int{2, 3, 0, 1}, Shape: []int{size, channels}}
}

// along returns the height and width of what has the size along the axis alone.
func along(axis parc.Axis, size int) (height, width int) {
	if axis == parc.Width {
		return 1, size
	}
	return size, 1
}
