package simd

import (
	"sort"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// arena lays temporaries out in one piece of memory: each takes the first gap that fits, and leaves it when it has
// been read for the last time.
type arena struct {
	size int
	gaps []gap // sorted by offset, never adjacent
}

type gap struct{ offset, size int }

// take returns the offset of room for size bytes.
func (a *arena) take(size int) int {
	size = roundUp(size)
	for i, g := range a.gaps {
		if g.size >= size {
			a.gaps[i] = gap{g.offset + size, g.size - size}
			if g.size == size {
				a.gaps = append(a.gaps[:i], a.gaps[i+1:]...)
			}
			return g.offset
		}
	}
	offset := a.size
	if last := len(a.gaps) - 1; last >= 0 && a.gaps[last].offset+a.gaps[last].size == a.size {
		offset = a.gaps[last].offset
		a.gaps = a.gaps[:last]
	}
	a.size = offset + size
	return offset
}

// give returns room that take gave.
func (a *arena) give(offset, size int) {
	size = roundUp(size)
	if size == 0 {
		return
	}
	i := sort.Search(len(a.gaps), func(i int) bool { return a.gaps[i].offset > offset })
	a.gaps = append(a.gaps, gap{})
	copy(a.gaps[i+1:], a.gaps[i:])
	a.gaps[i] = gap{offset, size}
	if i+1 < len(a.gaps) && offset+size == a.gaps[i+1].offset {
		a.gaps[i].size += a.gaps[i+1].size
		a.gaps = append(a.gaps[:i+1], a.gaps[i+2:]...)
	}
	if i > 0 && a.gaps[i-1].offset+a.gaps[i-1].size == offset {
		a.gaps[i-1].size += a.gaps[i].size
		a.gaps = append(a.gaps[:i], a.gaps[i+1:]...)
	}
}

func roundUp(size int) int { return (size + memory.Alignment - 1) &^ (memory.Alignment - 1) }
