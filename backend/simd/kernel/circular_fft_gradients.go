package kernel

// CircularFFTGradients is the gradients of a circular convolution by its input and by its kernel in one, through the
// frequencies: each pair of lines of v, the gradient of the output, is transformed once for both. What it writes are dx, as
// CircularFFT does of what PackReversed laid out, the partial sums that Combine makes dw of, and those that CombineSum makes the sum of v over
// all lines of, [N, C], from which the gradients by what is added come.
//
// A unit is some signals of a few phases, at fixed places.
type CircularFFTGradients struct {
	CircularFFTGradient     // x is InStride and v OutStride floats a pixel
	Stride              int // floats a pixel of dx
}

// manyUnits is how many units are enough to have threads do as much as each other.
const manyUnits = 8

// convolution returns the one that dx is, of v.
func (g *CircularFFTGradients) convolution() CircularFFT {
	c := g.CircularFFT
	c.InStride, c.OutStride = g.OutStride, g.Stride
	return c
}

// division returns how signals are dealt out: a unit has the groups of a chunk one after the other. Those with several phases
// go through memory in fewer places; where that would leave few units, each has one.
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

// SumSize returns the number of floats of the partial sums of v, and of those that CombineSum needs besides.
func (g CircularFFTGradients) SumSize() int {
	return g.CircularFFTGradient.Units()*g.length()*lanes + g.sumRoom()
}

// ScratchSize returns the number of floats that Run needs.
func (g CircularFFTGradients) ScratchSize() int {
	c, plan := g.convolution(), g.plan()
	return pairSize(plan) + c.stageSize() + 3*g.productSize()
}

// Run computes units lo to hi of dx, of the partial sums for dw and of those of v from v, x and the kernel that Pack laid out,
// maybe with terms, which are not taken.
func (g CircularFFTGradients) Run(dx, dw, sum, v, x, packed []float32, lo, hi int, scratch []float32) {
	r := circularFFTRuns.Get().(*circularFFTRun)
	s, size := &r.gradient, g.productSize()
	setup := setupOf(&g.CircularFFT, g.Stride, dx, v, packed, scratch, x)
	if !r.resume(&setup) {
		mustHold(x, g.span(g.InStride))
		mustHold(scratch, g.ScratchSize())
		c := g.convolution()
		l := c.lineVectors(nil, c.InStride)
		rest := r.start(c, g.division(&l), dx, v, packed, scratch)
		s.x = g.lineVectors(x, g.InStride)
		s.rows.over(r.plan.first, r.work, s.x.step, s.x.n)
		s.spectrum, s.spare = rest[:2*size], rest[2*size:][:size]
		r.sums = s
		r.setup = setup
	}
	d, phases, lines := r.division, r.in.phases, r.in.n*lanes
	chunks, phaseGroups := g.chunks(), ceilDivide(phases, d.phases)
	for u := lo; u < hi; u++ {
		chunk, phase := u/phaseGroups, u%phaseGroups
		at, count := chunk*phases+phase*d.phases, min(d.phases, phases-phase*d.phases)
		s.begin(dw[at*size:][:count*size], sum[at*lines:][:count*lines], count)
		end := (chunk + 1) * d.groups / chunks
		for group := chunk * d.groups / chunks; group < end; group++ {
			next := group*phaseGroups + phase
			if group+1 < end {
				next += phaseGroups
			}
			r.compute(r.unit(group*phaseGroups+phase), r.unit(next), u+1 == hi && group+1 == end)
		}
	}
	r.stage.finish()
	circularFFTRuns.Put(r)
}

// CombineSum adds the units' sums of v up, always in the same order, to s [N, C]. It changes sum.
func (g CircularFFTGradients) CombineSum(s, sum []float32) {
	phases, size := g.PackUnits(), g.length()*lanes
	addParts(sum, phases*size, g.chunks())
	g.sumChannels(s, sum[g.chunks()*phases*size:], phases, func(phase int) []float32 { return sum[phase*size:][:size] })
}

// gradientSums is what is summed up while lines of v are convolved.
type gradientSums struct {
	x               lineVectors
	rows            lineRun   // over lines of x where they are
	spectrum        []float32 // of a pair of lines of v
	spare           []float32 // for that of a line that is convolved again
	products, lines []float32 // of all phases of a unit, Σ conj(V̂)·X̂ and Σ v
	phases          int
	current         int       // the phase of the unit that is summed for, or -1
	line            []float32 // Σ v of that
}

// begin begins the sums of a unit.
func (s *gradientSums) begin(products, lines []float32, phases int) {
	s.products, s.lines, s.phases, s.current = products, lines, phases, -1
	clear(products)
	clear(lines)
}

// of lets the sums be those of a phase of the unit.
func (s *gradientSums) of(r *circularFFTRun, phase int) {
	if s.current == phase {
		return
	}
	s.current = phase
	size, rows := len(s.products)/s.phases, len(s.lines)/s.phases
	r.accumulate(s.products[phase*size:][:size], s.spectrum)
	s.line = s.lines[phase*rows:][:rows]
}

// addLines adds lines of v to their sum.
func (s *gradientSums) addLines(v *lineRun) {
	if v.lines[1] == nil {
		addLanes(s.line, v.lines[0], s.x.n, lanes, v.stride, lanes)
		return
	}
	addPairLanes(s.line, v.lines[0], v.lines[1], s.x.n, v.stride)
}

// add adds the products of a signal's spectrum with that of its lines of x, and fetches lines of v that come next.
func (s *gradientSums) add(r *circularFFTRun, of, next *signal) {
	both := 0
	if of.vectors[0] != of.vectors[1] {
		both = 1
	}
	rows := r.rows(&s.x, &s.rows, of.vectors[0], of.vectors[1], nil)
	ahead := rowsAhead{&r.in, next.in}
	r.fetch(ahead, ahead)
	r.through(rows, r.calls[accumulateBlocks][both])
}
