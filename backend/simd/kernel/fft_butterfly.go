package kernel

// complexRows are rows of sixteen complex numbers: those of row k begin at float k·stride of re and of im.
type complexRows struct {
	re, im []float32
	stride int
}

// exchange exchanges real and imaginary parts. A transform of what is exchanged is the inverse transform, exchanged.
func (z complexRows) exchange() complexRows { return complexRows{z.im, z.re, z.stride} }

// row returns row k.
func (z *complexRows) row(k int32) (re, im *vector) {
	return (*vector)(z.re[int(k)*z.stride:]), (*vector)(z.im[int(k)*z.stride:])
}

// factorRows are what a spectrum is multiplied by, and what is then added to it: rows of sixteen real and sixteen
// imaginary parts. added may be nil.
type factorRows struct {
	filter, added []float32
}

// vector is a number of each of sixteen lanes.
type vector = [lanes]float32

// maxRadix is the radix of the largest butterfly.
const maxRadix = 16

// butterflyKind is what a butterfly does besides its short transform.
type butterflyKind int

const (
	// forwardButterfly multiplies the results by the twiddles of its stage.
	forwardButterfly butterflyKind = iota
	// inverseButterfly multiplies by the twiddles first.
	inverseButterfly
	// filterButterfly multiplies the results by the filter, adds to them and transforms back.
	filterButterfly
	// accumulateButterfly multiplies the results by the conjugate of the filter and adds them to out.
	accumulateButterfly
)

// run takes the rows of in to those of out, which may be the same, in butterflies lo to hi. A row of in is read by the
// butterfly alone that writes this row of out. As many rows of ahead, of those from lo·radix on, are brought into the cache
// meanwhile, but not by filterButterfly and accumulateButterfly.
func (s *fftStage) run(kind butterflyKind, out, in *complexRows, f *factorRows, ahead *complexRows, lo, hi int) {
	if !s.runVector(kind, out, in, f, ahead, lo, hi) {
		s.runGeneric(kind, out, in, f, lo, hi)
	}
}

// butterflies returns the number of butterflies of the stage.
func (s *fftStage) butterflies() int { return len(s.indexes) / s.radix }

// runGeneric is the definition of the butterflies.
func (s *fftStage) runGeneric(kind butterflyKind, out, in *complexRows, f *factorRows, lo, hi int) {
	for b := lo * s.radix; b < hi*s.radix; b += s.radix {
		var re, im [maxRadix]vector
		rows := s.indexes[b:][:s.radix]
		for k, row := range rows {
			x, y := in.row(row)
			re[k], im[k] = *x, *y
		}
		if kind == inverseButterfly {
			s.twiddle(&re, &im, b)
		}
		s.transform(&re, &im)
		switch kind {
		case forwardButterfly:
			s.twiddle(&re, &im, b)
		case filterButterfly:
			for k, row := range rows {
				f.filterRow(&re[k], &im[k], row)
			}
			s.transform(&im, &re)
		case accumulateButterfly:
			for k, row := range rows {
				x, y := out.row(row)
				f.accumulateRow(&re[k], &im[k], x, y, row)
			}
		}
		for k, row := range rows {
			x, y := out.row(row)
			*x, *y = re[k], im[k]
		}
	}
}

// twiddle multiplies the numbers of the butterfly that begins at place b of the indexes.
func (s *fftStage) twiddle(re, im *[maxRadix]vector, b int) {
	if s.twiddles == nil {
		return
	}
	w := s.twiddles[b/s.radix*(s.radix-1)*2:]
	for k := 1; k < s.radix; k++ {
		cos, sin := w[2*k-2], w[2*k-1]
		for l := range lanes {
			re[k][l], im[k][l] = multiply(re[k][l], im[k][l], cos, sin)
		}
	}
}

// filterRow multiplies a row by its factor and adds to it.
func (f *factorRows) filterRow(re, im *vector, row int32) {
	factor := f.filter[int(row)*2*lanes:][:2*lanes]
	for l := range lanes {
		re[l], im[l] = multiply(re[l], im[l], factor[l], factor[lanes+l])
	}
	if f.added == nil {
		return
	}
	added := f.added[int(row)*2*lanes:][:2*lanes]
	for l := range lanes {
		re[l] += added[l]
		im[l] += added[lanes+l]
	}
}

// accumulateRow multiplies a row by the conjugate of its factor and adds a sum.
func (f *factorRows) accumulateRow(re, im, sumRe, sumIm *vector, row int32) {
	factor := f.filter[int(row)*2*lanes:][:2*lanes]
	for l := range lanes {
		x, y := multiply(re[l], im[l], factor[l], -factor[lanes+l])
		re[l], im[l] = sumRe[l]+x, sumIm[l]+y
	}
}

// transform computes the short transform of the first radix numbers.
func (s *fftStage) transform(re, im *[maxRadix]vector) {
	switch {
	case s.radix%2 == 1:
		oddTransform(re, im, s.radix)
		return
	case s.radix&(s.radix-1) != 0:
		evenTransform(re, im, s.radix)
		return
	}
	var x, y [maxRadix]vector
	for half := s.radix / 2; half > 0; half /= 2 { // Stockham's order: results come out sorted
		stride := s.radix / 2 / half
		for p := range half {
			cos, sin := butterflyRoot(p, 2*half)
			for q := range stride {
				a, b, sum := q+stride*p, q+stride*(p+half), q+2*stride*p
				for l := range lanes {
					x[sum][l], y[sum][l] = re[a][l]+re[b][l], im[a][l]+im[b][l]
					x[sum+stride][l], y[sum+stride][l] = multiply(re[a][l]-re[b][l], im[a][l]-im[b][l], cos, sin)
				}
			}
		}
		*re, *im = x, y
	}
}

// oddTransform is a transform of odd length by its definition, but that numbers k and radix-k share their cosines
// and, but for the sign, their sines.
func oddTransform(re, im *[maxRadix]vector, radix int) {
	half := radix / 2
	firstRe, firstIm := re[0], im[0]
	for k := 1; k <= half; k++ {
		for l := range lanes {
			a, b, c, d := re[k][l], re[radix-k][l], im[k][l], im[radix-k][l]
			re[k][l], re[radix-k][l], im[k][l], im[radix-k][l] = a+b, a-b, c+d, c-d
			re[0][l] += a + b
			im[0][l] += c + d
		}
	}
	var x, y [maxRadix]vector
	for j := 1; j <= half; j++ {
		evenRe, evenIm := firstRe, firstIm
		var oddRe, oddIm vector
		for k := 1; k <= half; k++ {
			cos, sin := butterflyRoot(j*k, radix)
			for l := range lanes {
				evenRe[l] += cos * re[k][l]
				evenIm[l] += cos * im[k][l]
				oddRe[l] -= sin * im[radix-k][l]
				oddIm[l] += sin * re[radix-k][l]
			}
		}
		for l := range lanes {
			x[j][l], y[j][l] = evenRe[l]+oddRe[l], evenIm[l]+oddIm[l]
			x[radix-j][l], y[radix-j][l] = evenRe[l]-oddRe[l], evenIm[l]-oddIm[l]
		}
	}
	copy(re[1:radix], x[1:])
	copy(im[1:radix], y[1:])
}

// evenTransform is a transform of even length: those of the numbers with an even and with an odd index, and of the two results for
// each other.
func evenTransform(re, im *[maxRadix]vector, radix int) {
	half := fftStage{radix: radix / 2}
	var x, y [2][maxRadix]vector
	for k := range radix {
		x[k%2][k/2], y[k%2][k/2] = re[k], im[k]
	}
	for parity := range 2 {
		half.transform(&x[parity], &y[parity])
	}
	for j := range half.radix {
		cos, sin := butterflyRoot(j, radix)
		for l := range lanes {
			a, b := multiply(x[1][j][l], y[1][j][l], cos, sin)
			re[j][l], im[j][l] = x[0][j][l]+a, y[0][j][l]+b
			re[j+half.radix][l], im[j+half.radix][l] = x[0][j][l]-a, y[0][j][l]-b
		}
	}
}

// butterflyRoots holds e^(-2πi·k/n) for n up to maxRadix.
var butterflyRoots = func() (roots [maxRadix + 1][maxRadix]complex64) {
	for n := 1; n <= maxRadix; n++ {
		for k := range n {
			re, im := root(k, n)
			roots[n][k] = complex(float32(re), float32(im))
		}
	}
	return roots
}()

// butterflyRoot returns e^(-2πi·k/n).
func butterflyRoot(k, n int) (re, im float32) {
	r := butterflyRoots[n][k%n]
	return real(r), imag(r)
}

// multiply returns the product of two complex numbers.
func multiply(aRe, aIm, bRe, bIm float32) (re, im float32) {
	return aRe*bRe - aIm*bIm, aRe*bIm + aIm*bRe
}

// maxButterflies bounds the butterflies of one assembly call: assembly cannot be preempted.
const maxButterflies = 1 << 11
