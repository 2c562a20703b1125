package kernel

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"
)

func TestBlockStageTransformsBlocksSideBySide(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, radix := range []int{1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16} {
			for _, parts := range []int{1, 3} {
				for kind := range blockKinds {
					if twiddled := kind == forwardBlocks || kind == inverseBlocks; twiddled != (parts > 1) || twiddled && radix == 1 {
						continue
					}
					for _, adds := range []bool{false, true} {
						if adds && kind != filterBlocks {
							continue
						}
						t.Run(fmt.Sprintf("radix %d of %d, kind %d, adds %t", radix, radix*parts, kind, adds), func(t *testing.T) {
							s := newBlockStage(radix, radix*parts)
							blocks, row, part := 1+r.IntN(5), r.IntN(4), parts/2
							step := blocks + r.IntN(3)
							guarded := func(n int) []float32 {
								x, _ := guardedSlice(t, n, r.IntN(16))
								return normal(r, x)
							}
							work := complexRows{guarded((row + (radix-1)*step + blocks) * lanes), guarded((row + (radix-1)*step + blocks) * lanes), lanes}
							rows := blocks * radix * 2 * lanes
							b := blockRun{work: work, f: factorRows{filter: guarded(rows)}, spectrum: guarded(rows)}
							if adds {
								b.f.added = guarded(rows)
							}
							number := func(rows []float32, i, lane int) complex128 {
								return complex(float64(rows[i*2*lanes+lane]), float64(rows[i*2*lanes+lanes+lane]))
							}
							inWork := func(block, k, lane int) complex128 {
								at := (row+block+k*step)*lanes + lane
								return complex(float64(work.re[at]), float64(work.im[at]))
							}
							type place struct{ block, k, lane int }
							want := map[place]complex128{}
							for block := range blocks {
								for lane := range lanes {
									z := make([]complex128, radix)
									for k := range z {
										z[k] = inWork(block, k, lane)
										if kind == backBlocks {
											z[k] = number(b.spectrum, block*radix+k, lane)
										}
									}
									twiddle := func(sign float64) {
										for k := range z {
											z[k] *= cmplx.Rect(1, sign*2*math.Pi*float64(part*k)/float64(radix*parts))
										}
									}
									switch kind {
									case forwardBlocks:
										z = dft(z, -1)
										twiddle(-1)
									case inverseBlocks:
										twiddle(1)
										z = dft(z, 1)
									case backBlocks:
										z = dft(z, 1)
									default:
										z = dft(z, -1)
									}
									for k := range z {
										switch i := block*radix + k; kind {
										case filterBlocks:
											z[k] *= number(b.f.filter, i, lane)
											if adds {
												z[k] += number(b.f.added, i, lane)
											}
										case accumulateBlocks:
											z[k] = number(b.spectrum, i, lane) + cmplx.Conj(number(b.f.filter, i, lane))*z[k]
										}
									}
									if kind == filterBlocks {
										z = dft(z, 1)
									}
									for k := range z {
										want[place{block, k, lane}] = z[k]
									}
								}
							}
							s.run(kind, &b, row, step, part, blocks)
							for p, w := range want {
								got := inWork(p.block, p.k, p.lane)
								if kind == spectrumBlocks || kind == accumulateBlocks {
									got = number(b.spectrum, p.block*radix+p.k, p.lane)
								}
								if cmplx.Abs(got-w) > 1e-5*float64(radix) {
									t.Fatalf("number %d of block %d, lane %d is %v, want %v", p.k, p.block, p.lane, got, w)
								}
							}
						})
					}
				}
			}
		}
	})
}
