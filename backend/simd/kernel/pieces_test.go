package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// cutPieces cuts used lanes into so many pieces, in any order and with gaps between, and returns how many floats a row of
// them takes. The first begins and the last ends there, so that whole vectors of them would lie outside.
func cutPieces(r *rand.Rand, used, count int) (pieces []piece, row int) {
	cuts := append(r.Perm(used - 1)[:count-1], used-1)
	slices.Sort(cuts)
	lane := 0
	for _, cut := range cuts {
		pieces = append(pieces, piece{lane: lane, width: cut + 1 - lane})
		lane = cut + 1
	}
	for place, i := range r.Perm(count) {
		if place > 0 {
			row += 1 + r.IntN(20)
		}
		pieces[i].at = row
		row += pieces[i].width
	}
	return pieces, row
}

func TestPiecesAreGatheredAndScattered(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for used := 1; used <= lanes; used++ {
			for count := 1; count <= min(used, 7); count++ {
				for _, rows := range []int{1, 2, 7, copiedRows + 5} {
					pieces, row := cutPieces(r, used, count)
					stride := row + r.IntN(20)
					t.Run(fmt.Sprintf("%d rows of %+v, %d floats apart", rows, pieces, stride), func(t *testing.T) {
						x, outside := guardedSlice(t, (rows-1)*stride+row, r.IntN(16))
						normal(r, x)
						want := make([]float32, rows*lanes)
						for i := range rows {
							for _, p := range pieces {
								copy(want[i*lanes+p.lane:][:p.width], x[i*stride+p.at:])
							}
						}
						vectors, check := guardedSlice(t, rows*lanes, r.IntN(16))
						normal(r, vectors)
						if gather(vectors, x, pieces, rows, stride); !slices.Equal(vectors, want) {
							t.Fatalf("gathered %v, want %v", vectors, want)
						}
						check()
						outside()

						normal(r, vectors)
						want = slices.Clone(x)
						for i := range rows {
							for _, p := range pieces {
								copy(want[i*stride+p.at:][:p.width], vectors[i*lanes+p.lane:])
							}
						}
						if scatter(x, vectors, pieces, rows, stride); !slices.Equal(x, want) {
							t.Fatalf("scattered %v, want %v", x, want)
						}
						check()
						outside()
					})
				}
			}
		}
	})
}
