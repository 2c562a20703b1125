package kernel

import (
	"fmt"
	"slices"
	"testing"
)

func TestLanesAreCopiedAndAddedAlone(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for used := 1; used <= lanes; used++ {
			for _, pixels := range []int{1, 2, 7, 64} {
				t.Run(fmt.Sprintf("%d of %d pixels", used, pixels), func(t *testing.T) {
					to, from := used+r.IntN(20), used+r.IntN(20)
					dst, _ := guardedSlice(t, (pixels-1)*to+used, r.IntN(16))
					src, _ := guardedSlice(t, (pixels-1)*from+used, r.IntN(16))
					normal(r, dst)
					normal(r, src)
					copied, added := slices.Clone(dst), slices.Clone(dst)
					for i := range pixels {
						for lane := range used {
							copied[i*to+lane] = src[i*from+lane]
							added[i*to+lane] += src[i*from+lane]
						}
					}
					before := slices.Clone(dst)
					if copyLanes(dst, src, pixels, to, from, used); !slices.Equal(dst, copied) {
						t.Error("copied lanes differ")
					}
					copy(dst, before)
					if addLanes(dst, src, pixels, to, from, used); !slices.Equal(dst, added) {
						t.Error("added lanes differ")
					}
					vectors, _ := guardedSlice(t, pixels*lanes, r.IntN(16))
					normal(r, vectors)
					packLanes(vectors, src, pixels, from, used)
					for i, v := range vectors {
						want := float32(0)
						if i%lanes < used {
							want = src[i/lanes*from+i%lanes]
						}
						if v != want {
							t.Fatalf("lane %d of pixel %d is packed as %g, want %g", i%lanes, i/lanes, v, want)
						}
					}
				})
			}
		}
	})
}

func TestRowsOfTwoLinesAreAdded(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, rows := range []int{1, 2, 7, 64} {
			for _, stride := range []int{lanes, lanes + 1, 5 * lanes} {
				sums, _ := guardedSlice(t, rows*lanes, r.IntN(16))
				first, _ := guardedSlice(t, (rows-1)*stride+lanes, r.IntN(16))
				second, _ := guardedSlice(t, (rows-1)*stride+lanes, r.IntN(16))
				normal(r, sums)
				normal(r, first)
				normal(r, second)
				want := slices.Clone(sums)
				for i := range want {
					at := i/lanes*stride + i%lanes
					want[i] += first[at] + second[at]
				}
				if addPairLanes(sums, first, second, rows, stride); !slices.Equal(sums, want) {
					t.Errorf("%d rows %d floats apart: sums differ", rows, stride)
				}
			}
		}
	})
}
