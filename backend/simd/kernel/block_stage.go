package kernel

// blockStage is a stage between the first and the last of pairs of lines: transforms along blocks of numbers that lie side by
// side, a number of each after the other. It decimates in frequency: butterflies of numbers a part of length/radix apart, of
// which all results but the first are turned, leave as many transforms of that length as the radix says.
type blockStage struct {
	radix    int
	length   int       // of the transforms, of which there may be several in a block
	twiddles []float32 // [length/radix, radix-1] factors of results 1 and up, as pairs; nil where the length is the radix
}

func newBlockStage(radix, length int) blockStage {
	s := blockStage{radix: radix, length: length}
	if length == radix {
		return s
	}
	for part := range length / radix {
		for k := 1; k < radix; k++ {
			re, im := root(part*k, length)
			s.twiddles = append(s.twiddles, float32(re), float32(im))
		}
	}
	return s
}

// blockKind is what butterflies of blocks do besides their short transform.
type blockKind int

const (
	forwardBlocks    blockKind = iota // multiplies the results by the twiddles
	inverseBlocks                     // multiplies by the conjugate twiddles first
	filterBlocks                      // multiplies the results by the filter, adds to them and transforms back
	spectrumBlocks                    // leaves the results in the order of the frequencies
	accumulateBlocks                  // adds products with the conjugate of the filter to them there
	backBlocks                        // takes them back from there
	blockKinds
)

// blockRun is what butterflies work on.
type blockRun struct {
	work     complexRows // first is the first row of the blocks of the first butterfly
	f        factorRows  // from the first butterfly's on
	spectrum []float32   // rows of sixteen real and sixteen imaginary parts
}

// run computes butterflies of count blocks, the first of which begins at a row of the work, and whose numbers are step rows
// of all blocks apart; part says which twiddles they take.
func (s *blockStage) run(kind blockKind, b *blockRun, row, step, part, count int) {
	if !s.runVector(kind, b, row, step, part, count) {
		s.runGeneric(kind, b, row, step, part, count)
	}
}

// runGeneric is the definition of run.
func (s *blockStage) runGeneric(kind blockKind, b *blockRun, row, step, part, count int) {
	short := fftStage{radix: s.radix}
	for i := range count {
		var re, im [maxRadix]vector
		for k := range s.radix {
			x, y := b.work.row(int32(row + i + k*step))
			if kind == backBlocks {
				x, y = (*vector)(b.spectrum[(i*s.radix+k)*2*lanes:]), (*vector)(b.spectrum[(i*s.radix+k)*2*lanes+lanes:])
			}
			re[k], im[k] = *x, *y
		}
		switch kind {
		case inverseBlocks:
			s.twiddle(&re, &im, part, -1)
			short.transform(&im, &re)
		case backBlocks:
			short.transform(&im, &re)
		default:
			short.transform(&re, &im)
		}
		switch kind {
		case forwardBlocks:
			s.twiddle(&re, &im, part, 1)
		case filterBlocks:
			for k := range s.radix {
				b.f.filterRow(&re[k], &im[k], int32(i*s.radix+k))
			}
			short.transform(&im, &re)
		case accumulateBlocks, spectrumBlocks:
			for k := range s.radix {
				row := b.spectrum[(i*s.radix+k)*2*lanes:]
				x, y := (*vector)(row), (*vector)(row[lanes:])
				if kind == accumulateBlocks {
					b.f.accumulateRow(&re[k], &im[k], x, y, int32(i*s.radix+k))
				}
				*x, *y = re[k], im[k]
			}
			continue
		}
		for k := range s.radix {
			x, y := b.work.row(int32(row + i + k*step))
			*x, *y = re[k], im[k]
		}
	}
}

// twiddle multiplies the numbers of a butterfly by its twiddles, or by their conjugates where sign is -1.
func (s *blockStage) twiddle(re, im *[maxRadix]vector, part int, sign float32) {
	w := s.twiddles[part*(s.radix-1)*2:]
	for k := 1; k < s.radix; k++ {
		cos, sin := w[2*k-2], sign*w[2*k-1]
		for l := range lanes {
			re[k][l], im[k][l] = multiply(re[k][l], im[k][l], cos, sin)
		}
	}
}
