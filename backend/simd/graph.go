package simd

import (
	"slices"

	"github.com/gomlx/compute"
)

// graph is what passes rewrite and plans are made from: the main function's nodes, each after the nodes it reads.
type graph struct {
	nodes      []*node
	parameters []*value
	outputs    []*value
}

func newGraph(f *Function) *graph {
	return &graph{nodes: f.nodes, parameters: f.parameters, outputs: append([]*value{}, f.outputs...)}
}

// rule looks at one node, whose inputs are rewritten already, and returns what stands in place of its outputs: nil to
// leave the node, else one value an output. The nodes it makes are added with b.
type rule func(b *rewriter, n *node) []*value

// rewriter collects the nodes of the graph to be.
type rewriter struct {
	nodes    []*node
	replaced map[*value]*value
	users    map[*value]int
	weights  map[*value]bool // what ofWeights has found out
	trains   bool            // circular kernels have gradients in the graph, so they change from call to call
}

// add appends a node made by a rule and returns its first output.
func (b *rewriter) add(n *node) *value {
	b.nodes = append(b.nodes, n)
	return n.outputs[0]
}

// only says whether a value is used once, so that fusing it into its user makes it unnecessary.
func (b *rewriter) only(v *value) bool { return b.users[v] == 1 }

// rewrite applies a rule to every node, in order.
func (g *graph) rewrite(r rule) {
	b := &rewriter{replaced: map[*value]*value{}, users: g.users(), weights: map[*value]bool{}}
	b.trains = slices.ContainsFunc(g.nodes, isCircularGradient)
	for _, n := range g.nodes {
		for i, input := range n.inputs {
			if target, ok := b.replaced[input]; ok {
				n.inputs[i] = target
			}
		}
		replacements := r(b, n)
		if replacements == nil {
			b.nodes = append(b.nodes, n)
			continue
		}
		for i, old := range n.outputs {
			b.replaced[old] = replacements[i]
			b.users[replacements[i]] += b.users[old]
		}
	}
	for i, output := range g.outputs {
		if target, ok := b.replaced[output]; ok {
			g.outputs[i] = target
		}
	}
	g.nodes = b.nodes
	g.removeDead()
}

// users counts how often each value is read, as an input or as an output of the graph.
func (g *graph) users() map[*value]int {
	count := make(map[*value]int, len(g.nodes))
	for _, n := range g.nodes {
		for _, input := range n.inputs {
			count[input]++
		}
	}
	for _, output := range g.outputs {
		count[output]++
	}
	return count
}

// removeDead drops the nodes that no output needs; parameters stay, they are part of the computation's signature.
func (g *graph) removeDead() {
	needed := make(map[*node]bool, len(g.nodes))
	for _, output := range g.outputs {
		needed[output.node] = true
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if needed[g.nodes[i]] {
			for _, input := range g.nodes[i].inputs {
				needed[input.node] = true
			}
		}
	}
	kept := g.nodes[:0:0]
	for _, n := range g.nodes {
		if needed[n] || n.op == compute.OpTypeParameter {
			kept = append(kept, n)
		}
	}
	g.nodes = kept
}

// sort puts every node after the nodes it reads, and drops the dead ones.
func (g *graph) sort() {
	var sorted []*node
	visited := make(map[*node]bool, len(g.nodes))
	var visit func(n *node)
	visit = func(n *node) {
		if visited[n] {
			return
		}
		visited[n] = true
		for _, input := range n.inputs {
			visit(input.node)
		}
		sorted = append(sorted, n)
	}
	for _, parameter := range g.parameters {
		visit(parameter.node)
	}
	for _, n := range g.nodes {
		visit(n)
	}
	g.nodes = sorted
	g.removeDead()
}
