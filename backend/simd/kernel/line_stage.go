package kernel

import "slices"

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
	indexes     []int32   // [rest, radix], the rows of a line that each butterfly takes, and one number more
	halfIndexes []int32   // [rest, radix/2], those of the first half of a line, where there are twiddles, and one number more
	twiddles    []float32 // [n/radix, own], factors of the results as pairs; nil where all are 1
}

// lineRadices are the radices that there are routines for.
var lineRadices = [...]int{1, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 32, 64}

// halfRadices are those for lines whose second half is zero.
var halfRadices = [...]int{8, 16, 32, 64}

// maxLineRadix is the largest of them.
const maxLineRadix = 64

// newLineStage returns the stage of a radix for lines of n numbers. A radix that has no factor in common with the rest of n
// makes two dimensions of a line, after Good and Thomas. Else, or where it is asked for, the results are turned, among them
// the one half around, which then has an imaginary part.
func newLineStage(n, radix int, turned bool) lineStage {
	rest := n / radix
	s := lineStage{radix: radix, rest: rest, pitch: radix | 1, results: realResults(radix), shared: 1}
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
	s.indexes, s.halfIndexes = append(s.indexes, 0), append(s.halfIndexes, 0)
	return s
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

// lineRows is where one line of a pair is, and where its results are.
type lineRows struct {
	line       []float32
	stride     int       // floats from a row of the line to the next
	half       bool      // whether the line has its first half alone: the rest is zero, or not wanted back
	shared     []float32 // rows of the results that are shared, the parts that are this line's
	re, im     []float32 // rows of its own
	next       []float32 // the line that comes next
	nextStride int
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

// forward transforms a line.
func (s *lineStage) forward(l *lineRows) {
	if !s.forwardVector(l) {
		s.forwardGeneric(l)
	}
}

// back is the way back of forward without a factor; results of which two conjugates exist must have been doubled.
func (s *lineStage) back(l *lineRows) {
	if !s.backVector(l) {
		s.backGeneric(l)
	}
}

// rowsOf returns the rows of the line that a butterfly takes.
func (s *lineStage) rowsOf(b int, l *lineRows) []int32 {
	if l.half {
		return s.halfIndexes[b*s.radix/2:][:s.radix/2]
	}
	return s.indexes[b*s.radix:][:s.radix]
}

// forwardGeneric is the definition of forward.
func (s *lineStage) forwardGeneric(l *lineRows) {
	for b := range s.rest {
		for i, j := range s.results {
			var re, im vector
			for k, row := range s.rowsOf(b, l) {
				cos, sin := s.root(j * k)
				for lane, v := range l.line[int(row)*l.stride:][:lanes] {
					re[lane] += v * cos
					im[lane] += v * sin
				}
			}
			if i < s.shared {
				copy(l.shared[(b*s.pitch+i)*lanes:], re[:])
				continue
			}
			at := (b*s.pitch + i - s.shared) * lanes
			cos, sin := s.twiddle(b, i)
			for lane := range lanes {
				l.re[at+lane], l.im[at+lane] = multiply(re[lane], im[lane], cos, sin)
			}
		}
	}
}

// backGeneric is the definition of back.
func (s *lineStage) backGeneric(l *lineRows) {
	for b := range s.rest {
		var sums [maxLineRadix]vector
		for i, j := range s.results {
			var re, im vector
			if i < s.shared {
				copy(re[:], l.shared[(b*s.pitch+i)*lanes:])
			} else {
				at := (b*s.pitch + i - s.shared) * lanes
				cos, sin := s.twiddle(b, i)
				for lane := range lanes {
					re[lane], im[lane] = multiply(l.re[at+lane], l.im[at+lane], cos, -sin)
				}
			}
			for k := range s.radix {
				cos, sin := s.root(j * k)
				for lane := range lanes {
					sums[k][lane] += re[lane]*cos + im[lane]*sin
				}
			}
		}
		for k, row := range s.rowsOf(b, l) {
			copy(l.line[int(row)*l.stride:][:lanes], sums[k][:])
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
