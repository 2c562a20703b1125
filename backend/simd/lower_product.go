package simd

import (
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

func init() { lowerings = append(lowerings, lowerPacked, lowerProduct) }

// lowerPacked lays a right-hand side out for products.
func lowerPacked(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(packedOf)
	if !ok {
		return false, nil
	}
	from, to := p.at(n.inputs[0]), p.at(n.outputs[0])
	size := kernel.PackedBSize(a.k, a.n)
	p.step(&task{units: a.batch, work: a.batch * size, body: func(r *run, _ []float32, lo, hi int) {
		source, target := r.floats(from), r.floats(to)
		for i := lo; i < hi; i++ {
			kernel.PackB(target[i*size:(i+1)*size], source[i*a.stride:], a.k, a.n, a.strideK, a.strideN)
		}
	}})
	return true, nil
}

// lowerProduct makes a batch of matrix products.
func lowerProduct(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(*productOf)
	if !ok {
		return false, nil
	}
	epilogue := p.epilogue(&a.epilogueOf, n)
	left, right, to := p.at(n.inputs[0]), p.at(n.inputs[1]), p.at(n.outputs[0])
	each := a.gemm.Units()
	p.step(&task{
		units: a.batch * each, work: a.batch * a.gemm.M * a.gemm.N * a.gemm.K / 8, scratch: a.gemm.ScratchSize(),
		body: func(r *run, scratch []float32, lo, hi int) {
			gemm := a.gemm
			gemm.Epilogue = epilogue.on(r)
			residual := gemm.Residual
			x, w, y := r.floats(left), r.floats(right), r.floats(to)
			for lo < hi {
				i := lo / each
				end := min(hi, (i+1)*each)
				if a.residual {
					gemm.Residual = residual[i*a.strides[2]:]
				}
				gemm.Run(y[i*a.strides[2]:], x[i*a.strides[0]:], w[i*a.strides[1]:], lo-i*each, end-i*each, scratch)
				lo = end
			}
		},
	})
	return true, nil
}

// epilogueAt is an epilogue with the places of its operands.
type epilogueAt struct {
	epilogueOf
	scaleAt, biasAt, residualAt location
}

func (p *planner) epilogue(e *epilogueOf, n *node) epilogueAt {
	at := epilogueAt{epilogueOf: *e}
	_, scale, bias, residual := e.operands(n.inputs)
	if scale != nil {
		at.scaleAt = p.at(scale)
	}
	if bias != nil {
		at.biasAt = p.at(bias)
	}
	if residual != nil {
		at.residualAt = p.at(residual)
	}
	return at
}

// on returns the epilogue with its operands' memory in a run.
func (e epilogueAt) on(r *run) kernel.Epilogue {
	k := kernel.Epilogue{Activation: e.activation}
	if e.scale {
		k.Scale = r.floats(e.scaleAt)
	}
	if e.bias {
		k.Bias = r.floats(e.biasAt)
	}
	if e.residual {
		k.Residual = r.floats(e.residualAt)
	}
	return k
}
