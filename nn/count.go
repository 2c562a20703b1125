package nn

// Counting parameters and multiply-adds while a graph is built, so that the counts cannot differ from the network.

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/parc"
)

// Counter adds up what the layers that are applied in a graph hold and do.
type Counter struct {
	// Parameters is the number of learned values, each counted once however often it is used.
	Parameters int64
	// MACs is the number of multiply-adds of convolutions and dense layers, for all images of the batch. Circular
	// convolutions count as their spatial form.
	MACs int64

	// Circular lists the circular convolutions along one axis in the order in which they are applied.
	Circular []Circular

	seen map[*Param]bool
}

// Circular is a circular convolution along one axis, of a map of the given height, width and channels.
type Circular struct {
	Height, Width, Channels int
	Axis                    parc.Axis
	// Dense kernels sum over the channels.
	Dense bool
	// Parameters is the number of its learned values: kernel, embedding and bias.
	Parameters int64
}

// Count returns a counter of the layers applied in g from now on.
func Count(g *graph.Graph) *Counter {
	counter := &Counter{seen: make(map[*Param]bool)}
	g.AttachState(counterKey{}, counter)
	return counter
}

type counterKey struct{}

func countParameters(g *graph.Graph, p *Param) {
	if counter, ok := g.State(counterKey{}).(*Counter); ok && !counter.seen[p] {
		counter.seen[p] = true
		counter.Parameters += int64(shapeSize(p.Layout.Shape))
	}
}

// countMACs counts taps multiply-adds for each element of y.
func countMACs(y *graph.Node, taps int) {
	if counter, ok := y.Graph().State(counterKey{}).(*Counter); ok {
		counter.MACs += int64(y.Shape().Size()) * int64(taps)
	}
}

// countCircular lists a convolution of x along the axis, with these parameters, of which some may be nil.
func countCircular(x *graph.Node, axis parc.Axis, dense bool, parameters ...*Param) {
	counter, ok := x.Graph().State(counterKey{}).(*Counter)
	if !ok {
		return
	}
	dims := x.Shape().Dimensions
	c := Circular{Height: dims[1], Width: dims[2], Channels: dims[3], Axis: axis, Dense: dense}
	for _, p := range parameters {
		if p != nil {
			c.Parameters += int64(shapeSize(p.Layout.Shape))
		}
	}
	counter.Circular = append(counter.Circular, c)
}

func shapeSize(shape []int) int {
	size := 1
	for _, dim := range shape {
		size *= dim
	}
	return size
}
