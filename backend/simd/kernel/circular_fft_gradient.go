package kernel

// CircularFFTGradient is the gradient of a circular convolution's kernel that CircularGradient describes, through the
// frequencies: dw is the way back of Σ conj(V̂)·Ẑ over pairs of lines, the real part where they share numbers.
//
// A unit sums over some signals of one phase, at fixed places; Combine adds the units' sums up.
type CircularFFTGradient struct{ CircularFFT }

// gradientRows is the least number of rows that a unit sums over, where there are as many: each unit takes its sums
// back.
const gradientRows = 1 << 11

// Taps returns how long a kernel is whose gradient, taken directly, takes about as long: where N is greater, this form
// pays. A pair has two transforms as in the convolution, and a sum over it.
func (g CircularFFTGradient) Taps() int { return g.CircularFFT.Taps() * 3 / 2 }

// Units returns the number of independent parts of the sums.
func (g CircularFFTGradient) Units() int { return g.chunks() * g.PackUnits() }

// PartialSize returns the number of floats that all units write.
func (g CircularFFTGradient) PartialSize() int { return g.Units() * g.length() * lanes }

// ScratchSize returns the number of floats that Run needs.
func (g CircularFFTGradient) ScratchSize() int {
	plan := g.plan()
	return signalSize(plan.rows()) + 6*plan.frequencies()*lanes + signalSize(plan.n) + g.length()*lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularFFTGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	mustHold(v, g.span(g.OutStride))
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	n, plan, chunks := g.length(), g.plan(), g.chunks()
	r := gradientRun{plan: plan, work: signalIn(scratch, plan.rows())}
	rest := scratch[signalSize(plan.rows()):]
	size := 2 * plan.frequencies() * lanes
	r.sum, r.spectrum, rest = rest[:size], rest[size:][:2*size], rest[3*size:]
	r.lines, rest = signalIn(rest, plan.n), rest[signalSize(plan.n):]
	vLines, xLines := g.lineVectors(v, g.OutStride), g.lineVectors(x, g.InStride)
	phases := vLines.phases
	for u := lo; u < hi; u++ {
		phase, chunk := u%phases, u/phases
		if pe != nil {
			r.embedding = rest[:n*lanes]
			g.gatherChannels(r.embedding, pe, phase)
		}
		clear(r.sum)
		turns := vLines.turnsOf(phase)
		for turn := chunk * turns / chunks; turn < (chunk+1)*turns/chunks; turn++ {
			first, second := vLines.signal(turn, phase)
			nextFirst, nextSecond := vLines.signal(min(turn+1, turns-1), phase)
			r.accumulate(&vLines, &xLines, first, second, nextFirst, nextSecond)
		}
		r.finish(partial[u*n*lanes:][:n*lanes])
	}
}

// gradientRun is what the pairs of a call share.
type gradientRun struct {
	plan      *linePlan
	work      complexRows
	sum       []float32 // of products
	spectrum  []float32 // of a pair of v
	lines     complexRows
	embedding []float32
}

// accumulate adds the products of the spectra of a pair of lines of v and of x to the sum, and fetches rows of the next.
func (r *gradientRun) accumulate(v, x *lineVectors, first, second, nextFirst, nextSecond int) {
	in, later := r.rows(v, first, second, nil), x.begin(first, second)
	soon := r.ahead(&in, &later)
	r.plan.transform(r.spectrum, &in, &r.work, &soon)
	in, later = r.rows(x, first, second, r.embedding), v.begin(nextFirst, nextSecond)
	soon = r.ahead(&in, &later)
	r.plan.accumulate(r.sum, &in, &r.work, r.spectrum, &soon)
}

// ahead returns what comes into the cache with a pair: its second line and the first of what comes later, or where the pair
// was copied to the cache, both lines of that.
func (r *gradientRun) ahead(in, later *pair) ahead {
	if in.second == nil || &in.first[0] == &r.lines.re[0] {
		return fetching(later.first, later.stride, later.second, later.stride)
	}
	return fetching(in.second, in.stride, later.first, later.stride)
}

// finish takes the sum on the way back. Where lines were continued by zeros, what a distance of less than zero gives stands
// that far from the end.
func (r *gradientRun) finish(partial []float32) {
	r.plan.scale(r.sum)
	if len(partial) == r.plan.n*lanes {
		r.plan.inverse(partial, lanes, r.sum, &r.work)
		return
	}
	line := r.lines.re[:r.plan.n*lanes]
	r.plan.inverse(line, lanes, r.sum, &r.work)
	copy(partial, line)
	around := line[len(line)-len(partial):]
	Binary(OpAdd, partial[lanes:], partial[lanes:], around[lanes:])
}

// Combine adds the units' sums up, always in the same order, to dw [N, C]. It changes partial.
func (g CircularFFTGradient) Combine(dw, partial []float32) {
	n, phases := g.length(), g.PackUnits()
	clear(dw[:n*g.C])
	size := phases * n * lanes
	for chunk := 1; chunk < g.chunks(); chunk++ {
		Binary(OpAdd, partial[:size], partial[:size], partial[chunk*size:][:size])
	}
	for phase := range phases {
		sums := partial[phase*n*lanes:][:n*lanes]
		for lane, used := 0, g.channels(phase); lane < used; {
			channel := g.channel(phase, lane)
			width := min(g.C-channel, used-lane)
			for k := range n {
				to := dw[k*g.C+channel:][:width]
				for l, s := range sums[k*lanes+lane:][:width] {
					to[l] += s
				}
			}
			lane += width
		}
	}
}

// rows returns the lines of two vectors, or of one alone, where they are or copied, with the embedding added where there is
// one.
func (r *gradientRun) rows(l *lineVectors, first, second int, embedding []float32) pair {
	at1, whole := l.whole(first)
	at2, alsoWhole := l.whole(second)
	if whole && alsoWhole && embedding == nil && r.plan.n == l.n {
		lines := pair{first: l.x[at1:], stride: l.step}
		if first != second {
			lines.second = l.x[at2:]
		}
		return lines
	}
	lines := l.pairIn(r.lines, r.plan.numbers(), first, second)
	if embedding != nil {
		Binary(OpAdd, lines.first[:len(embedding)], lines.first[:len(embedding)], embedding)
		if lines.second != nil {
			Binary(OpAdd, lines.second[:len(embedding)], lines.second[:len(embedding)], embedding)
		}
	}
	return lines
}

// begin returns where two vectors' lines begin.
func (l *lineVectors) begin(first, second int) pair {
	at1, _ := l.whole(first)
	at2, _ := l.whole(second)
	return pair{first: l.x[at1:], second: l.x[at2:], stride: l.step}
}

// chunks returns the number of parts that the signals of a phase are summed in.
func (g *CircularFFTGradient) chunks() int {
	l := g.lineVectors(nil, g.InStride)
	return max(1, min(l.turns()*g.plan().n/gradientRows, gradientUnits/l.phases))
}
