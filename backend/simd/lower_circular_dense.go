package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

func init() { lowerings = append(lowerings, lowerCircularDense) }

// lowerCircularDense makes dense circular convolutions, the layout of their kernels and the gradients of those.
func lowerCircularDense(p *planner, n *node) (bool, error) {
	switch a := n.attributes.(type) {
	case packedCircularDenseOf:
		p.packedCircularDense(a, n)
	case *circularDenseOf:
		p.circularDense(a, n)
	case circularDenseGradientOf:
		p.circularDenseGradient(a.shape, n)
	default:
		return false, nil
	}
	return true, nil
}

// packedSize is the size of a part among the packed kernels, in floats.
func (d *circularDensePart) packedSize() int { return roundUp(4*d.form().PackedSize()) / 4 }

// circularDenseForm is a way to compute a dense circular convolution, as far as its kernel goes.
type circularDenseForm interface {
	PackedSize() int
	PackUnits() int
	PackScratchSize() int
	Pack(packed, w, pe []float32, reversed bool, lo, hi int, scratch []float32)
}

func (d *circularDensePart) form() circularDenseForm {
	if d.frequencies {
		return &kernel.CircularDenseDFT{CircularDense: d.shape}
	}
	return &d.shape
}

func (p *planner) packedCircularDense(a packedCircularDenseOf, n *node) {
	to, in := p.at(n.outputs[0]), p.locationsOf(n.inputs)
	offset := 0
	for _, part := range a.parts {
		form, at, w := part.form(), offset, in[0]
		in = in[1:]
		var embedding location
		if part.embedding {
			embedding, in = in[0], in[1:]
		}
		p.step(&task{units: form.PackUnits(), work: 8 * form.PackedSize(), scratch: form.PackScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
			var pe []float32
			if part.embedding {
				pe = r.floats(embedding)
			}
			form.Pack(r.floats(to)[at:][:form.PackedSize()], r.floats(w), pe, part.reversed, lo, hi, scratch)
		}})
		offset += part.packedSize()
	}
}

// circularDense makes the steps of convolutions side by side: those that depend on each other one after the other, the
// parts' together.
func (p *planner) circularDense(a *circularDenseOf, n *node) {
	x, packed, to, epilogue := p.at(n.inputs[0]), p.at(n.inputs[1]), p.at(n.outputs[0]), p.epilogue(&a.epilogueOf, n)
	var first, second, third joinedTask
	offset := 0
	for _, part := range a.parts {
		at, size := offset, part.form().PackedSize()
		offset += part.packedSize()
		weights := func(r *run) []float32 { return r.floats(packed)[at:][:size] }
		on := func(r *run) (c kernel.CircularDense, out, from []float32) {
			c = part.shape
			c.Epilogue = epilogueFrom(epilogue.on(r), part.output)
			return c, r.floats(to)[part.output:], r.floats(x)[part.first:]
		}
		if !part.frequencies {
			c := part.shape
			first.add(&task{units: c.Units(), work: c.MultiplyAdds() / 8, scratch: c.ScratchSize(), body: func(r *run, scratch []float32, lo, hi int) {
				c, out, x := on(r)
				c.Run(out, x, weights(r), lo, hi, scratch)
			}})
			continue
		}
		c := kernel.CircularDenseDFT{CircularDense: part.shape}
		spectrum, products := p.temporary(4*c.SpectrumSize()), p.temporary(4*c.ProductsSize())
		scratch, transforms := c.ScratchSize(), (c.MultiplyAdds()-c.Products())/8
		first.add(&task{units: c.LineUnits(), work: transforms, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
			c.Transform(r.floats(spectrum), r.floats(x)[part.first:], lo, hi, scratch)
		}})
		second.add(&task{units: c.MultiplyUnits(), work: c.Products() / 8, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
			c.Multiply(r.floats(products), r.floats(spectrum), weights(r), lo, hi, scratch)
		}})
		third.add(&task{units: c.LineUnits(), work: transforms, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
			shape, out, _ := on(r)
			c := kernel.CircularDenseDFT{CircularDense: shape}
			c.Return(out, r.floats(products), lo, hi, scratch)
		}})
	}
	for _, j := range []joinedTask{first, second, third} {
		p.join(j)
	}
}

// epilogueFrom is an epilogue for the columns from one on.
func epilogueFrom(e kernel.Epilogue, column int) kernel.Epilogue {
	for _, operand := range []*[]float32{&e.Scale, &e.Bias, &e.Residual} {
		if *operand != nil {
			*operand = (*operand)[column:]
		}
	}
	return e
}

func (p *planner) circularDenseGradient(c kernel.CircularDenseDFT, n *node) {
	g := kernel.CircularDenseDFTGradient{CircularDenseDFT: c}
	x, v, to := p.at(n.inputs[0]), p.at(n.inputs[1]), p.at(n.outputs[0])
	spectrum, gradient, sums := p.temporary(4*g.SpectrumSize()), p.temporary(4*g.GradientSpectrumSize()), p.temporary(4*g.SumsSize())
	scratch, transforms := g.ScratchSize(), (g.MultiplyAdds()-g.Products())/8
	var both joinedTask
	both.add(&task{units: g.LineUnits(), work: transforms, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
		g.Transform(r.floats(spectrum), r.floats(x), lo, hi, scratch)
	}})
	both.add(&task{units: g.LineUnits(), work: transforms, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
		g.TransformGradient(r.floats(gradient), r.floats(v), lo, hi, scratch)
	}})
	p.join(both)
	p.step(&task{units: g.MultiplyUnits(), work: g.Products() / 8, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
		g.Multiply(r.floats(sums), r.floats(spectrum), r.floats(gradient), lo, hi, scratch)
	}})
	p.step(&task{units: g.ReturnUnits(), work: transforms, scratch: scratch, body: func(r *run, scratch []float32, lo, hi int) {
		g.Return(r.floats(to), r.floats(sums), lo, hi, scratch)
	}})
}

// joinedTask is tasks that do not depend on each other and share the threads as one.
type joinedTask struct{ tasks []*task }

func (j *joinedTask) add(t *task) { j.tasks = append(j.tasks, t) }

// join makes one step of tasks, if there are any.
func (p *planner) join(j joinedTask) {
	if len(j.tasks) == 0 {
		return
	}
	whole := &task{}
	for _, t := range j.tasks {
		whole.units += t.units
		whole.work += t.work
		whole.scratch = max(whole.scratch, t.scratch)
	}
	whole.body = func(r *run, scratch []float32, lo, hi int) {
		for _, t := range j.tasks {
			if lo < t.units && hi > 0 {
				t.body(r, scratch, max(lo, 0), min(hi, t.units))
			}
			lo, hi = lo-t.units, hi-t.units
		}
	}
	p.step(whole)
}
