package kernel

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

func TestLineStageIsPartOfTheTransform(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, radix := range lineRadices {
			for _, rest := range []int{1, 2, 3, 4, 7, radix} {
				for variant := range 4 {
					second, half := variant%2 == 1, variant > 1
					if half && (radix < 8 || radix%2 == 1) {
						continue
					}
					t.Run(fmt.Sprintf("%d·%d, second %t, half %t", radix, rest, second, half), func(t *testing.T) {
						n := radix * rest
						numbers := n
						if half {
							numbers = 1 + r.IntN(n/2)
						}
						s := newLineStage(n, radix, half)
						stride := lanes + r.IntN(20)
						line, _ := guardedSlice(t, (numbers-1)*stride+lanes, r.IntN(16))
						normal(r, line)
						re, _ := guardedSlice(t, s.rows()*lanes, r.IntN(16))
						im, _ := guardedSlice(t, s.rows()*lanes, r.IntN(16))
						work := complexRows{re, im, lanes}
						var l lineRun
						l.over(s, work, stride, numbers)
						if second {
							l.set(normal(r, make([]float32, len(line))), line)
						} else {
							l.set(line, nil)
						}
						shared, ownRe, ownIm := s.of(&work, second)
						before := append([]float32(nil), line...)
						l.forward(&asm.Transfers{})
						coprime := s.twiddles == nil
						for b := range rest {
							for i, j := range s.results {
								for lane := range lanes {
									var want complex128
									for k := range radix {
										row := (b + rest*k) % n
										if coprime {
											row = (radix*b + rest*k) % n
										}
										if row >= numbers {
											continue
										}
										sin, cos := math.Sincos(-2 * math.Pi * float64(j*k%radix) / float64(radix))
										want += complex(float64(line[row*stride+lane]), 0) * complex(cos, sin)
									}
									if !coprime {
										sin, cos := math.Sincos(-2 * math.Pi * float64(j*b%n) / float64(n))
										want *= complex(cos, sin)
									}
									var got complex128
									if i < s.shared {
										got = complex(float64(shared[(b*s.pitch+i)*lanes+lane]), 0)
									} else {
										at := (b*s.pitch+i-s.shared)*lanes + lane
										got = complex(float64(ownRe[at]), float64(ownIm[at]))
									}
									if d := got - want; math.Hypot(real(d), imag(d)) > 1e-6*math.Sqrt(float64(radix))*8 {
										t.Fatalf("butterfly %d, result %d is %v, want %v", b, j, got, want)
									}
								}
							}
						}
						// doubled where there are two conjugates, the way back multiplies by the radix
						for b := range rest {
							for o := range s.own {
								if 2*s.results[s.shared+o] == radix {
									continue
								}
								for at := (b*s.pitch + o) * lanes; at < (b*s.pitch+o+1)*lanes; at++ {
									ownRe[at] *= 2
									ownIm[at] *= 2
								}
							}
						}
						clear(line)
						l.back(&asm.Transfers{})
						for row := range numbers {
							for lane := range lanes {
								at := row*stride + lane
								if got, want := line[at], before[at]*float32(radix); math.Abs(float64(got-want)) > 1e-5*float64(radix) {
									t.Fatalf("row %d, lane %d comes back as %g, want %g", row, lane, got, want)
								}
							}
						}
					})
				}
			}
		}
	})
}

// TestJobsSayWhichRowsComeNext goes through butterflies in the order in which those of two lines take turns: the rows that are fetched
// meanwhile are those of the one that comes next, and in the last one the line's last row.
func TestJobsSayWhichRowsComeNext(t *testing.T) {
	r := seeded(t)
	for _, radix := range []int{16, 17, 32, 64} {
		for _, both := range []bool{false, true} {
			const rest = 7
			s, stride := newLineStage(radix*rest, radix, false), lanes+r.IntN(20)
			size := (radix*rest-1)*stride + lanes
			first, second, count := make([]float32, size), []float32(nil), 1
			if both {
				second, count = make([]float32, size), 2
			}
			work := complexRows{make([]float32, s.rows()*lanes), make([]float32, s.rows()*lanes), lanes}
			var run lineRun
			run.over(s, work, stride, radix*rest)
			run.set(first, second)
			offsets := unsafe.Slice(run.job.Offsets, (rest+1)*radix)
			address := func(rows *float32, offset int) uintptr { return uintptr(unsafe.Pointer(rows)) + uintptr(offset) }
			for turn := range rest * count {
				line, butterfly := &run.job.Lines[turn%count], turn/count
				ahead := offsets[butterfly*radix+line.Ahead/8:][:radix]
				for k, offset := range ahead {
					want := address(line.Next, offsets[rest*radix-1])
					if next := turn + 1; next < rest*count {
						want = address(run.job.Lines[next%count].Rows, offsets[next/count*radix+k])
					}
					if got := address(line.Next, offset); got != want {
						t.Fatalf("%d·%d, both %t: row %d after turn %d is at %#x, want %#x", radix, rest, both, k, turn, got, want)
					}
				}
			}
			runtime.KeepAlive(first)
			runtime.KeepAlive(second)
		}
	}
}

func TestBlocksDoNotLoadWhereOthersHaveJustStored(t *testing.T) {
	const page = 4096 / (4 * lanes) // rows
	for _, radix := range lineRadices[1:] {
		pitch := linePitch(radix)
		if pitch < radix || pitch%2 == 0 {
			t.Errorf("butterflies of radix %d begin %d rows from each other, want an odd number that is not less", radix, pitch)
		}
		if apart := pitch % page; apart == 1 || apart == page-1 {
			t.Errorf("with butterflies of radix %d, rows of a block stand one row from each other in pages of %d", radix, page)
		}
	}
}
