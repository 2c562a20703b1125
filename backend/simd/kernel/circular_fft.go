package kernel

// CircularFFT is the convolution that Circular describes, through the frequencies: its cost grows like N·log N.
//
// Two lines are a pair, as they share the kernel. Pairs are transformed, multiplied by the kernel's spectrum and taken back in
// cache, so that x is read and out written once. Where NaN or infinity comes out, the two lines are convolved apart, so that
// neither spreads from one line to another. Where N has a prime factor above 13, lines are continued by zeros to a longer
// length without, which has room for all differences of two indices below N.
//
// A unit is some signals of a few phases. out must not overlap x.
type CircularFFT struct{ Circular }

// unitRows is about how many complex rows a unit has, and unitPhases of how many phases: their channels are next to each
// other, and signals of one phase share its spectrum.
const (
	unitRows   = 512
	unitPhases = 4
)

// Taps returns how long a kernel is whose direct convolution takes about as long: where N is greater, this form pays.
func (c CircularFFT) Taps() int {
	plan, l := c.plan(), c.lineVectors(nil, c.InStride)
	perLine := float64(2*l.turns()*l.phases*lanes) / float64(l.all*c.C) // of lanes, 2 where lines are alone
	return int(1.9 * perLine * lineCost(plan.n, plan.first.radix, plan.half) * float64(plan.n) / float64(c.length()))
}

// Units returns the number of independent parts of the convolution.
func (c CircularFFT) Units() int {
	l := c.lineVectors(nil, c.InStride)
	return c.turnGroups(&l) * ceilDivide(l.phases, unitPhases)
}

// turnGroups returns the number of groups that the signals of a phase are in.
func (c *CircularFFT) turnGroups(l *lineVectors) int {
	turns := l.turns()
	return min(turns, ceilDivide(turns*min(l.phases, unitPhases)*c.plan().n, unitRows))
}

// ScratchSize returns the number of floats that Run needs.
func (c CircularFFT) ScratchSize() int {
	plan := c.plan()
	return signalSize(plan.rows()) + signalSize(plan.n)
}

// Run computes units lo to hi of out from x.
func (c CircularFFT) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	plan := c.plan()
	r := circularFFTRun{
		c: c, in: c.lineVectors(x, c.InStride), out: c.lineVectors(out, c.OutStride), packed: packed,
		plan: plan, work: signalIn(scratch, plan.rows()), lines: signalIn(scratch[signalSize(plan.rows()):], plan.n),
	}
	r.turnGroups, r.units = c.turnGroups(&r.in), c.Units()
	for u := lo; u < hi; u++ {
		r.compute(r.unit(u), r.unit(min(u+1, r.units-1)))
	}
}

// circularFFTRun is what the signals of a call share.
type circularFFTRun struct {
	c       CircularFFT
	in, out lineVectors
	packed  []float32
	plan    *linePlan
	work    complexRows
	lines   complexRows // two lines, where they are not taken from the tensors and to them at once

	units, turnGroups int
}

// unit is the signals of some turns of some phases. The last turn may lack phases.
type unit struct{ turn, endTurn, phase, endPhase int }

func (r *circularFFTRun) unit(u int) unit {
	turns, groups, phaseGroups := r.in.turns(), r.turnGroups, ceilDivide(r.in.phases, unitPhases)
	group, phase := u/phaseGroups, u%phaseGroups*unitPhases
	first := group * turns / groups
	return unit{
		first, (group + 1) * turns / groups,
		phase, min(phase+unitPhases, r.in.phases, r.in.vectors-2*first*r.in.phases),
	}
}

// compute computes a unit, and fetches the first rows of the one that comes after it.
func (r *circularFFTRun) compute(u, after unit) {
	if u.phase >= u.endPhase {
		return
	}
	var both [2]signal // the one that is computed, and the one that comes after it
	r.place(&both[0], u.turn, u.phase)
	both[1] = both[0]
	i := 0
	for phase := u.phase; phase < u.endPhase; phase++ {
		f := factorsOf(r.packed, phase, r.plan)
		for turn, end := u.turn, min(u.endTurn, r.in.turnsOf(phase)); turn < end; turn++ {
			current, next := &both[i&1], &both[^i&1]
			switch {
			case turn+1 < end:
				r.place(next, turn+1, phase)
			case phase+1 < u.endPhase:
				r.place(next, u.turn, phase+1)
			case after.phase < after.endPhase:
				r.place(next, after.turn, after.phase)
			}
			r.convolve(current, &next.in, &f)
			i++
		}
	}
}

// signal is two vectors of lines with the same channels, or one.
type signal struct {
	first, second int  // vectors; the same where there is no second
	in, out       pair // where they begin
	whole         bool // each has sixteen lanes next to each other there
}

// place sets s to a signal of a phase.
func (r *circularFFTRun) place(s *signal, turn, phase int) {
	s.first, s.second = r.in.signal(turn, phase)
	in, out, whole := r.at(s.first)
	s.in.first, s.in.second, s.in.stride = r.in.x[in:], nil, r.in.step
	s.out.first, s.out.second, s.out.stride = r.out.x[out:], nil, r.out.step
	s.whole = whole && r.plan.n == r.in.n
	if s.second != s.first {
		in, out, whole = r.at(s.second)
		s.in.second, s.out.second = r.in.x[in:], r.out.x[out:]
		s.whole = s.whole && whole
	}
}

// at returns where a vector begins, and whether its lanes are next to each other in both tensors.
func (r *circularFFTRun) at(vector int) (in, out int, whole bool) {
	line, channel, used := r.in.place(vector)
	image := line / r.in.lines
	line -= image * r.in.lines
	in, inWhole := r.in.at(image, line, channel, used)
	out, outWhole := r.out.at(image, line, channel, used)
	return in, out, inWhole && outWhole
}

// convolve computes one signal's lines of out, and fetches rows of the next.
func (r *circularFFTRun) convolve(s *signal, next *pair, f *factorRows) {
	in, out := &s.in, &s.out
	soon := fetching(in.second, in.stride, out.first, out.stride)
	later := fetching(out.second, out.stride, next.first, next.stride)
	if !s.whole || in.second == nil {
		soon = fetching(out.first, out.stride, out.second, out.stride)
		later = fetching(next.first, next.stride, next.second, next.stride)
	}
	var lines pair
	if !s.whole {
		lines = r.load(s.first, s.second)
		in, out = &lines, &lines
	}
	r.plan.convolve(out, in, &r.work, f, &soon, &later)
	if s.first != s.second && !finite((*vector)(out.first), (*vector)(out.second)) { // a row has something of all frequencies of both
		r.convolveAlone(s.first, f)
		r.convolveAlone(s.second, f)
		return
	}
	if s.whole {
		return
	}
	r.out.store(s.first, r.lines.re)
	if s.first != s.second {
		r.out.store(s.second, r.lines.im)
	}
}

// convolveAlone computes the lines of one vector of a signal.
func (r *circularFFTRun) convolveAlone(vector int, f *factorRows) {
	lines := r.load(vector, vector)
	r.plan.convolve(&lines, &lines, &r.work, f, &ahead{}, &ahead{})
	r.out.store(vector, r.lines.re)
}

// load copies the lines of two vectors, or of one, and continues them by zeros.
func (r *circularFFTRun) load(first, second int) pair {
	return r.in.pairIn(r.lines, r.plan.numbers(), first, second)
}

// pairIn copies the lines of two vectors, or of one, to z, and continues them by zeros up to a row.
func (l *lineVectors) pairIn(z complexRows, end, first, second int) pair {
	lines := pair{first: z.re, stride: lanes}
	l.load(z.re, first)
	clear(z.re[l.n*lanes : end*lanes])
	if first != second {
		lines.second = z.im
		l.load(z.im, second)
		clear(z.im[l.n*lanes : end*lanes])
	}
	return lines
}

// plan returns how lines are convolved.
func (c *CircularFFT) plan() *linePlan { return linePlanOf(c.length()) }

// finite says whether neither NaN nor infinity is among the numbers.
func finite(re, im *vector) bool {
	if all, done := finiteVector(re, im); done {
		return all
	}
	sum := float32(0)
	for l := range lanes {
		sum += 0*re[l] + 0*im[l]
	}
	return sum == 0
}

// signalSize returns the number of floats of n complex rows, and signalIn returns such rows at the beginning of s. A gap
// between the parts keeps them from sharing places in the cache.
func signalSize(n int) int { return (2*n + 1) * lanes }
func signalIn(s []float32, n int) complexRows {
	return complexRows{s[:n*lanes], s[(n+1)*lanes:][:n*lanes], lanes}
}

// interleaved returns the rows of a spectrum whose real and imaginary parts take turns.
func interleaved(s []float32) complexRows { return complexRows{s, s[lanes:], 2 * lanes} }
