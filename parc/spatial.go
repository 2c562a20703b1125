package parc

// The spatial form: ordinary convolutions over an input that is long enough not to need the modulus.

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// convolveSpatial is convolve as a convolution without padding.
func (c circular) convolveSpatial(z, w *graph.Node) *graph.Node {
	channels := z.Shape().Dim(-1)
	dims, groups := []int{1, 1, 1, channels}, channels
	if w.Rank() == 3 {
		dims, groups = []int{1, 1, channels, w.Shape().Dim(2)}, 1
	}
	dims[c.axis.dimension()-1] = w.Shape().Dim(0)
	return graph.Convolve(c.mark(unroll(c.axis, z)), graph.Reshape(w, dims...)).ChannelGroupCount(groups).NoPadding().Done()
}

// correlateSpatial is correlate as a convolution in which batch and channels are exchanged: v is the kernel,
// and what comes out is laid out as the kernel is.
func (c circular) correlateSpatial(v, z *graph.Node, dense bool) *graph.Node {
	channels, outputs := z.Shape().Dim(-1), v.Shape().Dim(-1)
	n := z.Shape().Dim(c.axis.dimension())
	if !dense && !(onEngine(z.Graph()) && z.DType() == dtypes.Float32) {
		// Only the engine is fast at convolutions with batch groups; GoMLX's Go backend panics on them.
		return correlateByProducts(c.axis, v, z)
	}
	correlation := graph.Convolve(c.mark(unroll(c.axis, z)), v).NoPadding().AxesConfig(kernelGradientAxes)
	if dense {
		return graph.Reshape(correlation.Done(), n, channels, outputs)
	}
	return graph.Reshape(correlation.BatchGroupCount(channels).Done(), n, channels)
}

// kernelGradientAxes are those of a convolution in which batch and channels are exchanged: the gradient of an output is
// the kernel, and what comes out is laid out as a kernel is.
var kernelGradientAxes = compute.ConvolveAxesConfig{
	InputBatch: 3, InputChannels: 0, InputSpatial: []int{1, 2},
	KernelInputChannels: 0, KernelOutputChannels: 3, KernelSpatial: []int{1, 2},
	OutputBatch: 2, OutputChannels: 3, OutputSpatial: []int{0, 1},
}

// correlateByProducts is the depth-wise correlation from the products of every two positions of a line: with
// G[c,i,m] = Σ_b,j v[b,i,j,c]·z[b,m,j,c] it sums the diagonals m = i+k, indices modulo N.
func correlateByProducts(axis Axis, v, z *graph.Node) *graph.Node {
	n, channels := z.Shape().Dim(axis.dimension()), z.Shape().Dim(-1)
	products := graph.Einsum(axis.letters("n")+","+axis.letters("m")+"->cnm", v, z)
	twice := graph.Reshape(graph.Concatenate([]*graph.Node{products, products}, 2), channels, 2*n*n)
	// In rows one element longer, column k holds G[c,i,i+k].
	padded := graph.Pad(twice, graph.ScalarZero(z.Graph(), z.DType()), compute.PadAxis{}, compute.PadAxis{End: n})
	skewed := graph.Reshape(padded, channels, n, 2*n+1)
	diagonals := graph.ReduceSum(graph.SliceAxis(skewed, 2, graph.AxisRange(0, n)), 1)
	return graph.Transpose(diagonals, 0, 1)
}

// unroll returns z followed by its first N-1 positions along the axis.
func unroll(axis Axis, z *graph.Node) *graph.Node {
	n := z.Shape().Dim(axis.dimension())
	if n == 1 {
		return z
	}
	beginning := graph.SliceAxis(z, axis.dimension(), graph.AxisRange(0, n-1))
	return graph.Concatenate([]*graph.Node{z, beginning}, axis.dimension())
}
