package simd

import "github.com/gomlx/compute"

func init() { lowerings = append(lowerings, lowerTransform) }

// lowerTransform makes a Fourier transform along one axis.
func lowerTransform(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(transformOf)
	if !ok {
		return false, nil
	}
	from, to, f := p.at(n.inputs[0]), p.at(n.outputs[0]), a.shape
	f.Prepare()
	p.step(&task{
		units: f.Units(), work: f.Outer * f.N * f.Inner * 8, scratch: f.ScratchSize(),
		body: func(r *run, scratch []float32, lo, hi int) {
			switch a.kind {
			case compute.FFTForward:
				f.Forward(r.complexes(to), r.complexes(from), lo, hi, scratch)
			case compute.FFTInverse:
				f.Inverse(r.complexes(to), r.complexes(from), lo, hi, scratch)
			case compute.FFTForwardReal:
				f.ForwardReal(r.complexes(to), r.floats(from), lo, hi, scratch)
			default:
				f.InverseReal(r.floats(to), r.complexes(from), lo, hi, scratch)
			}
		},
	})
	return true, nil
}
