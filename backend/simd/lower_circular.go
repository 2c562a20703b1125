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
		p.circularParts(a.parts, in, p.locationsOf(n.outputs))
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

// circularParts makes one step of all parts: their units follow each other. in holds x and the packed kernel of each, and what
// is needed for the gradients that they take along, out the tensor and those gradients.
func (p *planner) circularParts(parts []circularPart, in, out []location) {
	var runs []circularPartRun
	t, further := &task{}, 2*len(parts)
	for i, part := range parts {
		run := circularPartRun{part: part, units: part.form.Units(), x: in[2*i], packed: in[2*i+1], to: out[0]}
		scratch := part.form.ScratchSize()
		if g := part.gradients; g != nil {
			run.units, scratch = g.form.Units(), g.form.ScratchSize()
			run.other, further = in[further], further+1
			run.kernel, run.sum = p.temporary(4*g.form.PartialSize()), p.temporary(4*g.form.SumSize())
			t.work += circularWork(part.shape, g.form)
		}
		runs = append(runs, run)
		t.units += run.units
		t.work += circularWork(part.shape, part.form)
		t.scratch = max(t.scratch, scratch)
	}
	t.body = func(r *run, scratch []float32, lo, hi int) {
		begin := 0
		for _, part := range runs {
			end := begin + part.units
			if lo < end && hi > begin {
				part.run(r, max(lo, begin)-begin, min(hi, end)-begin, scratch)
			}
			begin = end
		}
	}
	p.step(t)
	out = out[1:]
	for _, part := range runs {
		if part.part.gradients == nil {
			continue
		}
		to := out[:2]
		p.step(&task{units: 2, work: 2 * part.part.gradients.form.PartialSize(), body: func(r *run, _ []float32, lo, hi int) {
			form := part.part.gradients.form
			if lo == 0 {
				form.Combine(r.floats(to[0]), r.floats(part.kernel))
			}
			if hi == 2 {
				form.CombineSum(r.floats(to[1]), r.floats(part.sum))
			}
		}})
		out = out[2:]
	}
}

// circularPartRun is where a part is read and written.
type circularPartRun struct {
	part          circularPart
	units         int
	x, packed, to location
	other         location // what its kernel was convolved with
	kernel, sum   location // partial sums
}

func (c *circularPartRun) run(r *run, lo, hi int, scratch []float32) {
	out, x, packed := r.floats(c.to)[c.part.to:], r.floats(c.x)[c.part.from:], r.floats(c.packed)
	if g := c.part.gradients; g != nil {
		g.form.Run(out, r.floats(c.kernel), r.floats(c.sum), x, r.floats(c.other)[g.x:], packed, lo, hi, scratch)
		return
	}
	c.part.form.Run(out, x, packed, lo, hi, scratch)
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
