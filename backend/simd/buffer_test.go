package simd

import (
	"testing"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// TestSizeClassesHoldLittleMoreThanIsAskedFor goes through sizes around all classes.
func TestSizeClassesHoldLittleMoreThanIsAskedFor(t *testing.T) {
	lastClass, lastRoom := -1, 0
	for lastRoom < 1<<42 {
		size := lastRoom + 1
		class, room := sizeClass(size)
		if class != lastClass+1 || class >= sizeClasses {
			t.Fatalf("%d bytes are of class %d, want %d of %d", size, class, lastClass+1, sizeClasses)
		}
		most := max(memory.Alignment, size+size/2)
		if size > largeSize {
			most = size + size/largeSteps
		}
		if room < size || room > most {
			t.Fatalf("%d bytes get %d, want at most %d", size, room, most)
		}
		if same, again := sizeClass(room); same != class || again != room {
			t.Fatalf("%d bytes are of class %d with %d, want class %d with as many as they are", room, same, again, class)
		}
		lastClass, lastRoom = class, room
	}
}
