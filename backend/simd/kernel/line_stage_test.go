package kernel

import (
	"fmt"
	"math"
	"testing"
)

// lineCase is a stage, a line and where its results go, with rows of two lines around them.
func TestLineStageIsPartOfTheTransform(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := seeded(t)
		for _, radix := range lineRadices {
			for _, rest := range []int{1, 2, 3, 7, radix} {
				for _, second := range []bool{false, true} {
					t.Run(fmt.Sprintf("%d·%d %t", radix, rest, second), func(t *testing.T) {
						n := radix * rest
						s := newLineStage(n, radix)
						stride := lanes + r.IntN(20)
						line, _ := guardedSlice(t, (n-1)*stride+lanes, r.IntN(16))
						normal(r, line)
						re, _ := guardedSlice(t, s.rows()*lanes, r.IntN(16))
						im, _ := guardedSlice(t, s.rows()*lanes, r.IntN(16))
						work := complexRows{re, im, lanes}
						l := lineRows{line: line, stride: stride, next: line, nextStride: stride}
						l.shared, l.re, l.im = s.of(&work, second)
						before := append([]float32(nil), line...)
						s.forward(&l)
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
										sin, cos := math.Sincos(-2 * math.Pi * float64(j*k%radix) / float64(radix))
										want += complex(float64(line[row*stride+lane]), 0) * complex(cos, sin)
									}
									if !coprime {
										sin, cos := math.Sincos(-2 * math.Pi * float64(j*b%n) / float64(n))
										want *= complex(cos, sin)
									}
									var got complex128
									if i < s.shared {
										got = complex(float64(l.shared[(b*s.pitch+i)*lanes+lane]), 0)
									} else {
										at := (b*s.pitch+i-s.shared)*lanes + lane
										got = complex(float64(l.re[at]), float64(l.im[at]))
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
									l.re[at] *= 2
									l.im[at] *= 2
								}
							}
						}
						clear(line)
						s.back(&l)
						for row := range n {
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
