// Package gradient gives a computation a gradient of its own in place of the one that GoMLX derives.
//
// GoMLX has no public hook for this, but its table of gradients by kind of node, [graph.VJPRegistration], is open. The
// computation and what it is differentiated by pass through one optimization barrier, an operation without effect on
// values, and the table's entry for barriers is replaced by one that knows which barriers carry a gradient.
package gradient

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Custom returns y with the gradient that vjp defines, whatever y was computed from: gradients flow from the returned
// node to the nodes wrt alone, never through y.
//
// vjp receives v, the gradient of the loss by the returned node (of y's shape), and returns the gradient of the loss by
// each of wrt, in order and of the same shapes; nil stands for no gradient. It is called while the gradient's graph is
// built and uses ordinary nodes, so that gradients of gradients follow from them. It panics, as graph functions do, if
// it returns another number of gradients than wrt has nodes.
func Custom(y *graph.Node, wrt []*graph.Node, vjp func(v *graph.Node) []*graph.Node) *graph.Node {
	g := y.Graph()
	// The barrier is known by a constant among its operands, not by itself: under gradient checkpointing GoMLX
	// differentiates a copy of it, and constants are what copies share.
	key := graph.Const(g, int32(0))
	functions, found := g.State(stateKey{}).(map[*graph.Node]vjpFunction)
	if !found {
		functions = make(map[*graph.Node]vjpFunction)
		g.AttachState(stateKey{}, functions)
	}
	functions[key] = func(v *graph.Node) []*graph.Node {
		gradients := vjp(v)
		if len(gradients) != len(wrt) {
			panic(fmt.Errorf("gradient: the gradient of %s has %d parts, want one for each of %d nodes", y, len(gradients), len(wrt)))
		}
		return gradients
	}
	operands := append(append([]*graph.Node{y}, wrt...), key)
	return graph.OptimizationBarriers(operands...)[0]
}

type (
	stateKey    struct{}
	vjpFunction = func(v *graph.Node) []*graph.Node
)

// barrierVJP is GoMLX's own gradient of barriers, which holds for all that carry none of ours.
var barrierVJP = graph.VJPRegistration[graph.NodeTypeOptimizationBarrier]

func init() {
	graph.VJPRegistration[graph.NodeTypeOptimizationBarrier] = customVJP
}

// customVJP replaces the gradient of optimization barriers.
func customVJP(barrier *graph.Node, vs []*graph.Node, shape shapes.Shape) []*graph.Node {
	functions, _ := barrier.Graph().State(stateKey{}).(map[*graph.Node]vjpFunction)
	// Checkpointing passes the operand itself in place of a barrier over one node, so there may be no inputs.
	if operands := barrier.Inputs(); len(operands) > 0 {
		if vjp, found := functions[operands[len(operands)-1]]; found {
			gradients := append([]*graph.Node{nil}, vjp(vs[0])...)
			return append(gradients, nil)
		}
	}
	return barrierVJP(barrier, vs, shape)
}
