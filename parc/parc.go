package parc

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Builder configures the operator with its variables; Done builds it.
type Builder struct {
	scope                               *model.Scope
	x                                   *graph.Node
	kernelSize, channels                int
	dense, embedding, bias              bool
	kernelName, embeddingName, biasName string
	options                             Options
}

// New prepares the operator on x of shape [B, H, W, C], with variables in the scope. The kernel's size must be set. The
// rest has defaults: along H, depth-wise, with position embedding and bias, linear fit, automatic form.
func New(scope *model.Scope, x *graph.Node) *Builder {
	return (&Builder{scope: scope, x: x, embedding: true, bias: true}).Names("weight", "pe", "bias")
}

// Axis sets the axis along which the kernel runs: Height, the default, or Width.
func (b *Builder) Axis(axis Axis) *Builder {
	b.options.Axis = axis
	return b
}

// KernelSize sets K, the number of positions of the meta kernel and of the embedding. It is fitted to the axis; the
// published networks take the size of the axis at their training resolution. There is no default.
func (b *Builder) KernelSize(size int) *Builder {
	b.kernelSize = size
	return b
}

// Dense makes the kernel dense, from all input channels to the given number of output channels. The default is a
// depth-wise kernel, one a channel.
func (b *Builder) Dense(channels int) *Builder {
	b.dense, b.channels = true, channels
	return b
}

// PositionEmbedding sets whether a learned embedding is added to the input. The default is true: without it the operator
// does not know positions, only distances.
func (b *Builder) PositionEmbedding(use bool) *Builder {
	b.embedding = use
	return b
}

// UseBias sets whether a learned bias is added to the output. The default is true.
func (b *Builder) UseBias(use bool) *Builder {
	b.bias = use
	return b
}

// Fit sets how kernel and embedding are fitted to the axis: Linear, the default, Cubic or Crop.
func (b *Builder) Fit(fit Fit) *Builder {
	b.options.Fit = fit
	return b
}

// Form sets the form of computation: Auto, the default, Spatial or FFT.
func (b *Builder) Form(form Form) *Builder {
	b.options.Form = form
	return b
}

// Names sets the paths of the variables of kernel, embedding and bias, relative to the scope, for models that share
// weights with other frameworks: "gcc_conv/weight" is the variable weight in the sub-scope gcc_conv. The defaults are
// "weight", "pe" and "bias".
func (b *Builder) Names(kernel, embedding, bias string) *Builder {
	b.kernelName, b.embeddingName, b.biasName = kernel, embedding, bias
	return b
}

// Done creates the variables, or takes those that exist, and returns the output: [B, H, W, C], or [B, H, W, Cout] of a
// dense kernel. The scope's initializer makes kernel and embedding; the bias begins at zero. It panics with an error
// where the configuration does not fit x.
func (b *Builder) Done() *graph.Node {
	mustBeImages(b.x)
	if b.kernelSize < 1 {
		panic(fmt.Errorf("parc: kernel size %d in scope %s: want at least 1", b.kernelSize, b.scope.Scope()))
	}
	if b.dense && b.channels < 1 {
		panic(fmt.Errorf("parc: %d output channels in scope %s: want at least 1", b.channels, b.scope.Scope()))
	}
	channels := b.x.Shape().Dim(-1)
	kernelDims, outputs := []int{b.kernelSize, channels}, channels
	if b.dense {
		kernelDims, outputs = append(kernelDims, b.channels), b.channels
	}
	kernel := b.variable(b.kernelName, b.scope.Initializer(), kernelDims...)
	var embedding, bias *graph.Node
	if b.embedding {
		embedding = b.variable(b.embeddingName, b.scope.Initializer(), b.kernelSize, channels)
	}
	if b.bias {
		bias = b.variable(b.biasName, graph.Zeros, outputs)
	}
	return Convolve(b.x, kernel, embedding, bias, b.options)
}

// variable returns the value of the variable at a path relative to the scope.
func (b *Builder) variable(path string, initializer model.VariableInitializer, dims ...int) *graph.Node {
	full := model.JoinPath(b.scope.Scope(), path)
	shape := shapes.Make(b.x.DType(), dims...)
	return b.scope.Store().VariableWithShape(full, shape, initializer).NodeValue(b.x)
}
