package kernel

// CircularFFT is the convolution that Circular describes, through the frequencies: its cost grows like N·log N.
//
// Two lines are the real and the imaginary part of one complex signal, as they share the kernel. Signals are
// transformed, multiplied by the kernel's spectrum and taken back in cache, so that x is read and out written once. Where
// NaN or infinity comes out, the two lines are convolved apart, so that neither spreads from one line to another. Where N
// has a prime factor above 13, each line is a signal of a longer length without, as rightAngle describes.
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
	m, l := c.transformed(), c.lineVectors(nil, c.InStride)
	perLine := float64(2*l.turns()*l.phases*lanes) / float64(l.all*c.C) // of lanes, 2 where lines are alone
	return int(2.4 * perLine * fftRowCost(m) * float64(m) / float64(c.length()))
}

// Units returns the number of independent parts of the convolution.
func (c CircularFFT) Units() int {
	l := c.lineVectors(nil, c.InStride)
	return c.turnGroups(&l) * ceilDivide(l.phases, unitPhases)
}

// turnGroups returns the number of groups that the signals of a phase are in.
func (c *CircularFFT) turnGroups(l *lineVectors) int {
	turns := l.turns()
	return min(turns, ceilDivide(turns*min(l.phases, unitPhases)*c.transformed(), unitRows))
}

// ScratchSize returns the number of floats that Run needs.
func (c CircularFFT) ScratchSize() int { return signalSize(c.transformed()) }

// Run computes units lo to hi of out from x.
func (c CircularFFT) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	plan := fftPlanOf(c.transformed())
	r := circularFFTRun{
		c: c, in: c.lineVectors(x, c.InStride), out: c.lineVectors(out, c.OutStride), packed: packed,
		plan: plan, angle: c.angle(), work: signalIn(scratch, plan.n),
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
	plan    *fftPlan
	angle   *rightAngle // nil where the transforms are as long as the lines
	work    complexRows

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
		phase, min(phase+unitPhases, r.in.phases, r.in.vectors-r.in.together*first*r.in.phases),
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
		f := factorsOf(r.packed, phase, r.plan.n)
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
	first, second int         // vectors; the same where there is no second
	in, out       complexRows // where they begin
	whole         bool        // each has sixteen lanes next to each other there
}

// place sets s to a signal of a phase.
func (r *circularFFTRun) place(s *signal, turn, phase int) {
	s.first, s.second = r.in.signal(turn, phase)
	in1, out1, whole1 := r.at(s.first)
	in2, out2, whole2 := in1, out1, whole1
	if s.second != s.first {
		in2, out2, whole2 = r.at(s.second)
	}
	s.whole = whole1 && whole2
	s.in.re, s.in.im, s.in.stride = r.in.x[in1:], r.in.x[in2:], r.in.step
	s.out.re, s.out.im, s.out.stride = r.out.x[out1:], r.out.x[out2:], r.out.step
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
func (r *circularFFTRun) convolve(s *signal, next *complexRows, f *factorRows) {
	if r.angle != nil {
		r.convolveTurned(s, next, f)
		return
	}
	in, out := &s.in, &s.out
	if !s.whole {
		in, out = &r.work, &r.work
		r.in.loadSignal(r.work, s.first, s.second)
	}
	r.plan.convolveAhead(out, in, &r.work, f, &s.out, next)
	if s.first != s.second && !finite(out.row(0)) { // a row has something of all frequencies of both
		r.convolveAlone(s.first, f)
		r.convolveAlone(s.second, f)
		return
	}
	if s.whole {
		return
	}
	r.out.store(s.first, r.work.re)
	if s.first != s.second {
		r.out.store(s.second, r.work.im)
	}
}

// convolveAlone computes the lines of one vector of a signal.
func (r *circularFFTRun) convolveAlone(vector int, f *factorRows) {
	r.in.loadSignal(r.work, vector, vector)
	r.plan.convolve(r.work, r.work, r.work, *f)
	r.out.store(vector, r.work.re)
}

// convolveTurned is convolve for lines whose transforms are longer.
func (r *circularFFTRun) convolveTurned(s *signal, next *complexRows, f *factorRows) {
	in, out := &s.in, &s.out
	if !s.whole {
		in, out = &r.work, &r.work
		r.in.load(r.work.re, s.first)
	}
	r.angle.turn(r.work, in.re, in.stride)
	r.plan.convolveAhead(&r.work, &r.work, &r.work, f, &s.out, next)
	r.angle.turnBack(out.re, out.stride, r.work)
	if !s.whole {
		r.out.store(s.first, r.work.re)
	}
}

// lineVectors returns where the lines of x are, and how many are a signal.
func (c *CircularFFT) lineVectors(x []float32, stride int) lineVectors {
	l := c.Circular.lineVectors(x, stride)
	if c.angle() != nil {
		l.together = 1
	}
	return l
}

// angle returns how lines become signals of a longer length, and nil where their own has a transform.
func (c *CircularFFT) angle() *rightAngle {
	if hasRadices(c.length()) {
		return nil
	}
	return rightAngles.at(c.length())
}

// transformed returns the length of the transforms.
func (c *CircularFFT) transformed() int {
	if a := c.angle(); a != nil {
		return a.plan.n
	}
	return c.length()
}

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
