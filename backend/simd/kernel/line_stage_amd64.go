//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// runVector is forward or back in assembly, and says whether there is any for the level in use.
func (r *lineRun) runVector(back bool, fetches *asm.Fetches) bool {
	routines := r.stage.routines()
	if routines == nil {
		return false
	}
	way := &routines[0]
	if back {
		way = &routines[1]
	}
	routine := way.plain
	switch {
	case r.half:
		routine = way.half
	case r.stage.twiddles != nil:
		routine = way.twiddled
	}
	if most := maxLineNumbers / r.stage.radix; r.job.Count > most {
		r.runParts(routine, most, fetches)
	} else {
		routine(&r.job, fetches)
	}
	return true
}

// maxLineNumbers bounds the numbers of a line that one call takes: assembly cannot be preempted.
var maxLineNumbers = maxButterflies * maxRadix

// runParts runs a routine over all butterflies, most of them at a time at most.
func (r *lineRun) runParts(routine lineRoutine, most int, fetches *asm.Fetches) {
	s, offsets := r.stage, r.stage.offsetsOf(r.stride, r.half)
	taken := len(offsets) / s.rest // rows of a butterfly
	for lo := 0; lo < s.rest; lo += most {
		part := &r.part
		*part = r.job
		part.Count = min(most, s.rest-lo)
		part.Offsets = &offsets[lo*taken]
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
		routine(part, fetches)
	}
}

// routines returns the assembly of the stage's radix, nil where there is none for the level in use.
func (s *lineStage) routines() *lineRoutines {
	switch level {
	case AVX512:
		return &lines512[s.radix]
	case AVX2:
		return &lines256[s.radix]
	default:
		return nil
	}
}

// lineRoutine is the form of all routines.
type lineRoutine func(job *asm.LineJob, fetches *asm.Fetches)

// lineRoutines are the routines of one radix, forward and back.
type lineRoutines [2]struct{ plain, twiddled, half lineRoutine }

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
	32: {{asm.Line32AVX2, asm.LineTwiddled32AVX2, asm.LineHalf32AVX2}, {asm.LineBack32AVX2, asm.LineBackTwiddled32AVX2, asm.LineBackHalf32AVX2}},
	64: {{asm.Line64AVX2, asm.LineTwiddled64AVX2, asm.LineHalf64AVX2}, {asm.LineBack64AVX2, asm.LineBackTwiddled64AVX2, asm.LineBackHalf64AVX2}},
}
