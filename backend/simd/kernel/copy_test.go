package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// copyNaively is the loop that a strided copy stands for, over single elements.
func copyNaively(c [][3]int, dst, src []uint64, d, s int) {
	if len(c) == 0 {
		dst[d] = src[s]
		return
	}
	for i := range c[0][0] {
		copyNaively(c[1:], dst, src, d+i*c[0][1], s+i*c[0][2])
	}
}

// checkCopy runs a copy unit by unit, backwards, for every element size and compares it with what want says.
func checkCopy(t *testing.T, name string, build func(size int) (*StridedCopy, error), srcLen, dstLen int, want func(dst, src []uint64)) {
	t.Helper()
	for _, size := range []int{1, 2, 4, 8, 16} {
		c, err := build(size)
		if err != nil {
			t.Fatal(name, err)
		}
		src, wanted := make([]uint64, srcLen), make([]uint64, dstLen)
		from, to := make([]byte, srcLen*size+64), make([]byte, dstLen*size+64)
		for i := range to {
			to[i] = 0xee
		}
		for i := range src {
			src[i] = uint64(i*7+3) % 251
			from[i*size+size/2] = byte(src[i])
		}
		for i := range wanted {
			wanted[i] = 1 << 20
		}
		want(wanted, src)
		for unit := c.Units() - 1; unit >= 0; unit-- {
			c.Run(Memory(unsafe.SliceData(to)), Memory(unsafe.SliceData(from)), unit, unit+1)
		}
		for i, w := range wanted {
			for b := range size {
				expected := byte(0)
				if b == size/2 {
					expected = byte(w)
				}
				if w == 1<<20 {
					expected = 0xee
				}
				if to[i*size+b] != expected {
					t.Fatalf("%s of %d bytes: byte %d of element %d is %d, want %d", name, size, b, i, to[i*size+b], expected)
				}
			}
		}
		for _, b := range to[dstLen*size:] {
			if b != 0xee {
				t.Fatalf("%s of %d bytes: written past the end", name, size)
			}
		}
	}
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func TestTransposeMovesEveryElement(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		shapes := [][]int{{}, {5}, {100, 100}, {3, 200, 31}, {2, 3, 4, 5, 6, 7}, {1, 70, 1, 9}, {4, 16, 24, 8}, {0, 3}, {2, 130, 66}}
		for round := range 60 {
			dims := shapes[round%len(shapes)]
			permutation := r.Perm(len(dims))
			checkCopy(t, "transpose", func(size int) (*StridedCopy, error) { return NewTranspose(size, dims, permutation) },
				product(dims), product(dims), func(dst, src []uint64) {
					loops, shape, source := make([][3]int, len(dims)), make([]int, len(dims)), strides(dims)
					for i, axis := range permutation {
						shape[i] = dims[axis]
					}
					for i, s := range strides(shape) {
						loops[i] = [3]int{shape[i], s, source[permutation[i]]}
					}
					copyNaively(loops, dst, src, 0, 0)
				})
		}
	})
}

func TestBroadcastSliceReversePadAndConcatenate(t *testing.T) {
	checkCopy(t, "broadcast", func(size int) (*StridedCopy, error) {
		return NewBroadcast(size, []int{3, 1, 5}, []int{2, 3, 4, 5}, []int{1, 2, 3})
	}, 15, 120, func(dst, src []uint64) {
		for i := range dst {
			dst[i] = src[i/20%3*5+i%5]
		}
	})
	checkCopy(t, "broadcast of a column", func(size int) (*StridedCopy, error) {
		return NewBroadcast(size, []int{70}, []int{70, 90}, []int{0})
	}, 70, 6300, func(dst, src []uint64) {
		for i := range dst {
			dst[i] = src[i/90]
		}
	})
	checkCopy(t, "slice", func(size int) (*StridedCopy, error) {
		return NewSlice(size, []int{9, 50}, []int{1, 3}, []int{9, 48}, []int{3, 2})
	}, 450, 3*23, func(dst, src []uint64) {
		for i := range dst {
			dst[i] = src[(1+i/23*3)*50+3+i%23*2]
		}
	})
	checkCopy(t, "reverse", func(size int) (*StridedCopy, error) { return NewReverse(size, []int{4, 30, 6}, []int{0, 2}) },
		720, 720, func(dst, src []uint64) {
			for i := range dst {
				dst[i] = src[(3-i/180)*180+i/6%30*6+5-i%6]
			}
		})
	checkCopy(t, "pad", func(size int) (*StridedCopy, error) {
		return NewPad(size, []int{4, 5}, []int{1, -3}, []int{2, 1}, []int{2, 1})
	}, 20, 13*7, func(dst, src []uint64) {
		for i := range 4 {
			for j := range 5 {
				if k := -3 + 2*j; k >= 0 && k < 7 {
					dst[(1+3*i)*7+k] = src[i*5+j]
				}
			}
		}
	})
	checkCopy(t, "concatenate", func(size int) (*StridedCopy, error) { return NewConcatenate(size, []int{4, 5, 6}, 1, 2, 9) },
		120, 4*9*6, func(dst, src []uint64) {
			for i := range src {
				dst[i/30*54+12+i%30] = src[i]
			}
		})
}

func TestCopyRefusesWhatIsOutside(t *testing.T) {
	if _, err := NewTranspose(4, []int{2, 3}, []int{0, 0}); err == nil {
		t.Error("a permutation with an axis twice is accepted")
	}
	if _, err := NewSlice(4, []int{5}, []int{2}, []int{6}, []int{1}); err == nil {
		t.Error("a slice beyond the end is accepted")
	}
	if _, err := NewConcatenate(4, []int{5}, 0, 3, 7); err == nil {
		t.Error("a concatenation beyond the end is accepted")
	}
	if _, err := NewStridedCopy(3, nil, nil, nil, 0, 0); err == nil {
		t.Error("elements of 3 bytes are accepted")
	}
}
