package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerLayerNorm) }

// lowerLayerNorm makes a layer normalisation, one pass over its rows.
func lowerLayerNorm(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(layerNormOf)
	if !ok {
		return false, nil
	}
	k, err := kernel.NewLayerNorm(a.rows, a.columns, a.epsilon)
	if err != nil {
		return false, err
	}
	in, to := p.locationsOf(n.inputs), p.at(n.outputs[0])
	mean, deviation := p.temporary(4*a.rows), p.temporary(4*a.rows)
	p.step(&task{units: k.Units(), work: a.rows * a.columns, body: func(r *run, _ []float32, lo, hi int) {
		k.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), r.floats(in[2]), r.floats(mean), r.floats(deviation), lo, hi)
	}})
	return true, nil
}
