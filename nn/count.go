package nn

// Counting parameters and multiply-adds while a graph is built, so that the counts cannot differ from the network.

import "github.com/gomlx/gomlx/core/graph"

// Counter adds up what the layers that are applied in a graph hold and do.
type Counter struct {
	// Parameters is the number of learned values, each counted once however often it is used.
	Parameters int64
	// MACs is the number of multiply-adds of convolutions and dense layers, for all images of the batch. Circular
	// convolutions count as their spatial form.
	MACs int64

	seen map[*Param]bool
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

func shapeSize(shape []int) int {
	size := 1
	for _, dim := range shape {
		size *= dim
	}
	return size
}
