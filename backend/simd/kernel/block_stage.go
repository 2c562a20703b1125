package kernel

import (
	"math"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

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
	filterKeepBlocks                  // does the same with the conjugate of the filter, and leaves the results as they were in the order of the frequencies
	spectrumBlocks                    // leaves the results in the order of the frequencies
	accumulateBlocks                  // adds products with the conjugate of the filter to them there
	backBlocks                        // takes them back from there
	blockKinds
)

// blockWeight returns what butterflies of a radix divide the frequencies by, all but the first of each, on the way to them and again
// before the way back. Of an odd prime it is the greatest sine that the transform has: one factor of each sum of sines is 1 then. The
// spectra that others are multiplied by make up for it.
func blockWeight(radix int) float32 {
	switch radix {
	case 3, 5, 7, 11, 13:
		return float32(math.Sin(2 * math.Pi * float64((radix+2)/4) / float64(radix)))
	default:
		return 1
	}
}

// weigh multiplies all rows but the first of consecutive butterflies in the frequencies by a power of the weight of their radix.
func weigh(spectrum []float32, radix, power int) {
	weight := blockWeight(radix)
	if weight == 1 {
		return
	}
	factor := []float32{float32(math.Pow(float64(weight), float64(power)))}
	for butterfly := radix * 2 * lanes; len(spectrum) > 0; spectrum = spectrum[butterfly:] {
		rows := spectrum[2*lanes : butterfly]
		Binary(OpMul, rows, rows, factor)
	}
}

// filters says whether butterflies come to the frequencies and back.
func (k blockKind) filters() bool { return k == filterBlocks || k == filterKeepBlocks }

// blockRows is blocks of a line that lie side by side.
type blockRows struct {
	re, im                  []float32 // from the row on where the first of them begins
	filter, added, spectrum []float32 // rows of the line's frequencies, sixteen real and sixteen imaginary parts each
	at                      int       // where the rows of these blocks begin there
	line                    int       // 0, or 1 for the second of a pair
	count                   int
}

// blockCall is butterflies of a stage, prepared to be computed for many pairs of lines.
type blockCall struct {
	stage *blockStage
	kind  blockKind
	part  int          // which twiddles they take
	step  int          // rows of all blocks from a number of a butterfly to the next
	parts [2]blockRows // those of one line and of the other
	job   asm.BlockJob // the same

	routine blockRoutine // nil where there is no assembly
}

// blockRoutine is the form of all assembly of these stages.
type blockRoutine func(job *asm.BlockJob, transfers *asm.Transfers)

// call returns the butterflies of some blocks.
func (s *blockStage) call(kind blockKind, part, step int, parts [2]blockRows) blockCall {
	c := blockCall{stage: s, kind: kind, part: part, step: step, parts: parts}
	c.job.Pitch = step * lanes * 4
	for i := range parts {
		from, to := &parts[i], &c.job.Parts[i]
		if from.count == 0 {
			continue
		}
		to.Count = from.count
		last := ((s.radix-1)*step + from.count) * lanes
		to.Re, to.Im = &from.re[:last][0], &from.im[:last][0]
		if kind == forwardBlocks || kind == inverseBlocks {
			to.Factors = &s.twiddles[part*(s.radix-1)*2]
		}
		if kind >= filterKeepBlocks {
			to.Spectrum = &from.spectrum[from.at:][:c.frequencies(from)][0]
		}
	}
	return c
}

// frequencies returns how many floats the rows of the frequencies have that belong to some blocks.
func (c *blockCall) frequencies(b *blockRows) int { return b.count * c.stage.radix * 2 * lanes }

// setFactors sets what the frequencies of each line are multiplied by, and what is added, where butterflies do.
func (c *blockCall) setFactors(factors *[2]factorRows) {
	if !c.kind.filters() && c.kind != accumulateBlocks {
		c.routine = c.assembly()
		return
	}
	for i := range c.parts {
		b, job := &c.parts[i], &c.job.Parts[i]
		if b.count == 0 {
			continue
		}
		b.filter, b.added = factors[b.line].filter, factors[b.line].added
		job.Factors = &b.filter[b.at:][:c.frequencies(b)][0]
		if b.added != nil {
			job.Added = &b.added[b.at:][:c.frequencies(b)][0]
		}
	}
	c.routine = c.assembly()
}

// setSpectrum sets other rows of the frequencies of each line.
func (c *blockCall) setSpectrum(of *[2][]float32) {
	for i := range c.parts {
		if b := &c.parts[i]; b.count > 0 {
			b.spectrum = of[b.line]
			c.job.Parts[i].Spectrum = &b.spectrum[b.at:][:c.frequencies(b)][0]
		}
	}
}

// run computes the butterflies. The last ones of a pair on the way to the frequencies bring rows to fetch into the cache.
func (c *blockCall) run(transfers *asm.Transfers) {
	if c.routine != nil {
		c.routine(&c.job, transfers)
		return
	}
	for i := range c.parts {
		c.runGeneric(&c.parts[i])
	}
}

// adds says whether something is added to what is filtered.
func (c *blockCall) adds() bool { return c.kind == filterBlocks && c.parts[0].added != nil }

// runGeneric is the definition of run, for the blocks of one line.
func (c *blockCall) runGeneric(b *blockRows) {
	s, kind, work, f := c.stage, c.kind, complexRows{b.re, b.im, lanes}, factorRows{b.filter, b.added}
	at := b.at / (2 * lanes)
	short, weight := fftStage{radix: s.radix}, blockWeight(s.radix)
	for i := range b.count {
		var re, im [maxRadix]vector
		for k := range s.radix {
			x, y := work.row(int32(i + k*c.step))
			if kind == backBlocks {
				row := b.spectrum[(at+i*s.radix+k)*2*lanes:]
				x, y = (*vector)(row), (*vector)(row[lanes:])
			}
			re[k], im[k] = *x, *y
		}
		switch kind {
		case inverseBlocks:
			s.twiddle(&re, &im, c.part, -1)
			short.transform(&im, &re)
		case backBlocks:
			s.weigh(&re, &im, 1/weight)
			short.transform(&im, &re)
		case forwardBlocks:
			short.transform(&re, &im)
		default:
			short.transform(&re, &im)
			s.weigh(&re, &im, 1/weight)
		}
		switch kind {
		case forwardBlocks:
			s.twiddle(&re, &im, c.part, 1)
		case filterBlocks, filterKeepBlocks:
			for k := range s.radix {
				if kind == filterKeepBlocks {
					row := b.spectrum[(at+i*s.radix+k)*2*lanes:]
					*(*vector)(row), *(*vector)(row[lanes:]) = re[k], im[k]
					var none vector
					f.accumulateRow(&re[k], &im[k], &none, &none, int32(at+i*s.radix+k))
					continue
				}
				f.filterRow(&re[k], &im[k], int32(at+i*s.radix+k))
			}
			s.weigh(&re, &im, 1/weight)
			short.transform(&im, &re)
		case accumulateBlocks, spectrumBlocks:
			for k := range s.radix {
				row := b.spectrum[(at+i*s.radix+k)*2*lanes:]
				x, y := (*vector)(row), (*vector)(row[lanes:])
				if kind == accumulateBlocks {
					f.accumulateRow(&re[k], &im[k], x, y, int32(at+i*s.radix+k))
				}
				*x, *y = re[k], im[k]
			}
			continue
		}
		for k := range s.radix {
			x, y := work.row(int32(i + k*c.step))
			*x, *y = re[k], im[k]
		}
	}
}

// weigh multiplies the numbers of a butterfly from 1 on.
func (s *blockStage) weigh(re, im *[maxRadix]vector, factor float32) {
	for k := 1; k < s.radix; k++ {
		for l := range lanes {
			re[k][l], im[k][l] = re[k][l]*factor, im[k][l]*factor
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
