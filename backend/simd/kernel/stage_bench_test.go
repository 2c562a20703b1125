package kernel

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// BenchmarkStages takes rows in the first cache through the stages of a convolution, those of lines there and back, those of
// blocks through the filter. The numbers are all 0, and stay so.
func BenchmarkStages(b *testing.B) {
	perRow := func(b *testing.B, rows int, run func(*asm.Transfers)) {
		// Rows that are there: looking up a place that no page has takes a processor longer than all else.
		transfers := asm.Transfers{Fetches: [3]asm.FetchPair{{At: uintptr(unsafe.Pointer(&b)), End: ^uintptr(0), Pause: ^uintptr(0)}}}
		for b.Loop() {
			run(&transfers)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	}
	for _, radix := range lineRadices[1:] {
		rest := 7
		if radix%rest == 0 {
			rest = 8
		}
		b.Run(fmt.Sprintf("line/%d", radix), func(b *testing.B) {
			s := newLineStage(radix*rest, radix, false)
			var l lineRun
			l.over(s, complexRows{vectors(s.rows()), vectors(s.rows()), lanes}, lanes, radix*rest)
			l.set(vectors(radix*rest), nil)
			perRow(b, radix*rest, func(f *asm.Transfers) {
				l.forward(f)
				l.back(f)
			})
		})
	}
	for _, radix := range blockRadices {
		count := max(1, 60/radix) // few enough for that cache
		for _, kind := range []struct {
			name string
			blockKind
			adds bool
		}{{"filter", filterBlocks, false}, {"filter-add", filterBlocks, true}, {"filter-keep", filterKeepBlocks, false}} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, radix), func(b *testing.B) {
				s := newBlockStage(radix, radix)
				rows := blockRows{re: vectors(count * radix), im: vectors(count * radix), spectrum: vectors(2 * count * radix), count: count}
				factors := factorRows{filter: vectors(2 * count * radix)}
				if kind.adds {
					factors.added = vectors(2 * count * radix)
				}
				call := s.call(kind.blockKind, 0, count, [2]blockRows{rows})
				call.setFactors(&[2]factorRows{factors})
				perRow(b, count*radix, call.run)
			})
		}
	}
}

// vectors returns rows of sixteen lanes, at multiples of their size.
func vectors(rows int) []float32 {
	x := make([]float32, (rows+1)*lanes)
	for !aligned(x) {
		x = x[1:]
	}
	return x[:rows*lanes]
}
