package kernel

// bluestein is a transform of any length n as a convolution with a chirp, after Bluestein, of a longer length: with
// c_k = e^(-πi·k²/n), X_j = c_j · Σ_k (x_k·c_k) · conj(c_{j-k}).
type bluestein struct {
	inner  *fftPlan
	chirp  []complex64 // c_k, n of them
	filter []float32   // the transform of conj(c), wrapped around, over the inner length, with the factor of the way back
}

func newBluestein(n int) *bluestein {
	m := paddedLength(2*n - 1)
	b := &bluestein{inner: newFFTPlan(m), filter: make([]float32, 2*m*lanes)}
	wrapped := interleaved(b.filter)
	for k := range n {
		re, im := root(k*k%(2*n), 2*n)
		b.chirp = append(b.chirp, complex(float32(re), float32(im)))
		for _, row := range []int{k, (m - k) % m} {
			x, y := wrapped.row(int32(row))
			for l := range lanes {
				x[l], y[l] = float32(re/float64(m)), float32(-im/float64(m))
			}
		}
	}
	b.inner.forward(wrapped, wrapped)
	return b
}

// transform computes the transform of the first n rows of z.
func (b *bluestein) transform(z complexRows) {
	b.scale(z)
	for row := len(b.chirp); row < b.inner.n; row++ {
		re, im := z.row(int32(row))
		clear(re[:])
		clear(im[:])
	}
	b.inner.convolve(z, z, z, factorRows{filter: b.filter})
	b.scale(z)
}

// scale multiplies the rows by the chirp.
func (b *bluestein) scale(z complexRows) {
	for k, c := range b.chirp {
		x, y := z.row(int32(k))
		for l := range lanes {
			x[l], y[l] = multiply(x[l], y[l], real(c), imag(c))
		}
	}
}
