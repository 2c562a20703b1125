package kernel

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// outStage keeps pairs of lines of out in the cache until they are written past it, a few rows at a time while the pair after
// them is computed: where out is too large for the caches, each row would be read first, and where a pair is written at once,
// the processor waits for memory.
type outStage struct {
	pairs   [2][]float32 // [n, 2, lanes], the one that is computed and the one before it; nil where there are none
	run     lineRun      // over the lines of a pair
	n, step int          // rows of a line, and floats from one to the next in out
	rows    int          // how many are written after a butterfly
	to      []float32
	at      pairPlace // where the pair before belongs
	write   *asm.WritePair
}

// streamed says whether out is written past the caches, as it was asked for. Along the width the rows of a line lie close to each
// other, so that nothing is won by it.
func (c *CircularFFT) streamed() bool {
	return c.Streamed && c.Axis == Height && c.W*c.OutStride%lanes == 0
}

// stageSize returns the number of floats that the stage needs.
func (c *CircularFFT) stageSize() int {
	if !c.streamed() {
		return 0
	}
	return 2 * 2 * c.length() * lanes
}

// begin sets the stage up in scratch, and returns what is left of that.
func (s *outStage) begin(r *circularFFTRun, scratch []float32) []float32 {
	s.pairs = [2][]float32{}
	size := r.c.stageSize() / 2
	if size == 0 {
		return scratch
	}
	s.pairs = [2][]float32{scratch[:size], scratch[size:][:size]}
	s.n, s.step, s.to, s.write = r.out.n, r.out.step, r.out.x, &r.transfers.Write
	s.rows = ceilDivide(s.n, r.plan.butterflies())
	s.run.over(r.plan.first, r.work, 2*lanes, s.n)
	return scratch[2*size:]
}

// takes says whether a pair of lines can be written past the caches.
func (s *outStage) takes(at pairPlace) bool {
	return s.pairs[0] != nil && aligned(s.to[at.first:]) && (at.second < 0 || aligned(s.to[at.second:]))
}

// lines returns the run over the lines of a pair, or over one line.
func (s *outStage) lines(both bool) *lineRun {
	var second []float32
	if both {
		second = s.pairs[0][lanes:]
	}
	s.run.set(s.pairs[0], second)
	return &s.run
}

// send lets the pair that was computed go to out.
func (s *outStage) send(at pairPlace) {
	s.flush()
	s.pairs[0], s.pairs[1], s.at = s.pairs[1], s.pairs[0], at
	first := uintptr(unsafe.Pointer(&s.pairs[1][0]))
	*s.write = asm.WritePair{
		From: first, End: first + uintptr(4*len(s.pairs[1])), To: uintptr(unsafe.Pointer(&s.to[at.first])),
		Second: 4 * (at.second - at.first), Step: 4 * (s.step - at.second + at.first), Rows: s.rows,
	}
	if at.second < 0 { // routines write two lines at a time
		s.flush()
	}
}

// flush writes what is left of the pair before.
func (s *outStage) flush() {
	const pixel = 2 * lanes
	left := int(s.write.End-s.write.From) / (4 * pixel)
	if left == 0 {
		return
	}
	s.write.From = s.write.End
	rows, done := s.pairs[1][(s.n-left)*pixel:], (s.n-left)*s.step
	streamLanes(s.to[s.at.first+done:], rows, left, s.step, pixel)
	if s.at.second >= 0 {
		streamLanes(s.to[s.at.second+done:], rows[lanes:], left, s.step, pixel)
	}
}

// finish ends the writing.
func (s *outStage) finish() {
	if s.pairs[0] != nil {
		s.flush()
		fence()
	}
}
