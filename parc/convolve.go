package parc

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Convolve applies the operator to x of shape [B, H, W, C] with the given meta kernel, position embedding and bias.
//
// The kernel is depth-wise of shape [K, C] or dense of shape [K, C, Cout]. The embedding has the shape [K', C], of any
// length K'; the bias has one element an output channel. Embedding and bias may be nil. All have x's type. The result has
// the shape [B, H, W, C], or [B, H, W, Cout] with a dense kernel. It panics with an error where the arguments do not fit
// each other.
func Convolve(x, kernel, embedding, bias *graph.Node, options Options) *graph.Node {
	check(x, kernel, embedding, bias, options)
	n := x.Shape().Dim(options.Axis.dimension())
	if embedding != nil {
		embedding = options.Fit.to(n, embedding)
	}
	c := circular{axis: options.Axis, form: options.Form.on(x.Graph()), asked: options.Form != Auto}
	return c.convolve(x, options.Fit.to(n, kernel), embedding, bias)
}

// Embed adds the position embedding [K, C] to x of shape [B, H, W, C], fitted to the options' axis. It is the first step
// of [Convolve], for networks that have another layer between it and the convolution, as ParC-Net does. It panics with
// an error where the arguments do not fit each other.
func Embed(x, embedding *graph.Node, options Options) *graph.Node {
	mustBeOneOf("axis", int(options.Axis), axisNames)
	mustBeOneOf("fit", int(options.Fit), fitNames)
	mustBeImages(x)
	mustBeEmbedding(embedding, x)
	n := x.Shape().Dim(options.Axis.dimension())
	return graph.Add(x, options.Axis.line(options.Fit.to(n, embedding)))
}

// check panics with an error that names the argument that does not fit.
func check(x, kernel, embedding, bias *graph.Node, options Options) {
	mustBeOneOf("axis", int(options.Axis), axisNames)
	mustBeOneOf("fit", int(options.Fit), fitNames)
	mustBeOneOf("form", int(options.Form), formNames)
	mustBeImages(x)
	channels := x.Shape().Dim(-1)
	if rank := kernel.Rank(); rank != 2 && rank != 3 {
		panic(fmt.Errorf("parc: kernel of shape %s: want [K, C], or [K, C, Cout] of a dense kernel", kernel.Shape()))
	}
	mustFit("kernel", kernel, x)
	if embedding != nil {
		mustBeEmbedding(embedding, x)
	}
	if kernel.Rank() == 3 {
		channels = kernel.Shape().Dim(2)
	}
	if bias != nil {
		mustBeBias(bias, x, channels)
	}
}

// mustBeBias panics where a bias is not one element an output channel of x's type.
func mustBeBias(bias, x *graph.Node, channels int) {
	if bias.Rank() != 1 || bias.Shape().Dim(0) != channels || bias.DType() != x.DType() {
		panic(fmt.Errorf("parc: bias of shape %s: want [%d] of type %s", bias.Shape(), channels, x.DType()))
	}
}

// mustBeImages panics where x is not [B, H, W, C] of floating-point numbers with every size at least 1.
func mustBeImages(x *graph.Node) {
	if x.Rank() != 4 || !x.DType().IsFloat() {
		panic(fmt.Errorf("parc: input of shape %s: want [B, H, W, C] of a floating-point type", x.Shape()))
	}
	for i, size := range x.Shape().Dimensions {
		if size < 1 {
			panic(fmt.Errorf("parc: input of shape %s: size of axis %c is %d, want at least 1", x.Shape(), "BHWC"[i], size))
		}
	}
}

// mustBeEmbedding panics where a position embedding is not of shape [K, C] with x's channels and type.
func mustBeEmbedding(embedding, x *graph.Node) {
	if embedding.Rank() != 2 {
		panic(fmt.Errorf("parc: position embedding of shape %s: want [K, C]", embedding.Shape()))
	}
	mustFit("position embedding", embedding, x)
}

// mustFit panics where t is not of shape [K, C, …] with x's channels and type and every size at least 1.
func mustFit(argument string, t, x *graph.Node) {
	channels := x.Shape().Dim(-1)
	for i, size := range t.Shape().Dimensions {
		if size < 1 {
			panic(fmt.Errorf("parc: %s of shape %s: size of axis %d is %d, want at least 1", argument, t.Shape(), i, size))
		}
	}
	if t.Shape().Dim(1) != channels {
		panic(fmt.Errorf("parc: %s of shape %s has %d channels: want the input's %d", argument, t.Shape(), t.Shape().Dim(1), channels))
	}
	if t.DType() != x.DType() {
		panic(fmt.Errorf("parc: %s of type %s: want the input's %s", argument, t.DType(), x.DType()))
	}
}
