package kernel

// CircularFFT is the convolution that Circular describes, through the frequencies: its cost grows like N·log N.
//
// Two lines are the real and the imaginary part of one complex signal, as they share the kernel. Signals are
// transformed, multiplied by the kernel's spectrum and taken back in cache, so that x is read and out written once. Where
// N has a prime factor above 13 they are continued with zeros, and the kernel periodically, to a length without. Where
// NaN or infinity comes out, the two lines are convolved apart, so that neither spreads from one line to another.
//
// A unit is some signals. out must not overlap x.
type CircularFFT struct{ Circular }

// unitRows is about how many complex rows a unit has.
const unitRows = 256

// Taps returns how long a kernel is whose direct convolution takes about as long: where N is greater, this form pays.
func (c CircularFFT) Taps() int {
	m, l := c.transformed(), c.lineVectors(nil, c.InStride)
	perLine := float64(2*l.signals()*lanes) / float64(l.all*c.C) // of lanes, 2 where a line is alone
	return int(0.75 * perLine * fftRowCost(m) * float64(m) / float64(c.length()))
}

// Units returns the number of independent parts of the convolution.
func (c CircularFFT) Units() int {
	l := c.lineVectors(nil, c.InStride)
	return min(l.signals(), ceilDivide(l.signals()*c.transformed(), unitRows))
}

// ScratchSize returns the number of floats that Run needs.
func (c CircularFFT) ScratchSize() int { return signalSize(c.transformed()) }

// Run computes units lo to hi of out from x.
func (c CircularFFT) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	plan, units := fftPlanOf(c.transformed()), c.Units()
	r := circularFFTRun{
		in: c.lineVectors(x, c.InStride), out: c.lineVectors(out, c.OutStride),
		plan: plan, work: signalIn(scratch, plan.n),
	}
	signals := r.in.signals()
	first, end := lo*signals/units, hi*signals/units
	current := r.signal(first)
	for i := first; i < end; i++ {
		next := current
		if i+1 < end {
			next = r.signal(i + 1)
		}
		r.convolve(current, next, c.factors(packed, i%r.in.phases, plan.n))
		current = next
	}
}

// circularFFTRun is what the signals of a call share.
type circularFFTRun struct {
	in, out lineVectors
	plan    *fftPlan
	work    complexRows
}

// signal is two vectors of lines with the same channels.
type signal struct {
	first, second int // vectors; the same where there is no second
	whole         bool
	in, out       complexRows // where they are, if they are whole
}

// signal returns signal i. Neighbouring signals have different channels of the same lines.
func (r *circularFFTRun) signal(i int) signal {
	first, second := r.in.signal(i)
	s := signal{first: first, second: second, in: r.work, out: r.work}
	inRe, whole1 := r.in.whole(first)
	inIm, whole2 := r.in.whole(second)
	outRe, whole3 := r.out.whole(first)
	outIm, whole4 := r.out.whole(second)
	if s.whole = whole1 && whole2 && whole3 && whole4 && r.plan.n == r.in.n; s.whole {
		s.in = complexRows{r.in.x[inRe:], r.in.x[inIm:], r.in.step}
		s.out = complexRows{r.out.x[outRe:], r.out.x[outIm:], r.out.step}
	}
	return s
}

// convolve computes one signal's lines of out.
func (r *circularFFTRun) convolve(s, next signal, f factorRows) {
	if !s.whole {
		r.in.loadSignal(r.work, s.first, s.second, r.plan.n)
	}
	r.plan.convolve(s.out, s.in, r.work, f, next.in)
	if s.first != s.second && !finite(s.out.row(0)) { // a row has something of all frequencies of both
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

// convolveAlone computes the lines of one vector.
func (r *circularFFTRun) convolveAlone(vector int, f factorRows) {
	r.in.loadSignal(r.work, vector, vector, r.plan.n)
	r.plan.convolve(r.work, r.work, r.work, f, r.work)
	r.out.store(vector, r.work.re)
}

// transformed returns the length of the transforms: N, or enough for all differences of two indices below N.
func (c *CircularFFT) transformed() int { return fftPlanOf(c.length()).rows() }

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
