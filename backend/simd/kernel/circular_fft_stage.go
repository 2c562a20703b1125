package kernel

import "slices"

// outStage keeps lines of out in the cache until those that lie side by side can be written past it together: where out is
// too large for the caches, a line alone would have each of its rows read first, and written far from the one before.
type outStage struct {
	rows  []float32 // [n, width, lanes]
	width int
	run   lineRun
	n     int       // rows of a line
	step  int       // floats from one to the next in out
	out   []int     // where the line of each slot belongs, -1 where it has none
	to    []float32 // in which tensor
}

// streamed says whether out is written past the caches, as it was asked for. Along the width the rows of a line lie close to each
// other, so that nothing is won by it.
func (c *CircularFFT) streamed() bool {
	return c.Streamed && c.Axis == Height && c.W*c.OutStride%lanes == 0
}

// stageWidth returns how many lines a unit has, where out is written past the caches, and 0 where it is not.
func (c *CircularFFT) stageWidth(l *lineVectors, d division) int {
	if !d.streamed {
		return 0
	}
	return 2 * ceilDivide(l.turns(), d.groups) * min(l.phases, d.phases)
}

// stageSize returns the number of floats that the stage needs.
func (c *CircularFFT) stageSize(l *lineVectors, d division) int {
	return c.stageWidth(l, d) * l.n * lanes
}

// begin sets the stage up in scratch, and returns what is left of that.
func (s *outStage) begin(r *circularFFTRun, scratch []float32) []float32 {
	s.width, s.out, s.to = r.c.stageWidth(&r.in, r.division), s.out[:0], r.out.x
	if s.width == 0 {
		return scratch
	}
	size := s.width * r.in.n * lanes
	s.rows, s.n, s.step = scratch[:size], r.out.n, r.out.step
	s.run.over(r.plan.first, r.work, s.width*lanes, s.n)
	s.out = slices.Grow(s.out, s.width)[:s.width]
	s.clear()
	return scratch[size:]
}

// slots returns those of the lines of a signal of a unit: in the order of the lines in out.
func (s *outStage) slots(u unit, turn, phase int) [2]int {
	phases := u.endPhase - u.phase
	slot := 2*(turn-u.turn)*phases + phase - u.phase
	return [2]int{slot, slot + phases}
}

// clear takes the lines out of the slots.
func (s *outStage) clear() {
	for slot := range s.out {
		s.out[slot] = -1
	}
}

// takes says whether a signal's lines can be written past the caches.
func (s *outStage) takes(at pairPlace) bool {
	return s.width > 0 && aligned(s.to[at.first:]) && (at.second < 0 || aligned(s.to[at.second:]))
}

// lines returns the run over the slots of a signal's lines.
func (s *outStage) lines(at pairPlace, slots [2]int) *lineRun {
	var second []float32
	if s.out[slots[0]] = at.first; at.second >= 0 {
		s.out[slots[1]], second = at.second, s.rows[slots[1]*lanes:]
	}
	s.run.set(s.rows[slots[0]*lanes:], second)
	return &s.run
}

// flush writes the lines of all slots to where they belong.
func (s *outStage) flush() {
	for slot := 0; slot < len(s.out); {
		end, at := slot+1, s.out[slot]
		for at >= 0 && end < len(s.out) && s.out[end] == at+(end-slot)*lanes {
			end++
		}
		if at >= 0 {
			streamLanes(s.to[at:], s.rows[slot*lanes:], s.n, s.step, s.width*lanes, end-slot)
		}
		slot = end
	}
	s.clear()
}

// finish ends the writing.
func (s *outStage) finish() {
	if s.width > 0 {
		fence()
	}
}
