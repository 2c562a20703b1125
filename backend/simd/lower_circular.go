package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerCircular) }

// lowerCircular makes circular convolutions, the layout of their kernels and the gradients of those.
func lowerCircular(p *planner, n *node) (bool, error) {
	to := p.at(n.outputs[0])
	in := p.locationsOf(n.inputs)
	switch a := n.attributes.(type) {
	case packedCircularOf:
		p.packCircular(a, in, to)
	case circularPartsOf:
		p.circularParts(a.parts, in, to)
	case circularSumsOf:
		p.circularSums(a, in, to)
	default:
		return false, nil
	}
	return true, nil
}

// packCircular makes the step that lays a kernel out: in holds the kernel and the terms that there are.
func (p *planner) packCircular(a packedCircularOf, in []location, to location) {
	f := a.form
	body := func(r *run, _ []float32, lo, hi int) {
		var terms kernel.CircularTerms
		rest := in[1:]
		for _, part := range []struct {
			present bool
			to      *[]float32
		}{{a.terms.bias, &terms.Bias}, {a.terms.embedding, &terms.Embedding}, {a.terms.table, &terms.Table}} {
			if part.present {
				*part.to, rest = r.floats(rest[0]), rest[1:]
			}
		}
		f.Pack(r.floats(to), r.floats(in[0]), terms, lo, hi)
	}
	if a.reversed {
		body = func(r *run, _ []float32, lo, hi int) { f.PackReversed(r.floats(to), r.floats(in[0]), lo, hi) }
	}
	p.step(&task{units: f.PackUnits(), work: 8 * f.PackedSize(), body: body})
}

// circularParts makes one step of all parts: their units follow each other. in holds x and the packed kernel of each.
func (p *planner) circularParts(parts []circularPart, in []location, to location) {
	t := &task{body: func(r *run, scratch []float32, lo, hi int) {
		begin := 0
		for i, part := range parts {
			end := begin + part.form.Units()
			if lo < end && hi > begin {
				out, x := r.floats(to)[part.to:], r.floats(in[2*i])[part.from:]
				part.form.Run(out, x, r.floats(in[2*i+1]), max(lo, begin)-begin, min(hi, end)-begin, scratch)
			}
			begin = end
		}
	}}
	for _, part := range parts {
		t.units += part.form.Units()
		t.work += circularWork(part.shape, part.form)
		t.scratch = max(t.scratch, part.form.ScratchSize())
	}
	p.step(t)
}

// circularSums makes the steps of a kernel's gradient.
func (p *planner) circularSums(a circularSumsOf, in []location, to location) {
	f := a.form
	partial := p.temporary(4 * f.PartialSize())
	p.step(&task{units: f.Units(), work: circularWork(a.shape, f), scratch: f.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
		var embedding []float32
		if len(in) > 2 {
			embedding = r.floats(in[2])
		}
		f.Run(r.floats(partial), r.floats(in[0])[a.v:], r.floats(in[1])[a.x:], embedding, lo, hi, scratch)
	}})
	p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
		f.Combine(r.floats(to), r.floats(partial))
	}})
}

// circularWork counts products, as many as the direct form would have in the time where it is not the form.
func circularWork(c kernel.Circular, form any) int {
	taps := circularLength(c)
	if f, ok := form.(interface{ Taps() int }); ok {
		taps = f.Taps()
	}
	return c.Batch * c.H * c.W * c.C * taps / 8
}
