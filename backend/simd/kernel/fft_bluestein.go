package kernel

// bluestein is a transform of any length n as a convolution with a chirp, after Bluestein, by transforms of a power of
// two: with c_k = e^(-πi·k²/n), X_j = c_j · Σ_k (x_k·c_k) · conj(c_{j-k}).
type bluestein struct {
	inner  *fftPlan
	chirp  []complex64 // c_k, n of them
	filter []complex64 // the transform of conj(c), wrapped around, over the inner length
}

func newBluestein(n int) *bluestein {
	m := 1
	for m < 2*n-1 {
		m *= 2
	}
	b := &bluestein{inner: newFFTPlan(m)}
	wrapped := make([]complex128, m)
	for k := range n {
		re, im := root(k*k%(2*n), 2*n)
		b.chirp = append(b.chirp, complex(float32(re), float32(im)))
		wrapped[k] = complex(re, -im)
		wrapped[(m-k)%m] = complex(re, -im)
	}
	for _, v := range powerOfTwoTransform(wrapped) {
		v /= complex(float64(m), 0)
		b.filter = append(b.filter, complex64(v))
	}
	return b
}

// transform computes the transform of the first n numbers of z.
func (b *bluestein) transform(z spectrum) spectrum {
	n := len(b.chirp) * lanes
	scaleEach(z.re, z.im, b.chirp)
	clear(z.re[n:])
	clear(z.im[n:])
	z = b.inner.transform(z)
	scaleEach(z.re, z.im, b.filter)
	z = b.inner.transform(z.exchange()).exchange()
	scaleEach(z.re, z.im, b.chirp)
	return z
}

// scaleEach multiplies the k-th number of each line by factors[k].
func scaleEach(re, im []float32, factors []complex64) {
	for k, factor := range factors {
		x, y := (*vector)(re[k*lanes:]), (*vector)(im[k*lanes:])
		for l := range lanes {
			x[l], y[l] = multiply(x[l], y[l], real(factor), imag(factor))
		}
	}
}

// powerOfTwoTransform returns the forward transform of x in float64.
func powerOfTwoTransform(x []complex128) []complex128 {
	n := len(x)
	if n == 1 {
		return x
	}
	var halves [2][]complex128
	for k, v := range x {
		halves[k%2] = append(halves[k%2], v)
	}
	even, odd := powerOfTwoTransform(halves[0]), powerOfTwoTransform(halves[1])
	out := make([]complex128, n)
	for k := range n / 2 {
		re, im := root(k, n)
		turned := complex(re, im) * odd[k]
		out[k], out[k+n/2] = even[k]+turned, even[k]-turned
	}
	return out
}
