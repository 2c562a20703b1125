package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerDepthwise) }

// lowerDepthwise makes depth-wise convolutions, the layout of their kernels and the gradients of those.
func lowerDepthwise(p *planner, n *node) (bool, error) {
	to := p.at(n.outputs[0])
	in := p.locationsOf(n.inputs)
	switch a := n.attributes.(type) {
	case packedDepthwiseOf:
		p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
			var bias []float32
			if len(in) > 1 {
				bias = r.floats(in[1])
			}
			a.shape.Pack(r.floats(to), r.floats(in[0]), bias)
		}})
	case depthwiseOf:
		d := a.shape
		work := d.Batch * d.OutH * d.OutW * d.C * d.Multiplier * d.KH * d.KW / 8
		p.step(&task{units: d.Units(), work: work, scratch: d.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			d.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
		}})
	case depthwiseGradientOf:
		p.depthwiseGradient(a.shape, in, to)
	default:
		return false, nil
	}
	return true, nil
}

func (p *planner) depthwiseGradient(d kernel.DepthwiseGradient, in []location, to location) {
	partial := p.temporary(4 * d.PartialSize())
	work := d.Batch * d.OutH * d.OutW * d.C * d.Multiplier * d.KH * d.KW / 8
	p.step(&task{units: d.Units(), work: work, scratch: d.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
		d.Run(r.floats(partial), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
	}})
	p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
		d.Combine(r.floats(to), r.floats(partial))
	}})
}
