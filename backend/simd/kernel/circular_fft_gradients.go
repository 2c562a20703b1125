package kernel

// CircularFFTGradients is the gradients of a circular convolution by its input and by its kernel in one, through the
// frequencies: each pair of lines of v, the gradient of the output, is transformed once for both. What it writes are dx, as
// CircularFFT does with PackReversed, the partial sums that CircularFFTGradient's Combine makes dw of, and those that it makes
// the sum of v over all lines of, from which the gradients by what is added come.
//
// A unit is some signals of a few phases, at fixed places.
type CircularFFTGradients struct {
	CircularFFTGradient     // x is InStride and v OutStride floats a pixel
	Stride              int // floats a pixel of dx
}

// manyUnits is how many units are enough to have threads do as much as each other: where there are more, those with several
// phases go through memory in fewer places.
const manyUnits = 8

// convolution returns the one that dx is, of v.
func (g *CircularFFTGradients) convolution() CircularFFT {
	c := g.CircularFFT
	c.InStride, c.OutStride = g.OutStride, g.Stride
	return c
}

// division returns how signals are dealt out: a unit has the groups of a chunk one after the other.
func (g *CircularFFTGradients) division(l *lineVectors) division {
	phases := unitPhases
	if g.chunks()*ceilDivide(l.phases, unitPhases) < manyUnits {
		phases = 1
	}
	d := g.CircularFFT.division(l, phases)
	d.groups = max(d.groups, g.chunks())
	return d
}

// Units returns the number of independent parts.
func (g CircularFFTGradients) Units() int {
	l := g.lineVectors(nil, g.OutStride)
	return g.chunks() * ceilDivide(l.phases, g.division(&l).phases)
}

// ScratchSize returns the number of floats that Run needs.
func (g CircularFFTGradients) ScratchSize() int {
	c, plan := g.convolution(), g.plan()
	l := c.lineVectors(nil, c.InStride)
	d := g.division(&l)
	size := 2 * plan.frequencies() * lanes
	return pairSize(plan) + c.stageSize(&l, d) + 2*size + min(d.phases, l.phases)*(size+l.n*lanes)
}

// Run computes units lo to hi of dx, and of the partial sums for dw and for the sum of v, PartialSize floats each, from v, x and
// the kernel that PackReversed laid out.
func (g CircularFFTGradients) Run(dx, dw, sum, v, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	r := circularFFTRuns.Get().(*circularFFTRun)
	defer circularFFTRuns.Put(r)
	c := g.convolution()
	l := c.lineVectors(nil, c.InStride)
	d := g.division(&l)
	rest := r.start(c, d, dx, v, packed, scratch)
	s := &r.gradient
	s.start(r, g.lineVectors(x, g.InStride), rest)
	r.sums = s
	chunks, phaseGroups, n := g.chunks(), ceilDivide(l.phases, d.phases), l.n
	for u := lo; u < hi; u++ {
		chunk, phase := u/phaseGroups, u%phaseGroups
		s.clear()
		end := (chunk + 1) * d.groups / chunks
		for group := chunk * d.groups / chunks; group < end; group++ {
			next := group*phaseGroups + phase
			if group+1 < end {
				next += phaseGroups
			}
			r.compute(r.unit(group*phaseGroups+phase), r.unit(next))
		}
		for i := range min(d.phases, l.phases-phase*d.phases) {
			at := (chunk*l.phases + phase*d.phases + i) * n * lanes
			r.sumBack(dw[at:][:n*lanes], s.products[i])
			copy(sum[at:][:n*lanes], s.lines[i])
		}
	}
	r.stage.finish()
}

// gradientSums is what is summed up while lines of v are convolved.
type gradientSums struct {
	x        lineVectors
	rows     lineRun     // over lines of x where they are
	spectrum []float32   // of a pair of lines of v
	products [][]float32 // of each phase of a unit, Σ conj(V̂)·X̂
	lines    [][]float32 // of each phase, Σ v
	current  int         // the phase, or -1
}

// start sets the sums up in scratch.
func (s *gradientSums) start(r *circularFFTRun, x lineVectors, scratch []float32) {
	size := 2 * r.plan.frequencies() * lanes
	s.x, s.rows, s.spectrum = x, r.plan.first.over(r.work, x.step, false), scratch[:2*size]
	s.products, s.lines, s.current, scratch = s.products[:0], s.lines[:0], -1, scratch[2*size:]
	for range min(r.phases, x.phases) {
		s.products, s.lines = append(s.products, scratch[:size]), append(s.lines, scratch[size:][:x.n*lanes])
		scratch = scratch[size+x.n*lanes:]
	}
}

// clear begins a unit.
func (s *gradientSums) clear() {
	for i := range s.products {
		clear(s.products[i])
		clear(s.lines[i])
	}
}

// begin lets the sums be those of a phase of the unit.
func (s *gradientSums) begin(r *circularFFTRun, phase int) {
	if s.current == phase {
		return
	}
	s.current = phase
	for _, both := range [2]bool{false, true} {
		accumulate := r.plan.accumulate(s.products[phase], s.spectrum, both)
		r.prepare(&accumulate)
	}
}

// addLines adds lines of v to their sum.
func (s *gradientSums) addLines(v *lineRun) {
	for _, line := range v.lines {
		if line != nil {
			addLanes(s.lines[s.current], line, s.x.n, v.stride)
		}
	}
}

// add adds the products of a signal's spectrum with that of its lines of x, and fetches lines of v that come next.
func (s *gradientSums) add(r *circularFFTRun, of, next *signal) {
	both := 0
	if of.vectors[0] != of.vectors[1] {
		both = 1
	}
	rows := r.rows(&s.x, &s.rows, of.vectors[0], of.vectors[1], nil)
	r.fetch(r.in.n, later{next.in[0], r.in.step}, later{next.in[1], r.in.step})
	r.through(rows, r.calls[accumulateBlocks][both])
}
