//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// runVector runs butterflies lo to hi in assembly, and says whether there is any for the level in use.
func (s *fftStage) runVector(kind butterflyKind, out, in *complexRows, f *factorRows, ahead *complexRows, lo, hi int) bool {
	var routines *butterflyRoutines
	switch level {
	case AVX512:
		routines = &butterflies512[s.radix]
	case AVX2:
		routines = &butterflies256[s.radix]
	default:
		return false
	}
	routine, factors, added, step := routines.plain, []float32(nil), []float32(nil), 0
	switch {
	case kind == accumulateButterfly:
		routine, factors = routines.accumulate, f.filter
	case kind == filterButterfly && f.added != nil:
		routine, factors, added = routines.filterAdd, f.filter, f.added
	case kind == filterButterfly:
		routine, factors = routines.filter, f.filter
	case s.twiddles != nil && kind == forwardButterfly:
		routine, factors, step = routines.forward, s.twiddles, 2*(s.radix-1)
	case s.twiddles != nil:
		routine, factors, step = routines.inverse, s.twiddles, 2*(s.radix-1)
	}
	for first := lo; first < hi; first += maxButterflies {
		n, at := min(maxButterflies, hi-first), lanesOf(factors, first*step)
		fetched := min(first*s.radix*ahead.stride, len(ahead.re)-1, len(ahead.im)-1)
		for lane := 0; lane < lanes; lane += vectorLanes() {
			if kind == filterButterfly || kind == accumulateButterfly {
				at = lanesOf(factors, lane)
			}
			routine(&out.re[lane], &out.im[lane], &in.re[lane], &in.im[lane], at, lanesOf(added, lane), &s.indexes[first*s.radix],
				out.stride, in.stride, n, &ahead.re[fetched], &ahead.im[fetched], ahead.stride)
		}
	}
	return true
}

// finiteVector is finite in assembly, where there is any for the level in use.
func finiteVector(re, im *vector) (all, done bool) {
	switch level {
	case AVX512:
		return asm.FiniteAVX512(&re[0], &im[0]), true
	case AVX2:
		return asm.FiniteAVX2(&re[0], &im[0]), true
	default:
		return false, false
	}
}

// vectorLanes is the number of lanes that a routine of the level in use takes.
func vectorLanes() int {
	if level == AVX512 {
		return lanes
	}
	return lanes / 2
}

// lanesOf returns where s goes on at a place, and nil where there is no s.
func lanesOf(s []float32, at int) *float32 {
	if s == nil {
		return nil
	}
	return &s[at]
}

// butterflyRoutine is the form of all routines.
type butterflyRoutine func(outRe, outIm, inRe, inIm, factors, added *float32, indexes *int32, outStride, inStride, count int, aheadRe, aheadIm *float32, aheadStride int)

// butterflyRoutines are the routines of one radix.
type butterflyRoutines struct {
	plain, forward, inverse, filter, filterAdd, accumulate butterflyRoutine
}

var butterflies512 = [maxRadix + 1]butterflyRoutines{
	1: {
		plain:      asm.ButterflyPlain1AVX512,
		filter:     asm.ButterflyFilter1AVX512,
		filterAdd:  asm.ButterflyFilterAdd1AVX512,
		accumulate: asm.ButterflyAccumulate1AVX512,
	},
	2: {
		plain:      asm.ButterflyPlain2AVX512,
		forward:    asm.ButterflyForward2AVX512,
		inverse:    asm.ButterflyInverse2AVX512,
		filter:     asm.ButterflyFilter2AVX512,
		filterAdd:  asm.ButterflyFilterAdd2AVX512,
		accumulate: asm.ButterflyAccumulate2AVX512,
	},
	3: {
		plain:      asm.ButterflyPlain3AVX512,
		forward:    asm.ButterflyForward3AVX512,
		inverse:    asm.ButterflyInverse3AVX512,
		filter:     asm.ButterflyFilter3AVX512,
		filterAdd:  asm.ButterflyFilterAdd3AVX512,
		accumulate: asm.ButterflyAccumulate3AVX512,
	},
	4: {
		plain:      asm.ButterflyPlain4AVX512,
		forward:    asm.ButterflyForward4AVX512,
		inverse:    asm.ButterflyInverse4AVX512,
		filter:     asm.ButterflyFilter4AVX512,
		filterAdd:  asm.ButterflyFilterAdd4AVX512,
		accumulate: asm.ButterflyAccumulate4AVX512,
	},
	5: {
		plain:      asm.ButterflyPlain5AVX512,
		forward:    asm.ButterflyForward5AVX512,
		inverse:    asm.ButterflyInverse5AVX512,
		filter:     asm.ButterflyFilter5AVX512,
		filterAdd:  asm.ButterflyFilterAdd5AVX512,
		accumulate: asm.ButterflyAccumulate5AVX512,
	},
	7: {
		plain:      asm.ButterflyPlain7AVX512,
		forward:    asm.ButterflyForward7AVX512,
		inverse:    asm.ButterflyInverse7AVX512,
		filter:     asm.ButterflyFilter7AVX512,
		filterAdd:  asm.ButterflyFilterAdd7AVX512,
		accumulate: asm.ButterflyAccumulate7AVX512,
	},
	8: {
		plain:      asm.ButterflyPlain8AVX512,
		forward:    asm.ButterflyForward8AVX512,
		inverse:    asm.ButterflyInverse8AVX512,
		filter:     asm.ButterflyFilter8AVX512,
		filterAdd:  asm.ButterflyFilterAdd8AVX512,
		accumulate: asm.ButterflyAccumulate8AVX512,
	},
	9: {
		plain:      asm.ButterflyPlain9AVX512,
		forward:    asm.ButterflyForward9AVX512,
		inverse:    asm.ButterflyInverse9AVX512,
		filter:     asm.ButterflyFilter9AVX512,
		filterAdd:  asm.ButterflyFilterAdd9AVX512,
		accumulate: asm.ButterflyAccumulate9AVX512,
	},
	11: {
		plain:      asm.ButterflyPlain11AVX512,
		forward:    asm.ButterflyForward11AVX512,
		inverse:    asm.ButterflyInverse11AVX512,
		filter:     asm.ButterflyFilter11AVX512,
		filterAdd:  asm.ButterflyFilterAdd11AVX512,
		accumulate: asm.ButterflyAccumulate11AVX512,
	},
	13: {
		plain:      asm.ButterflyPlain13AVX512,
		forward:    asm.ButterflyForward13AVX512,
		inverse:    asm.ButterflyInverse13AVX512,
		filter:     asm.ButterflyFilter13AVX512,
		filterAdd:  asm.ButterflyFilterAdd13AVX512,
		accumulate: asm.ButterflyAccumulate13AVX512,
	},
	16: {
		plain:      asm.ButterflyPlain16AVX512,
		forward:    asm.ButterflyForward16AVX512,
		inverse:    asm.ButterflyInverse16AVX512,
		filter:     asm.ButterflyFilter16AVX512,
		filterAdd:  asm.ButterflyFilterAdd16AVX512,
		accumulate: asm.ButterflyAccumulate16AVX512,
	},
}

var butterflies256 = [maxRadix + 1]butterflyRoutines{
	1: {
		plain:      asm.ButterflyPlain1AVX2,
		filter:     asm.ButterflyFilter1AVX2,
		filterAdd:  asm.ButterflyFilterAdd1AVX2,
		accumulate: asm.ButterflyAccumulate1AVX2,
	},
	2: {
		plain:      asm.ButterflyPlain2AVX2,
		forward:    asm.ButterflyForward2AVX2,
		inverse:    asm.ButterflyInverse2AVX2,
		filter:     asm.ButterflyFilter2AVX2,
		filterAdd:  asm.ButterflyFilterAdd2AVX2,
		accumulate: asm.ButterflyAccumulate2AVX2,
	},
	3: {
		plain:      asm.ButterflyPlain3AVX2,
		forward:    asm.ButterflyForward3AVX2,
		inverse:    asm.ButterflyInverse3AVX2,
		filter:     asm.ButterflyFilter3AVX2,
		filterAdd:  asm.ButterflyFilterAdd3AVX2,
		accumulate: asm.ButterflyAccumulate3AVX2,
	},
	4: {
		plain:      asm.ButterflyPlain4AVX2,
		forward:    asm.ButterflyForward4AVX2,
		inverse:    asm.ButterflyInverse4AVX2,
		filter:     asm.ButterflyFilter4AVX2,
		filterAdd:  asm.ButterflyFilterAdd4AVX2,
		accumulate: asm.ButterflyAccumulate4AVX2,
	},
	5: {
		plain:      asm.ButterflyPlain5AVX2,
		forward:    asm.ButterflyForward5AVX2,
		inverse:    asm.ButterflyInverse5AVX2,
		filter:     asm.ButterflyFilter5AVX2,
		filterAdd:  asm.ButterflyFilterAdd5AVX2,
		accumulate: asm.ButterflyAccumulate5AVX2,
	},
	7: {
		plain:      asm.ButterflyPlain7AVX2,
		forward:    asm.ButterflyForward7AVX2,
		inverse:    asm.ButterflyInverse7AVX2,
		filter:     asm.ButterflyFilter7AVX2,
		filterAdd:  asm.ButterflyFilterAdd7AVX2,
		accumulate: asm.ButterflyAccumulate7AVX2,
	},
	8: {
		plain:      asm.ButterflyPlain8AVX2,
		forward:    asm.ButterflyForward8AVX2,
		inverse:    asm.ButterflyInverse8AVX2,
		filter:     asm.ButterflyFilter8AVX2,
		filterAdd:  asm.ButterflyFilterAdd8AVX2,
		accumulate: asm.ButterflyAccumulate8AVX2,
	},
	9: {
		plain:      asm.ButterflyPlain9AVX2,
		forward:    asm.ButterflyForward9AVX2,
		inverse:    asm.ButterflyInverse9AVX2,
		filter:     asm.ButterflyFilter9AVX2,
		filterAdd:  asm.ButterflyFilterAdd9AVX2,
		accumulate: asm.ButterflyAccumulate9AVX2,
	},
	11: {
		plain:      asm.ButterflyPlain11AVX2,
		forward:    asm.ButterflyForward11AVX2,
		inverse:    asm.ButterflyInverse11AVX2,
		filter:     asm.ButterflyFilter11AVX2,
		filterAdd:  asm.ButterflyFilterAdd11AVX2,
		accumulate: asm.ButterflyAccumulate11AVX2,
	},
	13: {
		plain:      asm.ButterflyPlain13AVX2,
		forward:    asm.ButterflyForward13AVX2,
		inverse:    asm.ButterflyInverse13AVX2,
		filter:     asm.ButterflyFilter13AVX2,
		filterAdd:  asm.ButterflyFilterAdd13AVX2,
		accumulate: asm.ButterflyAccumulate13AVX2,
	},
	16: {
		plain:      asm.ButterflyPlain16AVX2,
		forward:    asm.ButterflyForward16AVX2,
		inverse:    asm.ButterflyInverse16AVX2,
		filter:     asm.ButterflyFilter16AVX2,
		filterAdd:  asm.ButterflyFilterAdd16AVX2,
		accumulate: asm.ButterflyAccumulate16AVX2,
	},
}
