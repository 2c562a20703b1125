package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerSoftmax) }

// lowerSoftmax makes a softmax, one pass over its rows.
func lowerSoftmax(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(softmaxOf)
	if !ok {
		return false, nil
	}
	k, err := kernel.NewSoftmax(a.rows, a.columns, false)
	if err != nil {
		return false, err
	}
	from, to := p.at(n.inputs[0]), p.at(n.outputs[0])
	p.step(&task{units: k.Units(), work: a.rows * a.columns, body: func(r *run, _ []float32, lo, hi int) {
		k.Run(r.floats(to), r.floats(from), lo, hi)
	}})
	return true, nil
}
