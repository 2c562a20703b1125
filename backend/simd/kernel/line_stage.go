package kernel

import (
	"slices"
	"sync/atomic"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// lineStage is the first stage of the transforms of pairs of real lines, and the last one of their way back.
//
// A transform of radix real numbers has conjugate results, of which one is computed. Those without an imaginary part, the
// shared ones, are the real part of a complex number for the first line of a pair and the imaginary part for the second:
// what remains to be done with them is the same for both, and linear. The others, its own, each line has for itself.
// So each row of the lines is one complex row of a pair, and what a line has of its own needs half of the spectrum.
//
// Rows of butterfly b begin at row b·pitch: the shared results, those of the first line alone, those of the second.
type lineStage struct {
	radix       int
	pitch       int
	results     []int // which are computed, shared ones first
	shared, own int
	rest        int       // butterflies
	indexes     []int32   // [rest, radix], the rows of a line that each butterfly takes
	halfIndexes []int32   // [rest, radix/2], those of the first half of a line, where there are twiddles
	twiddles    []float32 // [n/radix, own], factors of the results as pairs; nil where all are 1

	offsets [8]atomic.Pointer[lineOffsets] // those of the last strides that were asked for
	oldest  atomic.Uint32                  // which of them goes next
}

// lineRadices are the radices that there are routines for.
var lineRadices = [...]int{1, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 19, 23, 32, 64}

// halfRadices are those for lines whose second half is zero.
var halfRadices = [...]int{8, 16, 32, 64}

// maxLineRadix is the largest of them.
const maxLineRadix = 64

// newLineStage returns the stage of a radix for lines of n numbers. A radix that has no factor in common with the rest of n
// makes two dimensions of a line, after Good and Thomas. Else, or where it is asked for, the results are turned, among them
// the one half around, which then has an imaginary part.
func newLineStage(n, radix int, turned bool) *lineStage {
	rest := n / radix
	s := &lineStage{radix: radix, rest: rest, pitch: linePitch(radix), results: realResults(radix), shared: 1}
	turned = turned || greatestCommonDivisor(radix, rest) > 1
	if !turned && radix%2 == 0 {
		s.shared = 2
	}
	s.own = len(s.results) - s.shared
	step := 1
	if !turned {
		step = radix
	}
	for b := range rest {
		for k := range radix {
			s.indexes = append(s.indexes, int32((step*b+rest*k)%n))
		}
		if !turned {
			continue
		}
		for k := range radix / 2 {
			s.halfIndexes = append(s.halfIndexes, int32(b+rest*k))
		}
		for _, j := range s.results[s.shared:] {
			re, im := root(b*j, n)
			s.twiddles = append(s.twiddles, float32(re), float32(im))
		}
	}
	return s
}

// linePitch returns how many rows there are from a butterfly of a line to the next: an odd number, so that the rows of a block
// do not share places in the cache. With 65 they would stand one row further in their pages each, and a block would load rows
// from where the one before has just stored, in other pages. Processors find out only later that it is not the same place, and
// on a Zen 4, on some pages, blocks of 448 numbers took up to 40 % longer for it.
func linePitch(radix int) int {
	if radix == maxLineRadix {
		return radix + 3
	}
	return radix | 1
}

// realResults returns which results of a transform of n real numbers are computed: number 0, number n/2 where n is even, and
// one of each two conjugates, in ascending order.
func realResults(n int) []int {
	results := []int{0}
	if n%2 == 0 {
		results = append(results, n/2)
	}
	others := conjugateChoices(n)
	slices.Sort(others)
	return append(results, others...)
}

// conjugateChoices returns the one of each two conjugate results that takes the fewest operations.
func conjugateChoices(n int) (choices []int) {
	factor := 3
	for n%factor != 0 && factor < n {
		factor += 2
	}
	switch {
	case n <= 2:
	case n%4 == 0:
		for j := 1; j < n; j += 4 {
			choices = append(choices, j)
		}
		for _, j := range conjugateChoices(n / 2) {
			choices = append(choices, 2*j)
		}
	case n == factor:
		for j := n/2 + 1; j < n; j++ {
			choices = append(choices, j)
		}
	default:
		for _, j := range realResults(n / factor)[1:] {
			choices = append(choices, factor*j)
		}
		for _, j := range conjugateChoices(factor) {
			for m := range n / factor {
				choices = append(choices, j+factor*m)
			}
		}
	}
	return choices
}

// rows returns the number of complex rows of a pair of lines.
func (s *lineStage) rows() int { return s.rest * s.pitch }

// lineOffsets is how many bytes from a line's beginning its rows are, in the order in which butterflies take them, where a row
// is stride floats from the next. As many follow as one butterfly has, all of the last row: after the last butterfly nothing is
// left to fetch.
type lineOffsets struct {
	stride int
	half   bool
	bytes  []int
}

// offsetsOf returns the offsets of all rows of a line, or of those of its first half.
func (s *lineStage) offsetsOf(stride int, half bool) []int {
	for i := range s.offsets {
		if o := s.offsets[i].Load(); o != nil && o.stride == stride && o.half == half {
			return o.bytes
		}
	}
	indexes := s.indexes
	if half {
		indexes = s.halfIndexes
	}
	rows := len(indexes)
	bytes := make([]int, rows+rows/s.rest)
	for i := range bytes {
		bytes[i] = int(indexes[min(i, rows-1)]) * stride * 4
	}
	o := &lineOffsets{stride, half, bytes[:rows]}
	s.offsets[int(s.oldest.Add(1))%len(s.offsets)].Store(o)
	return o.bytes
}

// lineRun takes pairs of lines through a lineStage, one after the other. Runs are kept for others, as they are: over sets all
// that is read.
type lineRun struct {
	stage   *lineStage
	stride  int // floats from a row of a line to the next
	numbers int // rows of a line; the others, half of all at least, are zero, or not wanted back
	whole   int // butterflies at the beginning that take no others
	lines   [2][]float32
	work    complexRows
	size    int          // floats from the first row of a line to the end of its last one
	job     asm.LineJob  // the same
	part    asm.LineJob  // what one call takes of it, where that is not all
	short   shortOffsets // of the butterflies that are not whole

	routines [2]lineRoutine // forward and back; nil where there is no assembly
}

// lineRoutine is the form of all assembly of this stage.
type lineRoutine func(job *asm.LineJob, transfers *asm.Transfers)

// over sets the run up between work and lines of so many numbers, whose rows are stride floats from each other.
func (r *lineRun) over(s *lineStage, work complexRows, stride, numbers int) {
	mustHold(work.re, s.rows()*lanes)
	mustHold(work.im, s.rows()*lanes)
	r.stage, r.stride, r.numbers, r.work = s, stride, numbers, work
	r.size = (numbers-1)*stride + lanes
	r.whole = s.rest
	if r.half() {
		r.whole = max(0, min(s.rest, numbers-s.rest*(s.radix/2-1)))
	}
	r.routines = s.routines(r.half())
	offsets := s.offsetsOf(stride, r.half())
	r.short.begin(r, offsets)
	r.job.Offsets, r.job.Count, r.job.Step, r.job.Twiddles = &offsets[0], s.rest, 4*stride, nil
	if s.twiddles != nil {
		r.job.Twiddles = &s.twiddles[0]
	}
	for i := range r.job.Lines {
		l := &r.job.Lines[i]
		shared, re, im := s.of(&work, i == 1)
		l.Shared, l.Re, l.Im = &shared[0], nil, nil
		if s.own > 0 {
			l.Re, l.Im = &re[0], &im[0]
		}
	}
}

// set sets the lines; the second is nil where there is none.
func (r *lineRun) set(first, second []float32) {
	mustHold(first, r.size)
	r.lines[0], r.lines[1] = first, second
	lines, butterfly := &r.job.Lines, 8*r.stage.radix
	lines[0].Rows, lines[0].Next, lines[0].Ahead = &first[0], &first[0], butterfly
	lines[1].Rows, lines[1].Next = nil, nil
	if second != nil {
		mustHold(second, r.size)
		lines[0].Next, lines[0].Ahead = &second[0], 0
		lines[1].Rows, lines[1].Next, lines[1].Ahead = &second[0], &first[0], butterfly
	}
}

// half says whether butterflies take the first half of their numbers alone.
func (r *lineRun) half() bool { return r.numbers < r.stage.rest*r.stage.radix }

// forward transforms the lines. Rows to fetch come into the cache meanwhile.
func (r *lineRun) forward(transfers *asm.Transfers) {
	if r.routines[0] != nil {
		r.run(r.routines[0], zeroRow, transfers)
		return
	}
	for i, line := range r.lines {
		if line != nil {
			r.forwardGeneric(i, line)
		}
	}
}

// back is the way back of forward without a factor; results of which two conjugates exist must have been doubled.
func (r *lineRun) back(transfers *asm.Transfers) {
	if r.routines[1] != nil {
		r.run(r.routines[1], r.short.unwanted, transfers)
		return
	}
	for i, line := range r.lines {
		if line != nil {
			r.backGeneric(i, line)
		}
	}
}

// maxLineNumbers bounds the numbers of a line that one call takes: assembly cannot be preempted.
var maxLineNumbers = maxButterflies * maxRadix

// run computes all butterflies with a routine, with one row for all that lines do not have.
func (r *lineRun) run(routine lineRoutine, missing *vector, transfers *asm.Transfers) {
	s := r.stage
	if r.whole == s.rest && s.rest*s.radix <= maxLineNumbers {
		routine(&r.job, transfers)
		return
	}
	most, offsets := maxLineNumbers/s.radix, s.offsetsOf(r.stride, r.half())
	taken := len(offsets) / s.rest // rows of a butterfly
	for lo := 0; lo < r.whole; lo += most {
		r.setPart(lo, min(lo+most, r.whole), offsets[lo*taken:])
		routine(&r.part, transfers)
	}
	if r.whole == s.rest {
		return
	}
	for i, line := range r.lines {
		if line == nil {
			continue
		}
		offsets := r.short.of(line, missing)
		for lo := r.whole; lo < s.rest; lo += most {
			r.setPart(lo, min(lo+most, s.rest), offsets[(lo-r.whole)*taken:])
			r.part.Lines = [2]asm.Line{r.part.Lines[i]}
			routine(&r.part, transfers)
		}
	}
}

// setPart sets the part to butterflies lo to hi, whose rows stand at offsets.
func (r *lineRun) setPart(lo, hi int, offsets []int) {
	s, part := r.stage, &r.part
	*part = r.job
	part.Count, part.Offsets = hi-lo, &offsets[0]
	if s.twiddles != nil {
		part.Twiddles = &s.twiddles[2*lo*s.own]
	}
	for i := range part.Lines {
		shared, re, im := s.of(&r.work, i == 1)
		at := lo * s.pitch * lanes
		part.Lines[i].Shared = &shared[at]
		if s.own > 0 {
			part.Lines[i].Re, part.Lines[i].Im = &re[at], &im[at]
		}
	}
}

// of returns the results' places of the first or of the second line of a pair.
func (s *lineStage) of(work *complexRows, second bool) (shared, re, im []float32) {
	if second {
		at := (s.shared + s.own) * lanes
		return work.im, work.re[at:], work.im[at:]
	}
	at := s.shared * lanes
	return work.re, work.re[at:], work.im[at:]
}

// rowsOf returns the rows of the line that a butterfly takes.
func (r *lineRun) rowsOf(b int) []int32 {
	s := r.stage
	if r.half() {
		return s.halfIndexes[b*s.radix/2:][:s.radix/2]
	}
	return s.indexes[b*s.radix:][:s.radix]
}

// forwardGeneric is the definition of forward, for one of the lines.
func (r *lineRun) forwardGeneric(line int, numbers []float32) {
	s := r.stage
	shared, ownRe, ownIm := s.of(&r.work, line == 1)
	for b := range s.rest {
		for i, j := range s.results {
			var re, im vector
			for k, row := range r.rowsOf(b) {
				if int(row) >= r.numbers {
					continue
				}
				cos, sin := s.root(j * k)
				for lane, v := range numbers[int(row)*r.stride:][:lanes] {
					re[lane] += v * cos
					im[lane] += v * sin
				}
			}
			if i < s.shared {
				copy(shared[(b*s.pitch+i)*lanes:], re[:])
				continue
			}
			at := (b*s.pitch + i - s.shared) * lanes
			cos, sin := s.twiddle(b, i)
			for lane := range lanes {
				ownRe[at+lane], ownIm[at+lane] = multiply(re[lane], im[lane], cos, sin)
			}
		}
	}
}

// backGeneric is the definition of back, for one of the lines.
func (r *lineRun) backGeneric(line int, numbers []float32) {
	s := r.stage
	shared, ownRe, ownIm := s.of(&r.work, line == 1)
	for b := range s.rest {
		var sums [maxLineRadix]vector
		for i, j := range s.results {
			var re, im vector
			if i < s.shared {
				copy(re[:], shared[(b*s.pitch+i)*lanes:])
			} else {
				at := (b*s.pitch + i - s.shared) * lanes
				cos, sin := s.twiddle(b, i)
				for lane := range lanes {
					re[lane], im[lane] = multiply(ownRe[at+lane], ownIm[at+lane], cos, -sin)
				}
			}
			for k := range s.radix {
				cos, sin := s.root(j * k)
				for lane := range lanes {
					sums[k][lane] += re[lane]*cos + im[lane]*sin
				}
			}
		}
		for k, row := range r.rowsOf(b) {
			if int(row) >= r.numbers {
				continue
			}
			copy(numbers[int(row)*r.stride:][:lanes], sums[k][:])
		}
	}
}

// twiddle returns the factor of result i of butterfly b.
func (s *lineStage) twiddle(b, i int) (re, im float32) {
	if s.twiddles == nil {
		return 1, 0
	}
	w := s.twiddles[2*(b*s.own+i-s.shared):]
	return w[0], w[1]
}

// root returns e^(-2πi·k/radix).
func (s *lineStage) root(k int) (re, im float32) {
	r := lineRoots[s.radix][k%s.radix]
	return real(r), imag(r)
}

// lineRoots holds the roots of each radix.
var lineRoots = func() (roots [maxLineRadix + 1][]complex64) {
	for _, radix := range lineRadices {
		for k := range radix {
			re, im := root(k, radix)
			roots[radix] = append(roots[radix], complex(float32(re), float32(im)))
		}
	}
	return roots
}()
