package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerGlobal) }

// lowerGlobal makes global convolutions, the layout of their kernels and the gradients of those.
func lowerGlobal(p *planner, n *node) (bool, error) {
	to := p.at(n.outputs[0])
	in := p.locationsOf(n.inputs)
	switch a := n.attributes.(type) {
	case packedGlobalOf:
		p.packGlobal(a, in, to)
	case globalMapsOf:
		c := a.shape
		p.step(&task{units: c.Units(), work: globalWork(c, c.Taps()), scratch: c.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			c.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
		}})
	case globalGradientOf:
		p.globalSums(kernel.CircularGlobalGradient{CircularGlobal: globalShape(n.inputs[1])}, in, to)
	default:
		return false, nil
	}
	return true, nil
}

// packGlobal makes the step that lays a kernel out: in holds the kernel and the terms that there are.
func (p *planner) packGlobal(a packedGlobalOf, in []location, to location) {
	c := a.shape
	body := func(r *run, scratch []float32, lo, hi int) {
		var bias, table []float32
		if a.terms.bias {
			bias = r.floats(in[1])
		}
		if a.terms.table {
			table = r.floats(in[len(in)-1])
		}
		c.Pack(r.floats(to), r.floats(in[0]), bias, table, lo, hi, scratch)
	}
	if a.reversed {
		body = func(r *run, scratch []float32, lo, hi int) {
			c.PackReversed(r.floats(to), r.floats(in[0]), lo, hi, scratch)
		}
	}
	one := c
	one.Batch = 1
	p.step(&task{units: c.PackUnits(), work: globalWork(one, c.Taps()), scratch: c.PackScratchSize(), body: body})
}

// globalSums makes the steps of a kernel's gradient.
func (p *planner) globalSums(g kernel.CircularGlobalGradient, in []location, to location) {
	partial := p.temporary(4 * g.PartialSize())
	p.step(&task{units: g.Units(), work: globalWork(g.CircularGlobal, g.Taps()), scratch: g.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
		g.Run(r.floats(partial), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
	}})
	p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
		g.Combine(r.floats(to), r.floats(partial))
	}})
}

// globalWork counts products, as many as the direct form would have in the time.
func globalWork(c kernel.CircularGlobal, taps int) int { return c.Batch * c.H * c.W * c.C * taps / 8 }
