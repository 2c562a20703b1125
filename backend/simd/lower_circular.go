package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerCircular) }

// lowerCircular makes circular convolutions, the layout of their kernels and the gradients of those.
func lowerCircular(p *planner, n *node) (bool, error) {
	to := p.at(n.outputs[0])
	in := p.locationsOf(n.inputs)
	switch a := n.attributes.(type) {
	case packedCircularOf:
		f := a.form
		p.step(&task{units: f.PackUnits(), work: 8 * f.PackedSize(), body: func(r *run, _ []float32, lo, hi int) {
			var terms kernel.CircularTerms
			if len(in) > 1 {
				terms.Bias = r.floats(in[1])
			}
			f.Pack(r.floats(to), r.floats(in[0]), terms, lo, hi)
		}})
	case circularOf:
		c := a.form
		p.step(&task{units: c.Units(), work: circularWork(a.shape), scratch: c.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			c.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
		}})
	case circularGradientOf:
		c := a.form
		partial := p.temporary(4 * c.PartialSize())
		p.step(&task{units: c.Units(), work: circularWork(a.shape), scratch: c.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			c.Run(r.floats(partial), r.floats(in[0]), r.floats(in[1]), nil, lo, hi, scratch)
		}})
		p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
			c.Combine(r.floats(to), r.floats(partial))
		}})
	default:
		return false, nil
	}
	return true, nil
}

func circularWork(c kernel.Circular) int {
	return c.Batch * c.H * c.W * c.C * circularLength(c) / 8
}
