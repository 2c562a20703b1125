package simd

func init() { lowerings = append(lowerings, lowerConv2D) }

// lowerConv2D makes convolutions, the layout of their kernels and the gradients of those.
func lowerConv2D(p *planner, n *node) (bool, error) {
	to := p.at(n.outputs[0])
	in := p.locationsOf(n.inputs)
	switch a := n.attributes.(type) {
	case packedConv2DOf:
		p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
			a.shape.PackKernel(r.floats(to), r.floats(in[0]))
		}})
	case *conv2DOf:
		epilogue := p.epilogue(&a.epilogueOf, n)
		work := n.outputs[0].shape.Size() * a.shape.KH * a.shape.KW * a.shape.CIn / 8
		p.step(&task{units: a.shape.Units(), work: work, scratch: a.shape.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			c := a.shape
			c.Epilogue = epilogue.on(r)
			c.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
		}})
	case conv2DGradientOf:
		work := n.inputs[1].shape.Size() * a.shape.KH * a.shape.KW * a.shape.CIn / 8
		p.step(&task{units: a.shape.Units(), work: work, scratch: a.shape.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			c := a.shape
			c.Run(r.floats(to), r.floats(in[0]), r.floats(in[1]), lo, hi, scratch)
		}})
	default:
		return false, nil
	}
	return true, nil
}
