package simd

import (
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/pkg/errors"
)

// plan is a compiled graph: steps in order, and where each value's memory is.
type plan struct {
	steps   []step
	arena   int // bytes of temporaries
	scratch int // float32 values of scratch memory a goroutine

	// The weights part depends on weights and constants alone. It runs when the weights are not those of the last call.
	weightSteps      []step
	weights          int // bytes
	weightParameters []int
}

// planner makes a plan.
type planner struct {
	plan      *plan
	backend   *Backend
	locations map[*value]location
	lastUse   map[*value]int // by root value: the index of the last node that reads it
	ofWeights map[*value]bool
	arena     arena
	inWeights bool       // the node being lowered belongs to the weights part
	borrowed  []location // temporaries of the node being lowered
}

// lowering makes the steps of a node, or answers false where it has no kernel for it.
type lowering func(p *planner, n *node) (bool, error)

// lowerings are tried in order; the fallback to the Go backend comes after them.
var lowerings []lowering

func newPlan(b *Backend, g *graph) (*plan, error) {
	p := &planner{plan: &plan{}, backend: b, locations: map[*value]location{}, lastUse: map[*value]int{}, ofWeights: map[*value]bool{}}
	p.findWeights(g)
	p.placeOutputs(g)
	for i, n := range g.nodes {
		for _, input := range n.inputs {
			p.lastUse[root(input)] = i
		}
	}
	for i, n := range g.nodes {
		if err := p.node(i, n); err != nil {
			return nil, err
		}
	}
	p.inWeights = false
	p.copyOutputs(g)
	p.plan.arena = p.arena.size
	return p.plan, nil
}

// root follows reshapes to the value whose memory they share.
func root(v *value) *value {
	for v.node.op == compute.OpTypeReshape || v.node.op == compute.OpTypeIdentity {
		v = v.node.inputs[0]
	}
	return v
}

// isWeight says whether a parameter is a variable of a GoMLX model: those have paths for names.
func isWeight(name string) bool { return strings.HasPrefix(name, "/") }

// findWeights marks the values that depend on weights and constants alone.
func (p *planner) findWeights(g *graph) {
	used := map[*value]bool{}
	for _, n := range g.nodes {
		switch a := n.attributes.(type) {
		case parameterOf:
			p.ofWeights[n.outputs[0]] = isWeight(a.name)
			continue
		case constantOf:
			p.ofWeights[n.outputs[0]] = true
			continue
		}
		all := len(n.inputs) > 0
		for _, input := range n.inputs {
			all = all && p.ofWeights[input]
		}
		for _, output := range n.outputs {
			p.ofWeights[output] = all
		}
		if all {
			for _, input := range n.inputs {
				used[root(input)] = true
			}
		}
	}
	for i, parameter := range g.parameters {
		if used[parameter] && p.ofWeights[parameter] {
			p.plan.weightParameters = append(p.plan.weightParameters, i)
		}
	}
}

// placeOutputs lets the values that are computed for an output be computed right there.
func (p *planner) placeOutputs(g *graph) {
	for i, output := range g.outputs {
		r := root(output)
		if _, taken := p.locations[r]; taken || p.ofWeights[r] || r.node.op == compute.OpTypeParameter {
			continue
		}
		p.locations[r] = location{space: inOutput, index: i, size: byteSize(r.shape)}
	}
}

// copyOutputs fills the outputs that no node computes in place: parameters, constants, weights, repeated ones.
func (p *planner) copyOutputs(g *graph) {
	for i, output := range g.outputs {
		from := p.locations[root(output)]
		if from.space != inOutput || from.index != i {
			to := location{space: inOutput, index: i, size: byteSize(output.shape)}
			p.step(copyStep{from, to})
		}
	}
}

type copyStep struct{ from, to location }

func (s copyStep) run(r *run) error {
	copy(r.bytes(s.to), r.bytes(s.from))
	return nil
}

// node places a node's outputs, makes its steps, and frees what it read last.
func (p *planner) node(i int, n *node) error {
	switch a := n.attributes.(type) {
	case parameterOf:
		p.locations[n.outputs[0]] = location{space: inParameter, index: a.index, size: byteSize(n.outputs[0].shape)}
		return nil
	case constantOf:
		p.locations[n.outputs[0]] = location{space: inConstant, size: len(a.data), data: a.data}
		return nil
	}
	if root(n.outputs[0]) != n.outputs[0] {
		return nil
	}
	p.inWeights = p.ofWeights[n.outputs[0]]
	for _, output := range n.outputs {
		if _, placed := p.locations[output]; !placed {
			p.locations[output] = p.place(byteSize(output.shape))
		}
	}
	if err := p.lower(n); err != nil {
		return err
	}
	for _, l := range p.borrowed {
		p.free(l)
	}
	p.borrowed = p.borrowed[:0]
	for _, output := range n.outputs {
		if _, read := p.lastUse[output]; !read {
			p.free(p.locations[output])
		}
	}
	freed := map[*value]bool{}
	for _, input := range n.inputs {
		if r := root(input); p.lastUse[r] == i && !freed[r] {
			freed[r] = true
			p.free(p.locations[r])
		}
	}
	return nil
}

// place gives memory to a value of the node being lowered.
func (p *planner) place(size int) location {
	if p.inWeights {
		offset := p.plan.weights
		p.plan.weights += roundUp(size)
		return location{space: inWeights, offset: offset, size: size}
	}
	return location{space: inArena, offset: p.arena.take(size), size: size}
}

func (p *planner) free(l location) {
	if l.space == inArena {
		p.arena.give(l.offset, l.size)
	}
}

// temporary gives the node being lowered memory that it needs between its own steps.
func (p *planner) temporary(size int) location {
	l := p.place(size)
	p.borrowed = append(p.borrowed, l)
	return l
}

// at returns where a value's memory is.
func (p *planner) at(v *value) location { return p.locations[root(v)] }

// step appends a step to the part of the plan that the node being lowered belongs to.
func (p *planner) step(s step) {
	if t, ok := s.(*task); ok {
		p.plan.scratch = max(p.plan.scratch, t.scratch)
	}
	if p.inWeights {
		p.plan.weightSteps = append(p.plan.weightSteps, s)
	} else {
		p.plan.steps = append(p.plan.steps, s)
	}
}

func (p *planner) lower(n *node) error {
	if !slices.ContainsFunc(n.outputs, func(v *value) bool { return v.shape.Size() > 0 }) {
		return nil // there is nothing to compute
	}
	for _, lower := range lowerings {
		if done, err := lower(p, n); done || err != nil {
			return errors.WithMessagef(err, "%s", n.op)
		}
	}
	p.backend.reporter.fallsBack(n)
	executable, err := compileAlone(p.backend.fallback, n)
	if err != nil {
		return err
	}
	s := &fallback{op: n.op, executable: executable, shapes: shapesOf(n.inputs)}
	for _, input := range n.inputs {
		s.inputs = append(s.inputs, p.at(input))
	}
	for _, output := range n.outputs {
		s.outputs = append(s.outputs, p.at(output))
	}
	p.step(s)
	return nil
}
