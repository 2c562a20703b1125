package parc

// The global kernel with zeros around the map, which circular convolution is measured against: it has the same reach,
// but sees fewer and fewer places towards the borders.

import (
	"fmt"

	"github.com/fastparc/fastparc/internal/gradient"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// ConvolvePadded convolves x of shape [B, H, W, C] along the options' axis with a depth-wise kernel [K, C] and zeros
// around the map, so that the result has x's shape:
//
//	y[b,i,j,c] = bias[c] + Σ_k w[k,c] · (x + pe)[b, i+k-(K-1)/2, j, c]
//
// The kernel is as long as it is, whatever the size of the map; the embedding [K', C] is fitted to the axis. Embedding and
// bias [C] may be nil. The options' form has no meaning here. It panics with an error where the arguments do not fit each
// other.
func ConvolvePadded(x, kernel, embedding, bias *graph.Node, options Options) *graph.Node {
	mustBeOneOf("axis", int(options.Axis), axisNames)
	mustBeOneOf("fit", int(options.Fit), fitNames)
	mustBeImages(x)
	if kernel.Rank() != 2 {
		panic(fmt.Errorf("parc: kernel of shape %s: want [K, C]", kernel.Shape()))
	}
	mustFit("kernel", kernel, x)
	if embedding != nil {
		x = Embed(x, embedding, options)
	}
	k := kernel.Shape().Dim(0)
	y := padded{axis: options.Axis, before: (k - 1) / 2, after: k / 2}.convolve(x, kernel)
	if bias != nil {
		mustBeBias(bias, x, x.Shape().Dim(-1))
		y = graph.Add(y, graph.Reshape(bias, 1, 1, 1, x.Shape().Dim(-1)))
	}
	return y
}

// padded is depth-wise convolution along one axis with so many zeros before and after, and its gradient. As in circular,
// each of its two operations is the other's gradient by the kernel.
type padded struct {
	axis          Axis
	before, after int
}

// convolve returns Σ_k w[k]·z[i+k-before] for z [B, H, W, C] and w [K, C].
func (p padded) convolve(z, w *graph.Node) *graph.Node {
	k, channels := w.Shape().Dim(0), w.Shape().Dim(1)
	dims := []int{1, 1, 1, channels}
	dims[p.axis.dimension()-1] = k
	y := graph.Convolve(z, graph.Reshape(w, dims...)).ChannelGroupCount(channels).PaddingPerDim(p.paddings()).Done()
	return gradient.Custom(y, []*graph.Node{z, w}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{p.transposed(k).convolve(v, reversed(w)), p.correlate(v, z, k)}
	})
}

// correlate returns the gradient by the kernel of so many places, Σ v[i]·z[i+k-before] over all but k and the channels.
func (p padded) correlate(v, z *graph.Node, k int) *graph.Node {
	channels := z.Shape().Dim(-1)
	var w *graph.Node
	if onEngine(z.Graph()) && z.DType() == dtypes.Float32 {
		w = graph.Convolve(z, v).PaddingPerDim(p.paddings()).AxesConfig(kernelGradientAxes).BatchGroupCount(channels).Done()
		w = graph.Reshape(w, k, channels)
	} else {
		w = p.correlateBySlices(v, z, k)
	}
	return gradient.Custom(w, []*graph.Node{v, z}, func(u *graph.Node) []*graph.Node {
		return []*graph.Node{p.convolve(z, u), p.transposed(k).convolve(v, reversed(u))}
	})
}

// correlateBySlices is correlate where only plain operations are fast.
func (p padded) correlateBySlices(v, z *graph.Node, k int) *graph.Node {
	along := p.axis.dimension()
	n := z.Shape().Dim(along)
	around := make([]*graph.Node, 0, 3)
	for i, length := range []int{p.before, n, p.after} {
		dims := append([]int{}, z.Shape().Dimensions...)
		dims[along] = length
		switch {
		case i == 1:
			around = append(around, z)
		case length > 0:
			around = append(around, graph.BroadcastToDims(graph.ScalarZero(z.Graph(), z.DType()), dims...))
		}
	}
	whole := graph.Concatenate(around, along)
	rows := make([]*graph.Node, k)
	for tap := range rows {
		seen := graph.SliceAxis(whole, along, graph.AxisRange(tap, tap+n))
		rows[tap] = graph.ReduceSum(graph.Mul(v, seen), 0, 1, 2)
	}
	return graph.Stack(rows, 0)
}

// transposed is the convolution that carries gradients back, with the kernel of so many places reversed.
func (p padded) transposed(k int) padded {
	return padded{axis: p.axis, before: k - 1 - p.before, after: k - 1 - p.after}
}

func (p padded) paddings() [][2]int {
	paddings := make([][2]int, 2)
	paddings[p.axis.dimension()-1] = [2]int{p.before, p.after}
	return paddings
}

// reversed returns w with its first axis reversed, which is its own inverse; GoMLX has no gradient for Reverse.
func reversed(w *graph.Node) *graph.Node {
	return gradient.Custom(graph.Reverse(w, 0), []*graph.Node{w}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{reversed(v)}
	})
}
