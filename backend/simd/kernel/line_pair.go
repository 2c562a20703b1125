package kernel

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// pairRun takes pairs of lines to the frequencies, and back, through the stages of a plan, one after the other. Runs are kept
// for others, as they are: begin sets all that is read.
type pairRun struct {
	plan    *linePlan
	work    complexRows
	lines   complexRows // two lines, where they are not taken from the tensors and to them at once
	copied  lineRun     // over them
	single  lineRun     // over a line whose second half is there even where lines have a first half alone
	fetches asm.Fetches
	calls   [blockKinds][2][]blockCall // of the last pass of each kind, for one line and for two
}

// pairSize returns the number of floats that runs through a plan need.
func pairSize(plan *linePlan) int { return signalSize(plan.rows()) + signalSize(plan.n) }

// begin sets the run up in scratch, which has pairSize floats.
func (r *pairRun) begin(plan *linePlan, scratch []float32) {
	r.plan, r.work, r.lines = plan, signalIn(scratch, plan.rows()), signalIn(scratch[signalSize(plan.rows()):], plan.n)
	r.copied = plan.first.over(r.work, lanes, plan.half)
	r.fetch(0)
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
	from.forward(&r.fetches)
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
	r.fetch(0)
	r.run(r.prepare(&pass{kind: backBlocks, spectrum: [2][]float32{spectrum}}))
	r.single = r.plan.first.over(r.work, lanes, false)
	r.single.set(line, nil)
	r.single.back(&r.fetches)
}

// run runs calls.
func (r *pairRun) run(calls []blockCall) {
	for i := range calls {
		calls[i].run(&r.fetches)
	}
}

// load copies the lines of two vectors, or of one, and continues them by zeros up to a row.
func (r *pairRun) load(l *lineVectors, first, second int) {
	end, lines := r.plan.numbers(), r.copies(first != second)
	for i, vector := range [2]int{first, second} {
		if line := lines.lines[i]; line != nil {
			l.load(line, vector)
			clear(line[l.n*lanes : end*lanes])
		}
	}
}

// rows returns the lines of two vectors, or of one alone, where they are or copied, with the embedding added where there is
// one.
func (r *pairRun) rows(l *lineVectors, lines *lineRun, first, second int, embedding []float32) *lineRun {
	at1, whole := l.whole(first)
	at2, alsoWhole := l.whole(second)
	if whole && alsoWhole && embedding == nil && r.plan.n == l.n {
		lines.set(l.x[at1:], nil)
		if first != second {
			lines.set(l.x[at1:], l.x[at2:])
		}
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
	for _, both := range [2]bool{false, true} {
		accumulate := r.plan.accumulate(products, spectrum, both)
		r.prepare(&accumulate)
	}
}

// sumBack takes a sum of products on the way back to the first n rows of a line. Where lines were continued by zeros, what a
// distance of less than zero gives stands that far from the end.
func (r *pairRun) sumBack(line, products []float32, n int) {
	r.plan.scale(products)
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

// later is a line that will be needed soon; it may be missing.
type later struct {
	line   []float32
	stride int
}

// later returns two vectors as lines that will be needed, or one where they are the same.
func (l *lineVectors) later(first, second int) (lines [2]later) {
	for i, vector := range [2]int{first, second} {
		if at, _ := l.whole(vector); i == 0 || first != second {
			lines[i] = later{l.x[at:], l.step}
		}
	}
	return lines
}

// soon fetches the lines of two vectors.
func (r *pairRun) soon(l *lineVectors, first, second int) {
	lines := l.later(first, second)
	r.fetch(l.n, lines[:]...)
}

// fetch lets the rows of lines come into the second cache, n of each, while pairs are worked on.
func (r *pairRun) fetch(n int, lines ...later) {
	count := 0
	for _, l := range lines {
		if l.line == nil {
			continue
		}
		at := uintptr(unsafe.Pointer(&l.line[0]))
		r.fetches.Lines[count] = asm.Fetch{At: at, End: at + uintptr((n-1)*l.stride*4), Stride: l.stride * 4}
		count++
	}
	r.fetches.Lines[count] = asm.Fetch{At: uintptr(unsafe.Pointer(r)), End: ^uintptr(0)} // one place again and again
	r.fetches.Current = 0
}
