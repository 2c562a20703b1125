package kernel

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// fftLengths are all small lengths, the field's sizes, large primes and products of large factors.
func fftLengths() []int {
	var lengths []int
	for n := range 36 {
		lengths = append(lengths, n+1)
	}
	return append(lengths, 49, 56, 64, 97, 112, 121, 210, 224, 251, 256, 448, 509, 1000)
}

// dft returns the transform of x by its definition; sign is -1 for the forward one.
func dft(x []complex128, sign float64) []complex128 {
	n := len(x)
	roots, out := make([]complex128, n), make([]complex128, n)
	for k := range roots {
		roots[k] = cmplx.Rect(1, sign*2*math.Pi*float64(k)/float64(n))
	}
	for j := range out {
		for k, v := range x {
			out[j] += v * roots[j*k%n]
		}
	}
	return out
}

// fftCase is an array of lines, and the same lines in float64.
type fftCase struct {
	FFT
	lines [][]complex128
}

func randomFFT(r *rand.Rand, n int) fftCase {
	c := fftCase{FFT: FFT{Outer: 1 + r.IntN(3), N: n, Inner: 1 + r.IntN(20)}}
	if n > 128 { // the check takes n² steps a line
		c.Outer, c.Inner = 1+r.IntN(2), 1+r.IntN(3)
	}
	for range c.Outer * c.Inner {
		line := make([]complex128, n)
		for k := range line {
			line[k] = complex(float64(float32(r.NormFloat64())), float64(float32(r.NormFloat64())))
		}
		c.lines = append(c.lines, line)
	}
	return c
}

// array returns the first n numbers of each line as [Outer, n, Inner].
func (c *fftCase) array(n int) []complex64 {
	a := make([]complex64, c.Outer*n*c.Inner)
	for line, x := range c.lines {
		for k := range n {
			a[(line/c.Inner*n+k)*c.Inner+line%c.Inner] = complex64(x[k])
		}
	}
	return a
}

// check compares the lines of got [Outer, n, Inner] with want of each line.
func (c *fftCase) check(t *testing.T, got []complex64, n int, want func(line []complex128) []complex128) {
	t.Helper()
	for line, x := range c.lines {
		w := want(x)
		most := 0.0
		for _, v := range w {
			most = max(most, cmplx.Abs(v))
		}
		for k := range n {
			g := complex128(got[(line/c.Inner*n+k)*c.Inner+line%c.Inner])
			if !(cmplx.Abs(g-w[k]) <= 2e-6*most) {
				t.Fatalf("line %d, number %d is %v, want %v", line, k, g, w[k])
			}
		}
	}
}

func TestFFTIsTheDiscreteFourierTransform(t *testing.T) {
	r := seeded(t)
	for _, n := range fftLengths() {
		c := randomFFT(r, n)
		t.Run(fmt.Sprintf("%dx%dx%d", c.Outer, c.N, c.Inner), func(t *testing.T) {
			in, scratch := c.array(n), make([]float32, c.ScratchSize())
			out := make([]complex64, len(in))
			c.Forward(out, in, 0, c.Units(), scratch)
			c.check(t, out, n, func(x []complex128) []complex128 { return dft(x, -1) })
			for u := c.Units() - 1; u >= 0; u-- {
				c.Inverse(out, in, u, u+1, scratch)
			}
			c.check(t, out, n, func(x []complex128) []complex128 {
				y := dft(x, 1)
				for k := range y {
					y[k] /= complex(float64(n), 0)
				}
				return y
			})
		})
	}
}

func TestRealFFTIsHalfTheTransformOfRealNumbers(t *testing.T) {
	r := seeded(t)
	for _, n := range fftLengths() {
		c := randomFFT(r, n)
		for _, line := range c.lines {
			for k, v := range line {
				line[k] = complex(real(v), 0)
			}
		}
		t.Run(fmt.Sprintf("%dx%dx%d", c.Outer, c.N, c.Inner), func(t *testing.T) {
			in := make([]float32, c.Outer*n*c.Inner)
			for i, v := range c.array(n) {
				in[i] = real(v)
			}
			half := n/2 + 1
			out, scratch := make([]complex64, c.Outer*half*c.Inner), make([]float32, c.ScratchSize())
			c.ForwardReal(out, in, 0, c.Units(), scratch)
			c.check(t, out, half, func(x []complex128) []complex128 { return dft(x, -1) })
		})
	}
}

func TestInverseRealFFTTakesTheOtherHalfAsConjugate(t *testing.T) {
	r := seeded(t)
	for _, n := range fftLengths() {
		c := randomFFT(r, n)
		t.Run(fmt.Sprintf("%dx%dx%d", c.Outer, c.N, c.Inner), func(t *testing.T) {
			out, scratch := make([]float32, c.Outer*n*c.Inner), make([]float32, c.ScratchSize())
			c.InverseReal(out, c.array(n/2+1), 0, c.Units(), scratch)
			got := make([]complex64, len(out))
			for i, v := range out {
				got[i] = complex(v, 0)
			}
			c.check(t, got, n, func(x []complex128) []complex128 {
				whole := make([]complex128, n)
				for k := range n/2 + 1 {
					whole[(n-k)%n], whole[k] = cmplx.Conj(x[k]), x[k]
				}
				whole[0] = complex(real(whole[0]), 0)
				whole[n/2] = complex(real(whole[n/2]), imag(whole[n/2])*float64(n%2))
				if n == 1 {
					whole[0] = complex(real(x[0]), 0)
				}
				y := dft(whole, 1)
				for k := range y {
					y[k] /= complex(float64(n), 0)
				}
				return y
			})
		})
	}
}

func TestFFTLinesDoNotAffectEachOther(t *testing.T) {
	r := seeded(t)
	c := randomFFT(r, 14)
	in := c.array(14)
	in[0] = complex(float32(math.NaN()), 0)
	out := make([]complex64, len(in))
	c.Forward(out, in, 0, c.Units(), make([]float32, c.ScratchSize()))
	for i, v := range out {
		first := i < 14*c.Inner && i%c.Inner == 0
		if cmplx.IsNaN(complex128(v)) != first {
			t.Fatalf("number %d is %v after a NaN in the first line", i, v)
		}
	}
}

func BenchmarkFFT(b *testing.B) {
	for _, n := range []int{14, 56, 97, 256} {
		b.Run(fmt.Sprintf("N%d", n), func(b *testing.B) {
			r := seeded(b)
			f := FFT{Outer: 1, N: n, Inner: 256}
			in, out := make([]complex64, n*256), make([]complex64, n*256)
			for i := range in {
				in[i] = complex(float32(r.NormFloat64()), float32(r.NormFloat64()))
			}
			scratch := make([]float32, f.ScratchSize())
			for b.Loop() {
				f.Forward(out, in, 0, f.Units(), scratch)
			}
		})
	}
}
