package kernel

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// guard surrounds every slice that a kernel writes to or reads from.
const guard = 12345.678

// guardedSlice returns n floats at an odd place of a larger slice that is guard elsewhere, and a check that it still is.
func guardedSlice(t *testing.T, n, offset int) (s []float32, check func()) {
	t.Helper()
	whole := make([]float32, n+2*64)
	for i := range whole {
		whole[i] = guard
	}
	from := 40 + offset
	return whole[from : from+n : from+n], func() {
		t.Helper()
		for i, v := range whole {
			if (i < from || i >= from+n) && v != guard {
				t.Fatalf("float %d of %d floats was written", i-from, n)
			}
		}
	}
}

// normal fills s with normal numbers.
func normal(r *rand.Rand, s []float32) []float32 {
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// seeded returns a generator whose seed is in the log of a test that fails.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// agree checks got against want, whose values are sums of terms products of normal numbers.
func agree(t *testing.T, got []float32, want []float64, terms int) {
	t.Helper()
	tolerance := 4e-7 * float64(terms+8)
	for i, w := range want {
		if math.IsNaN(w) != math.IsNaN(float64(got[i])) || math.Abs(w-float64(got[i])) > tolerance {
			t.Fatalf("value %d of %d is %g, want %g ± %g", i, len(want), got[i], w, tolerance)
		}
	}
}

// sameForAnySplit runs units at once and one by one in reverse, into slices of n floats that hold NaN, and returns the
// first after comparing the bits.
func sameForAnySplit(t *testing.T, n, units, scratchSize int, run func(out []float32, lo, hi int, scratch []float32)) []float32 {
	t.Helper()
	var results [2][]float32
	for i := range results {
		out, check := guardedSlice(t, n, i)
		scratch, checkScratch := guardedSlice(t, scratchSize, 3*i)
		for j := range out {
			out[j] = float32(math.NaN())
		}
		if i == 0 {
			run(out, 0, units, scratch)
		} else {
			for u := units - 1; u >= 0; u-- {
				run(out, u, u+1, scratch)
			}
		}
		check()
		checkScratch()
		results[i] = out
	}
	for i := range n {
		if math.Float32bits(results[0][i]) != math.Float32bits(results[1][i]) {
			t.Fatalf("value %d depends on the split: %g and %g", i, results[0][i], results[1][i])
		}
	}
	return results[0]
}

func TestSpatialRunsAllocateNothing(t *testing.T) {
	d := Depthwise{Batch: 1, H: 9, W: 9, C: 20, Multiplier: 1, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1,
		DilationH: 1, DilationW: 1, InputDilationH: 1, InputDilationW: 1, OutH: 9, OutW: 9}
	c := Circular{Batch: 1, H: 9, W: 9, C: 20, Axis: Width, InStride: 20, OutStride: 20}
	h := CircularFFT{Circular: c}
	f := FFT{Outer: 9, N: 300, Inner: 1}
	x, out, large, z := make([]float32, 2700), make([]float32, 2700), make([]float32, 1<<18), make([]complex64, 2700)
	for name, run := range map[string]func(){
		"depth-wise":            func() { d.Run(out, x, large[:1<<16], 0, d.Units(), large[1<<17:]) },
		"depth-wise gradient":   func() { DepthwiseGradient{d}.Run(large[:1<<16], x, x, 0, 1, large[1<<17:]) },
		"circular":              func() { c.Run(out, x, large[:1<<16], 0, c.Units(), large[1<<17:]) },
		"circular gradient":     func() { CircularGradient{c}.Run(large[:1<<16], x, x, nil, 0, 1, large[1<<17:]) },
		"circular FFT":          func() { h.Run(out, x, large[:1<<16], 0, h.Units(), large[1<<17:]) },
		"circular FFT gradient": func() { CircularFFTGradient{h}.Run(large[:1<<16], x, x, x, 0, 1, large[1<<17:]) },
		"FFT":                   func() { f.ForwardReal(z, x, 0, f.Units(), large) },
	} {
		if raceDetector && strings.HasPrefix(name, "circular FFT") {
			continue // with it, sync.Pool forgets some of what it is given
		}
		eachLevel(t, func(t *testing.T) {
			if n := testing.AllocsPerRun(10, run); n > 0 {
				t.Errorf("%s allocates %g times", name, n)
			}
		})
	}
}
