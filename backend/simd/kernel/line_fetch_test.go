package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// TestPairsHaveTimeToFetchFourLines takes a pair of lines to the frequencies and back: meanwhile all rows of four lines as long
// must have been fetched, or two lines twice.
func TestPairsHaveTimeToFetchFourLines(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		lengths := []int{28, 56, 112, 224, 448}
		if level > Generic {
			for n := 14; n <= 200; n++ {
				lengths = append(lengths, n)
			}
		}
		for _, n := range lengths {
			run := begunRun(r, n, false)
			var s signal
			run.place(&s, 0, 0)
			ahead := run.in.ahead(s.vectors[0], s.vectors[1])
			run.fetch(ahead, ahead)
			for i, fetch := range run.transfers.Fetches[:2] {
				first, second := uintptr(unsafe.Pointer(&run.in.x[s.in.first])), uintptr(unsafe.Pointer(&run.in.x[s.in.second]))
				step := 4 * run.in.step
				last := first + uintptr((n-1)*step)
				want := asm.FetchPair{At: first, End: last, Pause: last, Second: int(second - first), Step: step}
				if fetch != want {
					t.Fatalf("N = %d: pair %d is %+v, want %+v", n, i, fetch, want)
				}
			}
			run.source.set(run.in.pair(s.in))
			run.target.set(run.out.pair(s.out))
			run.convolved(&run.source, &run.target)
			size := int(unsafe.Sizeof(run.transfers.Fetches[0]))
			if done := run.transfers.Current / size; run.source.routines[0] != nil && done != 2 {
				t.Errorf("N = %d: %d of 2 pairs of lines were fetched to their ends", n, done)
			}
		}
	})
}

// TestRowsOfOutAreFetchedBeforeThoseOfTheNextSignal holds that a signal fetches what it writes itself, and then what comes.
func TestRowsOfOutAreFetchedBeforeThoseOfTheNextSignal(t *testing.T) {
	const n = 28
	run := begunRun(seeded(t), n, false)
	var s, next signal
	run.place(&s, 0, 0)
	run.place(&next, 1, 0)
	run.convolve(&s, &next, false)
	last := func(l *lineVectors, at pairPlace) uintptr {
		return uintptr(unsafe.Pointer(&l.x[at.first])) + uintptr(4*(n-1)*l.step)
	}
	for i, want := range []uintptr{last(&run.out, s.out), last(&run.in, next.in)} {
		if got := run.transfers.Fetches[i].End; got != want {
			t.Errorf("pair %d that is fetched ends at %#x, want %#x", i, got, want)
		}
	}
}

// TestPairsAreWrittenWhileTheNextIsComputed sends a pair past the caches: all of its rows must have been written when the next
// pair is computed, and none before.
func TestPairsAreWrittenWhileTheNextIsComputed(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, n := range []int{1, 7, 28, 56, 97, 112, 224, 448, 1024, 3000} {
			run := begunRun(r, n, true)
			var s, next signal
			run.place(&s, 0, 0)
			run.place(&next, 1, 0)
			run.convolve(&s, &next, false)
			w := &run.transfers.Write
			if left := int(w.End-w.From) / (8 * lanes); left != n {
				t.Errorf("N = %d: %d rows are left to write of a pair that was computed", n, left)
			}
			run.source.set(run.in.pair(next.in))
			run.fetch()
			run.convolved(&run.source, run.stage.lines(true))
			if run.source.routines[0] == nil {
				continue
			}
			if w.From != w.End {
				t.Errorf("N = %d: %d rows are left to write when the next pair is computed", n, (w.End-w.From)/(8*lanes))
			}
			want, second := run.stage.pairs[1], run.out.x[s.out.second:]
			for row := range n {
				for i, line := range [][]float32{run.out.x[s.out.first:], second} {
					if got := line[row*run.out.step:][:lanes]; !slices.Equal(got, want[(2*row+i)*lanes:][:lanes]) {
						t.Fatalf("N = %d: row %d of line %d is %v, want %v", n, row, i, got, want[(2*row+i)*lanes:][:lanes])
					}
				}
			}
		}
	})
}

// begunRun returns a convolution of four columns of n pixels with sixteen channels, made ready for its first phase, its output
// to be written past the caches or not.
func begunRun(r *rand.Rand, n int, streamed bool) *circularFFTRun {
	c := Circular{Batch: 1, H: n, W: 4, C: 16, InStride: 16, OutStride: 16}
	f := CircularFFT{Circular: c, Streamed: streamed}
	x, w := normal(r, make([]float32, c.span(c.C))), normal(r, make([]float32, n*c.C))
	packed := make([]float32, f.PackedSize())
	f.Pack(packed, w, CircularTerms{}, 0, f.PackUnits())
	l, run, out := c.lineVectors(x, c.C), new(circularFFTRun), make([]float32, len(x)+lanes)
	for !aligned(out) {
		out = out[1:]
	}
	run.start(f, f.units(&l), out, x, packed, make([]float32, f.ScratchSize()))
	run.filter(0)
	return run
}
