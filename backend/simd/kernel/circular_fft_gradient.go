package kernel

// CircularFFTGradient is the gradient of a circular convolution's kernel that CircularGradient describes, through the
// frequencies: dw is the real part of the way back of Σ conj(V̂)·Ẑ over pairs of lines.
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
	return 3*signalSize(g.transformed()) + g.length()*lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularFFTGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	mustHold(v, g.span(g.OutStride))
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	n, plan, chunks := g.length(), fftPlanOf(g.transformed()), g.chunks()
	size := signalSize(plan.n)
	work, spectrum, sum := signalIn(scratch, plan.n), scratch[size:][:2*plan.n*lanes], signalIn(scratch[2*size:], plan.n)
	vLines, xLines := g.lineVectors(v, g.OutStride), g.lineVectors(x, g.InStride)
	phases, angle := vLines.phases, g.angle()
	var added []float32
	for u := lo; u < hi; u++ {
		phase, chunk := u%phases, u/phases
		if pe != nil {
			added = scratch[3*size:][:n*lanes]
			g.gatherChannels(added, pe, phase)
		}
		clear(sum.re)
		clear(sum.im)
		turns := vLines.turnsOf(phase)
		for turn := chunk * turns / chunks; turn < (chunk+1)*turns/chunks; turn++ {
			first, second := vLines.signal(turn, phase)
			plan.forwardAhead(interleaved(spectrum), vLines.rows(work, first, second, nil, angle), xLines.begin(first, second))
			next := vLines.begin(vLines.signal(min(turn+1, turns-1), phase))
			plan.correlateAhead(sum, xLines.rows(work, first, second, added, angle), work, spectrum, next)
		}
		plan.inverse(sum)
		g.storeSums(partial[u*n*lanes:][:n*lanes], sum, plan)
	}
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

// rows returns the rows of the signal of two vectors, or of one alone, where they are or made in work, with the embedding
// added where there is one.
func (l *lineVectors) rows(work complexRows, first, second int, embedding []float32, angle *rightAngle) complexRows {
	re, whole := l.whole(first)
	im, alsoWhole := l.whole(second)
	here := whole && alsoWhole && embedding == nil
	switch {
	case here && angle != nil:
		angle.turn(work, l.x[re:], l.step)
		return work
	case here && first != second:
		return complexRows{l.x[re:], l.x[im:], l.step}
	}
	l.loadSignal(work, first, second)
	if embedding != nil {
		Binary(OpAdd, work.re[:len(embedding)], work.re[:len(embedding)], embedding)
		if first != second {
			Binary(OpAdd, work.im[:len(embedding)], work.im[:len(embedding)], embedding)
		}
	}
	if angle != nil {
		angle.turn(work, work.re, lanes)
	}
	return work
}

// begin returns the rows that two vectors' lines begin in.
func (l *lineVectors) begin(first, second int) complexRows {
	re, _ := l.whole(first)
	im, _ := l.whole(second)
	return complexRows{l.x[re:], l.x[im:], l.step}
}

// storeSums takes the sums on the way back to n rows.
func (g *CircularFFTGradient) storeSums(partial []float32, sums complexRows, plan *fftPlan) {
	if a := g.angle(); a != nil {
		a.turnBack(partial, lanes, sums)
	} else {
		copy(partial, sums.re)
	}
	Binary(OpMul, partial, partial, plan.scale)
}

// chunks returns the number of parts that the signals of a phase are summed in.
func (g *CircularFFTGradient) chunks() int {
	l := g.lineVectors(nil, g.InStride)
	return max(1, min(l.turns()*g.transformed()/gradientRows, gradientUnits/l.phases))
}
