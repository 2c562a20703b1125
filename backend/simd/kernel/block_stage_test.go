package kernel

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

func TestBlockStageTransformsBlocksSideBySide(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, radix := range blockRadices {
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
							counts, part := [2]int{1 + r.IntN(5), r.IntN(4)}, parts/2
							step := counts[0] + counts[1] + r.IntN(3)
							guarded := func(n int) []float32 {
								x, _ := guardedSlice(t, n, r.IntN(16))
								return normal(r, x)
							}
							var lines [2]blockRows
							var factors [2]factorRows
							for i, count := range counts {
								if count == 0 {
									continue
								}
								work, rows := ((radix-1)*step+count)*lanes, count*radix*2*lanes
								lines[i] = blockRows{re: guarded(work), im: guarded(work), spectrum: guarded(rows), line: i, count: count}
								factors[i].filter = guarded(rows)
								if adds {
									factors[i].added = guarded(rows)
								}
							}
							number := func(rows []float32, i, lane int) complex128 {
								return complex(float64(rows[i*2*lanes+lane]), float64(rows[i*2*lanes+lanes+lane]))
							}
							inWork := func(b *blockRows, block, k, lane int) complex128 {
								at := (block+k*step)*lanes + lane
								return complex(float64(b.re[at]), float64(b.im[at]))
							}
							type place struct{ line, block, k, lane int }
							want, kept := map[place]complex128{}, map[place]complex128{}
							for at := range 2 * 5 * lanes {
								line, block, lane := at/lanes/5, at/lanes%5, at%lanes
								if b := &lines[line]; block < b.count {
									z := make([]complex128, radix)
									for k := range z {
										z[k] = inWork(b, block, k, lane)
										if kind == backBlocks {
											z[k] = number(b.spectrum, block*radix+k, lane)
										}
									}
									twiddle := func(sign float64) {
										for k := range z {
											z[k] *= cmplx.Rect(1, sign*2*math.Pi*float64(part*k)/float64(radix*parts))
										}
									}
									weighted := func(z []complex128) []complex128 {
										for k := 1; k < radix; k++ {
											z[k] /= complex(float64(blockWeight(radix)), 0)
										}
										return z
									}
									switch kind {
									case forwardBlocks:
										z = dft(z, -1)
										twiddle(-1)
									case inverseBlocks:
										twiddle(1)
										z = dft(z, 1)
									case backBlocks:
										z = dft(weighted(z), 1)
									default:
										z = weighted(dft(z, -1))
									}
									for k := range z {
										switch i := block*radix + k; kind {
										case filterBlocks, filterKeepBlocks:
											if kind == filterKeepBlocks {
												kept[place{line, block, k, lane}] = z[k]
											}
											w := number(factors[line].filter, i, lane)
											if kind == filterKeepBlocks {
												w = cmplx.Conj(w)
											}
											z[k] *= w
											if adds {
												z[k] += number(factors[line].added, i, lane)
											}
										case accumulateBlocks:
											z[k] = number(b.spectrum, i, lane) + cmplx.Conj(number(factors[line].filter, i, lane))*z[k]
										}
									}
									if kind.filters() {
										z = dft(weighted(z), 1)
									}
									for k := range z {
										want[place{line, block, k, lane}] = z[k]
									}
								}
							}
							call := s.call(kind, part, step, lines)
							call.setFactors(&factors)
							call.run(&asm.Transfers{})
							check := func(p place, got, w complex128) {
								if cmplx.Abs(got-w) > 1e-5*float64(radix) {
									t.Fatalf("number %d of block %d of line %d, lane %d is %v, want %v", p.k, p.block, p.line, p.lane, got, w)
								}
							}
							for p, w := range kept {
								check(p, number(lines[p.line].spectrum, p.block*radix+p.k, p.lane), w)
							}
							for p, w := range want {
								b := &lines[p.line]
								got := inWork(b, p.block, p.k, p.lane)
								if kind == spectrumBlocks || kind == accumulateBlocks {
									got = number(b.spectrum, p.block*radix+p.k, p.lane)
								}
								check(p, got, w)
							}
						})
					}
				}
			}
		}
	})
}
