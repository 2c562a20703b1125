package nn

// Convolutions in groups of few channels.

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/internal/gradient"
)

// fewChannels is up to how many channels, in and out, groups are small: as matrices they leave most of a vector empty.
const fewChannels = 4

// smallGroups says whether a weight [kernel, kernel, in, groups·out] has groups of few channels, but not of one alone.
func (c ConvConfig) smallGroups(weight *graph.Node) bool {
	in, out := weight.Shape().Dim(2), weight.Shape().Dim(3)/c.Groups
	return c.Groups > 1 && in*out > 1 && max(in, out) <= fewChannels
}

// convolveGroups convolves x with a weight for which smallGroups holds: for each of a group's input channels it makes a
// depth-wise convolution of all groups at once, and adds these up. Gradients are made of depth-wise convolutions too.
func (c ConvConfig) convolveGroups(x, weight *graph.Node) *graph.Node {
	in, out := weight.Shape().Dim(2), weight.Shape().Dim(3)/c.Groups
	kernel := func(i int) *graph.Node { return graph.SliceAxis(weight, 2, graph.AxisElem(i)) }
	y := c.forward(c.ofGroups(x, 0), kernel(0))
	for i := range in - 1 {
		y = graph.Add(y, c.forward(c.ofGroups(x, i+1), kernel(i+1)))
	}
	return gradient.Custom(y, []*graph.Node{x, weight}, func(v *graph.Node) []*graph.Node {
		var byInput, byWeight []*graph.Node
		for i := range in {
			var sum *graph.Node
			var kernels []*graph.Node
			for o := range out {
				x, weight, v := c.ofGroups(x, i), c.ofGroups(kernel(i), o), c.ofGroups(v, o)
				part := c.byInput(x, weight, v)
				if sum != nil {
					part = graph.Add(sum, part)
				}
				sum = part
				kernels = append(kernels, c.byWeight(x, weight, v))
			}
			byInput = append(byInput, sum)
			byWeight = append(byWeight, joinGroups(kernels))
		}
		return []*graph.Node{joinGroups(byInput), graph.Concatenate(byWeight, 2)}
	})
}

// ofGroups returns the channel of this number of each group.
func (c ConvConfig) ofGroups(x *graph.Node, number int) *graph.Node {
	dims := x.Shape().Dimensions
	grouped := graph.Reshape(x, dims[0], dims[1], dims[2], c.Groups, -1)
	return graph.Squeeze(graph.SliceAxis(grouped, 4, graph.AxisElem(number)), 4)
}

// joinGroups is the inverse of ofGroups for all channels of a group.
func joinGroups(channels []*graph.Node) *graph.Node {
	dims := channels[0].Shape().Dimensions
	return graph.Reshape(graph.Stack(channels, 4), dims[0], dims[1], dims[2], -1)
}
