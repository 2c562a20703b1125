package kernel

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// pairRun takes pairs of lines to the frequencies, and back, through the stages of a plan, one after the other. Runs are kept
// for others, as they are: begin sets all that is read.
type pairRun struct {
	setup     setup // what all else is set up for
	plan      *linePlan
	work      complexRows
	lines     complexRows // two lines, where they are not taken from the tensors and to them at once
	copied    lineRun     // over them
	single    lineRun     // over a line that has all numbers even where others are continued by zeros
	transfers asm.Transfers
	calls     [blockKinds][2][]blockCall // of the last pass of each kind, for one line and for two
	others    []float32                  // the spectra of which the calls that accumulate add up products; nil where they are not prepared
}

// setup is what a run works on. The units of a task come in several calls, all with the same setup.
type setup struct {
	level       Level
	convolution CircularFFT
	stride      int // floats a pixel of what a gradient is written to
	slices      [5]struct {
		at     *float32
		floats int
	}
}

// setupOf returns the setup over slices, of which some may be nil.
func setupOf(c *CircularFFT, stride int, slices ...[]float32) setup {
	s := setup{level: level, convolution: *c, stride: stride}
	for i, slice := range slices {
		s.slices[i].at, s.slices[i].floats = unsafe.SliceData(slice), len(slice)
	}
	return s
}

// pairSize returns the number of floats that runs through a plan need.
func pairSize(plan *linePlan) int { return signalSize(plan.rows()) + signalSize(plan.n) }

// begin sets the run up for lines of n numbers in scratch, which has pairSize floats.
func (r *pairRun) begin(plan *linePlan, n int, scratch []float32) {
	r.setup, r.others, r.transfers.Write = setup{}, nil, asm.WritePair{}
	r.plan, r.work, r.lines = plan, signalIn(scratch, plan.rows()), signalIn(scratch[signalSize(plan.rows()):], plan.n)
	r.copied.over(plan.first, r.work, lanes, n)
	r.fetch()
}

// prepare returns the calls of a pass.
func (r *pairRun) prepare(w *pass) []blockCall {
	lines := 0
	if w.both {
		lines = 1
	}
	calls := &r.calls[w.kind][lines]
	*calls = r.plan.calls((*calls)[:0], &r.work, w)
	return *calls
}

// through takes a pair of lines, one of which may be missing, to the frequencies, and wherever the calls lead.
func (r *pairRun) through(from *lineRun, calls []blockCall) {
	from.forward(&r.transfers)
	if from.lines[1] == nil {
		first := r.plan.first
		for b := range first.rest {
			clear(r.work.im[b*first.pitch*lanes:][:first.shared*lanes])
		}
	}
	r.run(calls)
}

// inverse takes the frequencies of one line back to it, without the factor 1/n; doubled rows must be. line has rows of
// sixteen.
func (r *pairRun) inverse(line, spectrum []float32) {
	r.fetch()
	r.run(r.prepare(&pass{kind: backBlocks, spectrum: [2][]float32{spectrum}}))
	r.single.over(r.plan.first, r.work, lanes, r.plan.n)
	r.single.set(line, nil)
	r.single.back(&r.transfers)
}

// run runs calls.
func (r *pairRun) run(calls []blockCall) {
	for i := range calls {
		calls[i].run(&r.transfers)
	}
}

// load copies the lines of two vectors, or of one.
func (r *pairRun) load(l *lineVectors, first, second int) {
	lines := r.copies(first != second)
	for i, vector := range [2]int{first, second} {
		if line := lines.lines[i]; line != nil {
			l.load(line, vector)
		}
	}
}

// rows returns the lines of two vectors, or of one alone, where they are or copied, with the embedding added where there is
// one.
func (r *pairRun) rows(l *lineVectors, lines *lineRun, first, second int, embedding []float32) *lineRun {
	if at, whole := l.begins(first, second); whole && embedding == nil {
		lines.set(l.pair(at))
		return lines
	}
	r.load(l, first, second)
	if embedding != nil {
		for _, line := range r.copied.lines {
			if line != nil {
				Binary(OpAdd, line[:len(embedding)], line[:len(embedding)], embedding)
			}
		}
	}
	return &r.copied
}

// accumulate lets products with the spectra of other lines be added to a sum.
func (r *pairRun) accumulate(products, spectrum []float32) {
	prepared := unsafe.SliceData(r.others) == unsafe.SliceData(spectrum)
	r.others = spectrum
	for lines, both := range [2]bool{false, true} {
		accumulate := r.plan.accumulate(products, spectrum, both)
		if !prepared {
			r.prepare(&accumulate)
			continue
		}
		calls := r.calls[accumulateBlocks][lines]
		for i := range calls {
			if calls[i].kind == accumulateBlocks {
				calls[i].setSpectrum(&accumulate.spectrum)
			}
		}
	}
}

// sumBack takes a sum of products on the way back to the first n rows of a line. Where lines were continued by zeros, what a
// distance of less than zero gives stands that far from the end.
func (r *pairRun) sumBack(line, products []float32, n int) {
	r.plan.scale(products, productWeights)
	r.inverse(line, products)
	if len(line) > n*lanes {
		around := line[len(line)-n*lanes:]
		Binary(OpAdd, line[lanes:n*lanes], line[lanes:n*lanes], around[lanes:])
	}
}

// copies returns the run over copies of two lines, or of one.
func (r *pairRun) copies(both bool) *lineRun {
	r.copied.set(r.lines.re, nil)
	if both {
		r.copied.set(r.lines.re, r.lines.im)
	}
	return &r.copied
}

// rowsAhead is where lines begin that will be needed soon.
type rowsAhead struct {
	of *lineVectors
	at pairPlace
}

// ahead returns the rows of two vectors, or of one where they are the same.
func (l *lineVectors) ahead(first, second int) rowsAhead {
	at, _ := l.begins(first, second)
	return rowsAhead{l, at}
}

// fetch lets the rows of lines come into the second cache while pairs are worked on, pair after pair, of which there may be
// two. Where there is time for it they are fetched twice: a processor drops fetches while too many others are on their way
// from memory, and those of what has come cost little. Rows of the two lines of a pair come in turns, as they are in the same
// page of memory mostly: the processor has to look up where that is once.
func (r *pairRun) fetch(ahead ...rowsAhead) {
	count, pauses := 0, ^uintptr(0)
	if r.transfers.Write.From != r.transfers.Write.End {
		pauses = 0 // after each butterfly
	}
	for i := range ahead {
		rows := &ahead[i]
		if rows.at.first < 0 {
			continue
		}
		second, step := 0, 4*rows.of.step
		if rows.at.second >= 0 {
			second = 4 * (rows.at.second - rows.at.first)
		}
		first := uintptr(unsafe.Pointer(&rows.of.x[rows.at.first]))
		last := first + uintptr((rows.of.n-1)*step)
		pair := &r.transfers.Fetches[count]
		// One by one: as a whole they would be written twice, with a wait in between.
		pair.At, pair.End, pair.Pause, pair.Second, pair.Step = first, last, last&pauses, second, step
		count++
	}
	// Once all is fetched, one place is again and again.
	pair := &r.transfers.Fetches[count]
	pair.At, pair.End, pair.Pause, pair.Second, pair.Step = uintptr(unsafe.Pointer(r)), ^uintptr(0), pauses, 0, 0
	r.transfers.Current = 0
}
