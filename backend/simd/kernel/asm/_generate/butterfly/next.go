package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file fetches what the next butterfly of lines needs into the first cache, where those of two lines take turns. A long butterfly
// begins with loads of rows far apart, has its arithmetic in the middle, and ends with stores. A processor does not look as far ahead
// as the loads of the next one, which so would begin when all else is done; fetched in the second half of the butterfly before, rows
// come while others are computed. On a Zen 4, lines of 32·7 numbers take 0.6 cycles less for each row there, of 6.2, and 0.1 back. On
// the way back rows follow each other, which processors fetch themselves: with other radices fetching them does not help, and takes
// 0.15 cycles of 7.2 with 64, and 0.2 of 4.1 with 16.
//
// Rows of the line are where the job says that the next butterfly has them. Results follow those of the butterfly at hand.

// fetchesNext says whether the routine does. Where rows are turned there are no registers left for it; with AVX2 each vector of results
// would be fetched for the other one, too, and rows come half with one and half with the other.
func (l *lineRoutine) fetchesNext() bool {
	return l.radix >= leastInTurns && l.twiddles == nil && (!l.back || l.vectors == 1 && l.radix == 32)
}

// nextRows returns the fetches of the rows of the next butterfly.
func (l *lineRoutine) nextRows() fetches {
	return fetches{count: l.radix / l.vectors, from: 0.4, emit: func(k int) {
		offset := GP64()
		MOVQ(Mem{Base: l.nextOffsets, Disp: 8 * k}, offset)
		PREFETCHT0(Mem{Base: l.next, Index: offset, Scale: 1})
	}}
}

// nextResults returns the fetches of the line's own results of its next butterfly.
func (l *lineRoutine) nextResults() fetches {
	parts := [2]reg.Register{l.re, l.im}
	own := (l.radix - 1) / 2
	return fetches{count: len(parts) * own, from: 0.5, emit: func(i int) {
		PREFETCHT0(l.ofResult(parts[i%2], linePitch(l.radix)+i/2))
	}}
}
