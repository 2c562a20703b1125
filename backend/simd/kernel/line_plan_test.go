package kernel

import "testing"

// TestLinesOfAPairTakeTurns holds that few rows of the frequencies lie between a row of the spectrum's use for the first line of
// a pair and its use for the second, and that all blocks have a turn.
func TestLinesOfAPairTakeTurns(t *testing.T) {
	for n := 1; n <= 4096; n++ {
		for _, l := range []Level{AVX2, AVX512} {
			p := linePlanOf(l, n, lanes)
			if last := len(p.turns) - 1; p.turns[0] != 0 || p.turns[last] != p.blocks() {
				t.Fatalf("N = %d: turns begin at blocks %v, want from 0 to %d", n, p.turns, p.blocks())
			}
			for turn, lo := range p.turns[1:] {
				blocks := lo - p.turns[turn]
				if blocks < 1 {
					t.Fatalf("N = %d: turn %d has %d blocks, want 1 or more", n, turn, blocks)
				}
				if rows := blocks * p.first.rest; len(p.stages) == 1 && rows > turnFrequencies+p.first.rest {
					t.Fatalf("N = %d: turn %d has %d rows, want %d, and less than a block more", n, turn, rows, turnFrequencies)
				}
			}
		}
	}
}
