//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// routines returns the assembly forward and back, for whole lines or for their first halves.
func (s *lineStage) routines(half bool) (routines [2]lineRoutine) {
	var of *lineRoutines
	var unrolled *unrolledRoutines
	switch level {
	case AVX512:
		of, unrolled = &lines512[s.radix], &unrolledLines512[s.radix]
	case AVX2:
		of, unrolled = &lines256[s.radix], &unrolledLines256[s.radix]
	default:
		return routines
	}
	if !half && s.twiddles == nil && s.rest == unrolled.rest && s.radix*s.rest <= maxLineNumbers {
		return unrolled.routines
	}
	for i := range of {
		switch way := &of[i]; {
		case half:
			routines[i] = way.half
		case s.twiddles != nil:
			routines[i] = way.twiddled
		default:
			routines[i] = way.plain
		}
	}
	return routines
}

// lineRoutines are the routines of one radix, forward and back.
type lineRoutines [2]struct{ plain, twiddled, half lineRoutine }

// unrolledRoutines are those for lines of so many butterflies that nothing turns, all of them in one call.
type unrolledRoutines struct {
	rest     int
	routines [2]lineRoutine
}

var unrolledLines512 = [maxLineRadix + 1]unrolledRoutines{
	7: {4, [2]lineRoutine{asm.Line7x4AVX512, asm.LineBack7x4AVX512}},
	8: {7, [2]lineRoutine{asm.Line8x7AVX512, asm.LineBack8x7AVX512}},
}

var unrolledLines256 = [maxLineRadix + 1]unrolledRoutines{
	7: {4, [2]lineRoutine{asm.Line7x4AVX2, asm.LineBack7x4AVX2}},
	8: {7, [2]lineRoutine{asm.Line8x7AVX2, asm.LineBack8x7AVX2}},
}

var lines512 = [maxLineRadix + 1]lineRoutines{
	1:  {{asm.Line1AVX512, asm.LineTwiddled1AVX512, nil}, {asm.LineBack1AVX512, asm.LineBackTwiddled1AVX512, nil}},
	3:  {{asm.Line3AVX512, asm.LineTwiddled3AVX512, nil}, {asm.LineBack3AVX512, asm.LineBackTwiddled3AVX512, nil}},
	4:  {{asm.Line4AVX512, asm.LineTwiddled4AVX512, nil}, {asm.LineBack4AVX512, asm.LineBackTwiddled4AVX512, nil}},
	5:  {{asm.Line5AVX512, asm.LineTwiddled5AVX512, nil}, {asm.LineBack5AVX512, asm.LineBackTwiddled5AVX512, nil}},
	7:  {{asm.Line7AVX512, asm.LineTwiddled7AVX512, nil}, {asm.LineBack7AVX512, asm.LineBackTwiddled7AVX512, nil}},
	8:  {{asm.Line8AVX512, asm.LineTwiddled8AVX512, asm.LineHalf8AVX512}, {asm.LineBack8AVX512, asm.LineBackTwiddled8AVX512, asm.LineBackHalf8AVX512}},
	9:  {{asm.Line9AVX512, asm.LineTwiddled9AVX512, nil}, {asm.LineBack9AVX512, asm.LineBackTwiddled9AVX512, nil}},
	11: {{asm.Line11AVX512, asm.LineTwiddled11AVX512, nil}, {asm.LineBack11AVX512, asm.LineBackTwiddled11AVX512, nil}},
	13: {{asm.Line13AVX512, asm.LineTwiddled13AVX512, nil}, {asm.LineBack13AVX512, asm.LineBackTwiddled13AVX512, nil}},
	15: {{asm.Line15AVX512, asm.LineTwiddled15AVX512, nil}, {asm.LineBack15AVX512, asm.LineBackTwiddled15AVX512, nil}},
	16: {{asm.Line16AVX512, asm.LineTwiddled16AVX512, asm.LineHalf16AVX512}, {asm.LineBack16AVX512, asm.LineBackTwiddled16AVX512, asm.LineBackHalf16AVX512}},
	17: {{asm.Line17AVX512, nil, nil}, {asm.LineBack17AVX512, nil, nil}},
	19: {{asm.Line19AVX512, nil, nil}, {asm.LineBack19AVX512, nil, nil}},
	23: {{asm.Line23AVX512, nil, nil}, {asm.LineBack23AVX512, nil, nil}},
	32: {{asm.Line32AVX512, asm.LineTwiddled32AVX512, asm.LineHalf32AVX512}, {asm.LineBack32AVX512, asm.LineBackTwiddled32AVX512, asm.LineBackHalf32AVX512}},
	64: {{asm.Line64AVX512, asm.LineTwiddled64AVX512, asm.LineHalf64AVX512}, {asm.LineBack64AVX512, asm.LineBackTwiddled64AVX512, asm.LineBackHalf64AVX512}},
}

var lines256 = [maxLineRadix + 1]lineRoutines{
	1:  {{asm.Line1AVX2, asm.LineTwiddled1AVX2, nil}, {asm.LineBack1AVX2, asm.LineBackTwiddled1AVX2, nil}},
	3:  {{asm.Line3AVX2, asm.LineTwiddled3AVX2, nil}, {asm.LineBack3AVX2, asm.LineBackTwiddled3AVX2, nil}},
	4:  {{asm.Line4AVX2, asm.LineTwiddled4AVX2, nil}, {asm.LineBack4AVX2, asm.LineBackTwiddled4AVX2, nil}},
	5:  {{asm.Line5AVX2, asm.LineTwiddled5AVX2, nil}, {asm.LineBack5AVX2, asm.LineBackTwiddled5AVX2, nil}},
	7:  {{asm.Line7AVX2, asm.LineTwiddled7AVX2, nil}, {asm.LineBack7AVX2, asm.LineBackTwiddled7AVX2, nil}},
	8:  {{asm.Line8AVX2, asm.LineTwiddled8AVX2, asm.LineHalf8AVX2}, {asm.LineBack8AVX2, asm.LineBackTwiddled8AVX2, asm.LineBackHalf8AVX2}},
	9:  {{asm.Line9AVX2, asm.LineTwiddled9AVX2, nil}, {asm.LineBack9AVX2, asm.LineBackTwiddled9AVX2, nil}},
	11: {{asm.Line11AVX2, asm.LineTwiddled11AVX2, nil}, {asm.LineBack11AVX2, asm.LineBackTwiddled11AVX2, nil}},
	13: {{asm.Line13AVX2, asm.LineTwiddled13AVX2, nil}, {asm.LineBack13AVX2, asm.LineBackTwiddled13AVX2, nil}},
	15: {{asm.Line15AVX2, asm.LineTwiddled15AVX2, nil}, {asm.LineBack15AVX2, asm.LineBackTwiddled15AVX2, nil}},
	16: {{asm.Line16AVX2, asm.LineTwiddled16AVX2, asm.LineHalf16AVX2}, {asm.LineBack16AVX2, asm.LineBackTwiddled16AVX2, asm.LineBackHalf16AVX2}},
	17: {{asm.Line17AVX2, nil, nil}, {asm.LineBack17AVX2, nil, nil}},
	19: {{asm.Line19AVX2, nil, nil}, {asm.LineBack19AVX2, nil, nil}},
	23: {{asm.Line23AVX2, nil, nil}, {asm.LineBack23AVX2, nil, nil}},
	32: {{asm.Line32AVX2, asm.LineTwiddled32AVX2, asm.LineHalf32AVX2}, {asm.LineBack32AVX2, asm.LineBackTwiddled32AVX2, asm.LineBackHalf32AVX2}},
	64: {{asm.Line64AVX2, asm.LineTwiddled64AVX2, asm.LineHalf64AVX2}, {asm.LineBack64AVX2, asm.LineBackTwiddled64AVX2, asm.LineBackHalf64AVX2}},
}
