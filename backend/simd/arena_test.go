package simd

import (
	"testing"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

func TestArenaNeverGivesTheSameRoomTwice(t *testing.T) {
	r := seeded(t)
	for range 100 {
		var a arena
		type room struct{ offset, size int }
		var taken []room
		held := 0
		for range 200 {
			if len(taken) > 0 && r.IntN(2) == 0 {
				i := r.IntN(len(taken))
				a.give(taken[i].offset, taken[i].size)
				held -= roundUp(taken[i].size)
				taken = append(taken[:i], taken[i+1:]...)
			} else {
				size := 1 + r.IntN(1000)
				mine := room{a.take(size), size}
				for _, other := range taken {
					if mine.offset < other.offset+other.size && other.offset < mine.offset+mine.size {
						t.Fatalf("%d bytes at %d overlap %d at %d", mine.size, mine.offset, other.size, other.offset)
					}
				}
				if mine.offset%memory.Alignment != 0 || mine.offset+mine.size > a.size {
					t.Fatalf("%d bytes at %d: want a multiple of %d within %d", mine.size, mine.offset, memory.Alignment, a.size)
				}
				taken, held = append(taken, mine), held+roundUp(size)
			}
			free := 0
			for i, g := range a.gaps {
				free += g.size
				if g.size <= 0 || i > 0 && a.gaps[i-1].offset+a.gaps[i-1].size >= g.offset {
					t.Fatalf("gaps %v: want them apart and in order", a.gaps)
				}
			}
			if free+held != a.size {
				t.Fatalf("%d bytes free and %d taken of %d", free, held, a.size)
			}
		}
		for _, mine := range taken {
			a.give(mine.offset, mine.size)
		}
		if a.size > 0 && (len(a.gaps) != 1 || a.gaps[0] != gap{0, a.size}) {
			t.Fatalf("all given back leaves gaps %v of %d bytes", a.gaps, a.size)
		}
	}
}

func TestArenaUsesRoomAgain(t *testing.T) {
	var a arena
	first := a.take(100)
	a.take(100)
	a.give(first, 100)
	if again := a.take(64); again != first {
		t.Errorf("64 bytes go to %d, want the gap at %d", again, first)
	}
	if a.size != 256 {
		t.Errorf("the arena has %d bytes, want 256", a.size)
	}
}
