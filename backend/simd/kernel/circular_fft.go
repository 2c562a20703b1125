package kernel

import "sync"

// CircularFFT is the convolution that Circular describes, through the frequencies: its cost grows like N·log N.
//
// Two lines are a pair, as they share the kernel. Pairs are transformed, multiplied by the kernel's spectrum and taken back in
// cache, so that x is read and out written once. Where NaN or infinity comes out, the two lines are convolved apart, so that
// neither spreads from one line to another. Where N has a prime factor above 23, or two above 13, lines are continued by zeros
// to a longer length without, which has room for all differences of two indices below N.
//
// A unit is some signals of a few phases, or one signal. out must not overlap x.
type CircularFFT struct {
	Circular
	Streamed bool // whether out is written past the caches, along the height; this matters for speed alone
}

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
	const tapsPerNanosecond = 1.9                                       // of the direct form, with AVX2 as these times are
	row := lineTimesOf(AVX2).row(plan.n, plan.first.radix, c.step(), plan.half)
	return int(tapsPerNanosecond * perLine * row * float64(plan.n) / float64(c.length()))
}

// Units returns the number of independent parts of the convolution.
func (c CircularFFT) Units() int {
	l := c.lineVectors(nil, c.InStride)
	d := c.units(&l)
	return d.groups * ceilDivide(l.phases, d.phases)
}

// units returns how signals are dealt out: units are to be small, so that threads end at the same time. Where one would have one turn,
// it has one signal, and those of a phase come one after the other, so that its spectrum, which is large then, comes to the first cache
// less often; but not where tensors are in memory, which reads what lies side by side faster, nor along the width, where a
// turn's phases are of the same lines.
func (c *CircularFFT) units(l *lineVectors) division {
	d := c.division(l, min(unitPhases, max(1, unitRows/c.plan().n)))
	if turns := l.turns(); d.groups == turns && turns > 1 && c.Axis == Height && !c.Streamed {
		return division{groups: turns, phases: 1, byPhase: true}
	}
	return d
}

// evenUnits is how many units are enough for two threads, or four, to have as many each.
const evenUnits = 4

// division is how signals are dealt out to units, the turns in so many groups, and so many phases at a time; and whether units come
// phase by phase, group by group otherwise.
type division struct {
	groups, phases int
	byPhase        bool
}

// division returns that of signals of which at most so many phases are taken at a time. Where a unit has room for all signals of a
// phase they stay together, so that the phase's spectrum comes to the first cache once; a unit then has as many phases as it has
// room for and as leave enough units.
func (c *CircularFFT) division(l *lineVectors, phases int) division {
	n := c.plan().n
	if rows := l.turns() * n; rows <= unitRows {
		return division{groups: 1, phases: min(phases, max(1, min(unitRows/rows, l.phases/evenUnits)))}
	}
	rows := min(l.phases, phases) * n // of a turn
	return division{groups: ceilDivide(l.turns(), max(1, (unitRows+rows/2)/rows)), phases: phases}
}

// ScratchSize returns the number of floats that Run needs.
func (c CircularFFT) ScratchSize() int {
	return pairSize(c.plan()) + c.stageSize()
}

// Run computes units lo to hi of out from x.
func (c CircularFFT) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	r := circularFFTRuns.Get().(*circularFFTRun)
	setup := setupOf(&c, 0, out, x, packed, scratch)
	if !r.resume(&setup) {
		mustHold(scratch, c.ScratchSize())
		l := c.lineVectors(nil, c.InStride)
		r.start(c, c.units(&l), out, x, packed, scratch)
		r.count = c.Units()
		r.setup = setup
	}
	r.order(lo, hi)
	for i := range len(r.ordered) - 1 {
		r.compute(r.ordered[i], r.ordered[i+1], i == len(r.ordered)-2)
	}
	r.stage.finish()
	circularFFTRuns.Put(r)
}

// circularFFTRuns are runs for calls to come. One that panicked is not among them: it would be resumed in the middle of a unit.
var circularFFTRuns = sync.Pool{New: func() any { return new(circularFFTRun) }}

// circularFFTRun is what the signals of a call share.
type circularFFTRun struct {
	pairRun
	division
	c              CircularFFT
	in, out        lineVectors
	alike          bool    // whether a vector is in both at the same place
	source, target lineRun // over lines where they are
	packed         []float32
	count          int    // of units
	ordered        []unit // those of a call, and the one that comes after them
	phase          int    // that the factors are for
	factors        [2]factorRows
	ready          [blockKinds][2]int // the phases that the calls for one line and for two are for
	stage          outStage
	sums           *gradientSums // nil where the convolution is all there is to compute
	gradient       gradientSums
}

// unprepared stands for the phase of calls that are not prepared, and noPhase for that of those that are, and of factors.
const (
	unprepared = -2 + iota
	noPhase
)

// resume says whether the run is set up so, and makes it ready to go on: factors may have changed.
func (r *circularFFTRun) resume(s *setup) bool {
	if r.setup != *s {
		return false
	}
	r.phase = noPhase
	for kind := range r.ready {
		for lines := range r.ready[kind] {
			r.ready[kind][lines] = min(r.ready[kind][lines], noPhase)
		}
	}
	return true
}

// start sets the run up for signals that are dealt out so. It returns the scratch that is left.
func (r *circularFFTRun) start(c CircularFFT, d division, out, x, packed, scratch []float32) []float32 {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	r.c, r.in, r.out, r.packed, r.phase, r.sums = c, c.lineVectors(x, c.InStride), c.lineVectors(out, c.OutStride), packed, noPhase, nil
	r.division, r.alike = d, c.InStride == c.OutStride
	for kind := range r.ready {
		r.ready[kind] = [2]int{unprepared, unprepared}
	}
	r.begin(c.plan(), r.in.n, scratch)
	r.source.over(r.plan.first, r.work, r.in.step, r.in.n)
	r.target.over(r.plan.first, r.work, r.out.step, r.out.n)
	return r.stage.begin(r, scratch[pairSize(r.plan):])
}

// unit is the signals of some turns of some phases. The last turn may lack phases.
type unit struct{ turn, endTurn, phase, endPhase int }

func (r *circularFFTRun) unit(u int) unit {
	if r.byPhase {
		one, _ := r.joined(u, u+1)
		return one
	}
	turns, phaseGroups := r.in.turns(), ceilDivide(r.in.phases, r.phases)
	group, phase := u/phaseGroups, u%phaseGroups*r.phases
	first := group * turns / r.groups
	return unit{
		first, (group + 1) * turns / r.groups,
		phase, min(phase+r.phases, r.in.phases, r.in.vectors-2*first*r.in.phases),
	}
}

// joined returns as one those units from lo on, before hi, that have the same phase and follow each other, where units come phase by phase,
// and the one after them. They do so in either half of the turns, so that each of two threads has lines of its own, and from
// the last turn to the first, as compute does.
func (r *circularFFTRun) joined(lo, hi int) (all unit, end int) {
	turns := r.in.turns()
	first, count, done := 0, turns/2, lo // the half, and how much of it comes before lo
	if half := count * r.in.phases; lo >= half {
		first, count, done = count, turns-count, lo-half
	}
	phase := done / count
	endTurn := first + count - done%count
	end = min(hi, lo+endTurn-first)
	return unit{endTurn - (end - lo), min(endTurn, r.in.turnsOf(phase)), phase, phase + 1}, end
}

// order sets the units of a call, lo to hi, in the order in which they are computed.
func (r *circularFFTRun) order(lo, hi int) {
	r.ordered = r.ordered[:0]
	for u := lo; u < hi; {
		var next unit
		if r.byPhase {
			next, u = r.joined(u, hi)
		} else {
			next, u = r.unit(u), u+1
		}
		r.ordered = append(r.ordered, next)
	}
	r.ordered = append(r.ordered, r.unit(min(hi, r.count-1)))
}

// compute computes a unit, which may be the last of a call, and fetches the first rows of the one that comes after it. The last
// turn comes first: processors fetch ahead what follows what was written, and what another thread has written there would have
// to come back from this one's cache.
func (r *circularFFTRun) compute(u, after unit, last bool) {
	if u.phase >= u.endPhase || u.turn >= u.endTurn { // the last turn may lack phases
		return
	}
	var both [2]signal // the one that is computed, and the one that comes after it
	r.place(&both[0], r.lastTurn(&u, u.phase), u.phase)
	both[1] = both[0]
	i := 0
	for phase := u.phase; phase < u.endPhase; phase++ {
		r.filter(phase)
		if r.sums != nil {
			r.sums.of(r, phase-u.phase)
		}
		for turn := r.lastTurn(&u, phase); turn >= u.turn; turn-- {
			current, next := &both[i&1], &both[^i&1]
			switch {
			case turn > u.turn:
				r.place(next, turn-1, phase)
			case phase+1 < u.endPhase:
				r.place(next, r.lastTurn(&u, phase+1), phase+1)
			case after.phase < after.endPhase:
				r.place(next, r.lastTurn(&after, after.phase), after.phase)
			}
			r.convolve(current, next, last && turn == u.turn && phase+1 == u.endPhase)
			if r.sums != nil {
				r.sums.add(r, current, next)
			}
			i++
		}
	}
}

// lastTurn returns the last turn of a unit in which there is a signal of a phase.
func (r *circularFFTRun) lastTurn(u *unit, phase int) int {
	return min(u.endTurn, r.in.turnsOf(phase)) - 1
}

// filter lets pairs be multiplied by the spectrum of a phase.
func (r *circularFFTRun) filter(phase int) {
	if phase != r.phase {
		f := factorsOf(r.packed, phase, r.plan)
		r.phase, r.factors = phase, [2]factorRows{f, f}
	}
}

// filterCalls returns the calls that multiply one line or two by the spectrum of the phase.
func (r *circularFFTRun) filterCalls(kind blockKind, both bool) []blockCall {
	lines := 0
	if both {
		lines = 1
	}
	before := r.ready[kind][lines]
	if r.ready[kind][lines] = r.phase; before == unprepared {
		w := pass{kind: kind, factors: r.factors, both: both}
		if kind == filterKeepBlocks {
			w.spectrum = r.plan.spectra(r.sums.spectrum, both)
		}
		return r.prepare(&w)
	}
	calls := r.calls[kind][lines]
	if before != r.phase {
		for i := range calls {
			calls[i].setFactors(&r.factors)
		}
	}
	return calls
}

// signal is two vectors of lines with the same channels, or one.
type signal struct {
	vectors [2]int // the same where there is no second
	in, out pairPlace
	whole   bool // each has sixteen lanes next to each other there
}

// place sets s to a signal of a phase.
func (r *circularFFTRun) place(s *signal, turn, phase int) {
	first, second := r.in.signal(turn, phase)
	in, whole := r.in.begins(first, second)
	out := in
	if !r.alike {
		var alsoWhole bool
		out, alsoWhole = r.out.begins(first, second)
		whole = whole && alsoWhole
	}
	*s = signal{[2]int{first, second}, in, out, whole}
}

// convolve computes one signal's lines of out, or lets the stage write them. Meanwhile it fetches the rows of out that it comes
// to last, and then those that the next signal begins with: what is fetched sooner may have left the cache again. The last
// signal of a call is not for the stage: there would be none to be computed while it is written.
func (r *circularFFTRun) convolve(s, next *signal, last bool) {
	first, second := s.vectors[0], s.vectors[1]
	from, to := &r.source, &r.target
	if s.whole {
		from.set(r.in.pair(s.in))
	} else {
		r.load(&r.in, first, second)
		from = &r.copied
	}
	soon, ahead := rowsAhead{&r.out, s.out}, rowsAhead{&r.in, next.in}
	if r.sums != nil {
		ahead = r.sums.x.ahead(first, second)
	}
	staged := s.whole && !last && r.stage.takes(s.out)
	switch {
	case staged:
		to, soon = r.stage.lines(first != second), ahead
	case s.whole:
		to.set(r.out.pair(s.out))
	default:
		to = &r.copied
	}
	r.fetch(soon, ahead) // in the order in which they are needed
	r.convolved(from, to)
	if first != second && !finite((*vector)(to.lines[0]), (*vector)(to.lines[1])) { // a row has something of all frequencies of both
		for i, vector := range s.vectors {
			r.load(&r.in, vector, vector)
			r.again()
			if staged {
				unpackLanes(to.lines[i], r.lines.re, r.out.n, to.stride, lanes)
			} else {
				r.out.store(vector, r.lines.re)
			}
		}
	} else if !s.whole {
		r.out.store(first, r.lines.re)
		if first != second {
			r.out.store(second, r.lines.im)
		}
	}
	if staged {
		r.stage.send(s.out)
	}
}

// again convolves a copied line alone, after its pair was.
func (r *circularFFTRun) again() {
	calls := r.filterCalls(filterBlocks, false)
	if r.sums != nil { // without losing the spectra of the pair
		calls = r.prepare(&pass{kind: filterKeepBlocks, factors: r.factors, spectrum: [2][]float32{r.sums.spare}})
		r.ready[filterKeepBlocks][0] = unprepared
	}
	r.through(&r.copied, calls)
	r.copied.back(&r.transfers)
}

// convolved takes a pair of lines through the filter to others, or to themselves.
func (r *circularFFTRun) convolved(from, to *lineRun) {
	kind := filterBlocks
	if r.sums != nil {
		kind = filterKeepBlocks
		r.sums.addLines(from)
	}
	r.through(from, r.filterCalls(kind, from.lines[1] != nil))
	to.back(&r.transfers)
}

// plan returns how lines are convolved. It depends on nothing that the gradients do not share.
func (c *CircularFFT) plan() *linePlan { return linePlanOf(level, c.length(), c.step()) }

// step returns how many floats the rows of a line are from each other where there are no gaps between pixels.
func (c *CircularFFT) step() int {
	if c.Axis == Width {
		return c.C
	}
	return c.W * c.C
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
