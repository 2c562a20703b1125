package kernel

import "sync"

// fftPlan holds what transforms of one length share. It is never changed once made.
type fftPlan struct {
	n      int
	stages []fftStage // for products of 2, 3, 5 and 7
	chirp  *bluestein // for all other lengths
}

// fftStage is one pass over the data: radix sub-transforms at once, after Stockham, so that order comes out right.
type fftStage struct {
	radix, parts, stride int       // parts is the length of what remains to be transformed
	twiddles             []float32 // [parts, radix] roots of radix·parts, as pairs
	cos, sin             []float32 // [(radix+1)/2, (radix+1)/2] of 2π·jk/radix, for odd radices
}

// fftPlans keeps the plans by length.
var fftPlans = struct {
	sync.RWMutex
	of map[int]*fftPlan
}{of: map[int]*fftPlan{}}

// fftPlanOf returns the plan of length n, made once.
func fftPlanOf(n int) *fftPlan {
	fftPlans.RLock()
	p := fftPlans.of[n]
	fftPlans.RUnlock()
	if p != nil {
		return p
	}
	fftPlans.Lock()
	defer fftPlans.Unlock()
	if fftPlans.of[n] == nil {
		fftPlans.of[n] = newFFTPlan(n)
	}
	return fftPlans.of[n]
}

func newFFTPlan(n int) *fftPlan {
	p := &fftPlan{n: n}
	left, stride := n, 1
	for _, radix := range []int{7, 5, 3, 4, 2} {
		for left%radix == 0 {
			left /= radix
			p.stages = append(p.stages, newFFTStage(radix, left, stride))
			stride *= radix
		}
	}
	if left > 1 {
		// The stages were made for n = left·stride, and a factor that has none is left.
		return &fftPlan{n: n, chirp: newBluestein(n)}
	}
	return p
}

func newFFTStage(radix, parts, stride int) fftStage {
	s := fftStage{radix: radix, parts: parts, stride: stride}
	for p := range parts {
		for j := range radix {
			re, im := root(p*j, radix*parts)
			s.twiddles = append(s.twiddles, float32(re), float32(im))
		}
	}
	half := (radix + 1) / 2
	for j := range half {
		for k := range half {
			re, im := root(j*k, radix)
			s.cos, s.sin = append(s.cos, float32(re)), append(s.sin, float32(-im))
		}
	}
	return s
}

// size returns the number of vectors of each of a spectrum's parts.
func (p *fftPlan) size() int {
	if p.chirp != nil {
		return p.chirp.inner.n
	}
	return p.n
}

// transform computes the forward transform of z; what it returns has the same memory.
func (p *fftPlan) transform(z spectrum) spectrum {
	if p.chirp != nil {
		return p.chirp.transform(z)
	}
	for i := range p.stages {
		p.stages[i].run(z)
		z = z.swap()
	}
	return z
}

// vector is one number of sixteen lines.
type vector = [lanes]float32

// run takes z to its other half.
func (s *fftStage) run(z spectrum) {
	switch s.radix {
	case 2:
		s.radix2(z)
	case 4:
		s.radix4(z)
	default:
		s.odd(z)
	}
}

// in returns the k-th number of butterfly (p, q).
func (s *fftStage) in(z *spectrum, p, q, k int) (re, im *vector) {
	at := (q + s.stride*(p+k*s.parts)) * lanes
	return (*vector)(z.re[at:]), (*vector)(z.im[at:])
}

// out returns the place of the j-th result of butterfly (p, q), and its twiddle factor.
func (s *fftStage) out(z *spectrum, p, q, j int) (re, im *vector, cos, sin float32) {
	at := (q + s.stride*(s.radix*p+j)) * lanes
	w := s.twiddles[2*(p*s.radix+j):]
	return (*vector)(z.otherRe[at:]), (*vector)(z.otherIm[at:]), w[0], w[1]
}

func (s *fftStage) radix2(z spectrum) {
	for p := range s.parts {
		for q := range s.stride {
			aRe, aIm := s.in(&z, p, q, 0)
			bRe, bIm := s.in(&z, p, q, 1)
			sumRe, sumIm, _, _ := s.out(&z, p, q, 0)
			differenceRe, differenceIm, cos, sin := s.out(&z, p, q, 1)
			for l := range lanes {
				sumRe[l], sumIm[l] = aRe[l]+bRe[l], aIm[l]+bIm[l]
				x, y := aRe[l]-bRe[l], aIm[l]-bIm[l]
				differenceRe[l], differenceIm[l] = x*cos-y*sin, x*sin+y*cos
			}
		}
	}
}

func (s *fftStage) radix4(z spectrum) {
	for p := range s.parts {
		for q := range s.stride {
			aRe, aIm := s.in(&z, p, q, 0)
			bRe, bIm := s.in(&z, p, q, 1)
			cRe, cIm := s.in(&z, p, q, 2)
			dRe, dIm := s.in(&z, p, q, 3)
			re0, im0, _, _ := s.out(&z, p, q, 0)
			re1, im1, cos1, sin1 := s.out(&z, p, q, 1)
			re2, im2, cos2, sin2 := s.out(&z, p, q, 2)
			re3, im3, cos3, sin3 := s.out(&z, p, q, 3)
			for l := range lanes {
				evenRe, evenIm, oddRe, oddIm := aRe[l]+cRe[l], aIm[l]+cIm[l], bRe[l]+dRe[l], bIm[l]+dIm[l]
				crossRe, crossIm, turnRe, turnIm := aRe[l]-cRe[l], aIm[l]-cIm[l], bIm[l]-dIm[l], dRe[l]-bRe[l]
				re0[l], im0[l] = evenRe+oddRe, evenIm+oddIm
				re1[l], im1[l] = multiply(crossRe+turnRe, crossIm+turnIm, cos1, sin1)
				re2[l], im2[l] = multiply(evenRe-oddRe, evenIm-oddIm, cos2, sin2)
				re3[l], im3[l] = multiply(crossRe-turnRe, crossIm-turnIm, cos3, sin3)
			}
		}
	}
}

// odd is a stage of odd radix r. Numbers k and r-k share their cosines and, but for the sign, their sines.
func (s *fftStage) odd(z spectrum) {
	const most = 3 // pairs of numbers of the largest radix, 7
	half := s.radix / 2
	for p := range s.parts {
		for q := range s.stride {
			var sumRe, sumIm, differenceRe, differenceIm [most]vector
			firstRe, firstIm := s.in(&z, p, q, 0)
			totalRe, totalIm := *firstRe, *firstIm
			for k := range half {
				aRe, aIm := s.in(&z, p, q, k+1)
				bRe, bIm := s.in(&z, p, q, s.radix-1-k)
				for l := range lanes {
					sumRe[k][l], sumIm[k][l] = aRe[l]+bRe[l], aIm[l]+bIm[l]
					differenceRe[k][l], differenceIm[k][l] = aRe[l]-bRe[l], aIm[l]-bIm[l]
					totalRe[l] += sumRe[k][l]
					totalIm[l] += sumIm[k][l]
				}
			}
			re, im, _, _ := s.out(&z, p, q, 0)
			*re, *im = totalRe, totalIm
			for j := 1; j <= half; j++ {
				evenRe, evenIm := *firstRe, *firstIm
				var oddRe, oddIm vector
				for k := range half {
					cos, sin := s.cos[j*(half+1)+k+1], s.sin[j*(half+1)+k+1]
					for l := range lanes {
						evenRe[l] += cos * sumRe[k][l]
						evenIm[l] += cos * sumIm[k][l]
						oddRe[l] += sin * differenceIm[k][l]
						oddIm[l] -= sin * differenceRe[k][l]
					}
				}
				re, im, cos, sin := s.out(&z, p, q, j)
				mirrorRe, mirrorIm, mirrorCos, mirrorSin := s.out(&z, p, q, s.radix-j)
				for l := range lanes {
					re[l], im[l] = multiply(evenRe[l]+oddRe[l], evenIm[l]+oddIm[l], cos, sin)
					mirrorRe[l], mirrorIm[l] = multiply(evenRe[l]-oddRe[l], evenIm[l]-oddIm[l], mirrorCos, mirrorSin)
				}
			}
		}
	}
}

// multiply returns the product of two complex numbers.
func multiply(aRe, aIm, bRe, bIm float32) (re, im float32) {
	return aRe*bRe - aIm*bIm, aRe*bIm + aIm*bRe
}
