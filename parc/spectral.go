package parc

// The FFT form: products of spectra. With a backend that has no Fourier transform, or none of the input's type, the
// transforms are products with the real matrices of the discrete Fourier transform.

import (
	"math"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// convolveSpectral is convolve as irfft(rfft(z)·conj(rfft(w))).
func (c circular) convolveSpectral(z, w *graph.Node) *graph.Node {
	t := transform{circular: c, graph: z.Graph(), n: w.Shape().Dim(0), dtype: z.DType()}
	lines := c.axis.letters("n")
	if w.Rank() == 3 {
		y := timesConjugate(t.forward("bjcn", lines, z), t.forward("con", "nco", w), func(z, w *graph.Node) *graph.Node {
			return graph.Einsum("bjcf,cof->bjof", z, w)
		})
		return t.inverse("bjcn", lines, y)
	}
	y := timesConjugate(t.forward("bjcn", lines, z), t.forward("cn", "nc", w), func(z, w *graph.Node) *graph.Node {
		return graph.Mul(z, graph.ExpandLeftToRank(w, 4))
	})
	return t.inverse("bjcn", lines, y)
}

// correlateSpectral is correlate as irfft(Σ rfft(z)·conj(rfft(v))), the sum over batch and lines.
func (c circular) correlateSpectral(v, z *graph.Node, dense bool) *graph.Node {
	t := transform{circular: c, graph: z.Graph(), n: z.Shape().Dim(c.axis.dimension()), dtype: z.DType()}
	lines := c.axis.letters("n")
	zs, vs := t.forward("bjcn", lines, z), t.forward("bjcn", lines, v)
	if dense {
		w := timesConjugate(zs, vs, func(z, v *graph.Node) *graph.Node { return graph.Einsum("bjcf,bjof->cof", z, v) })
		return t.inverse("con", "nco", w)
	}
	w := timesConjugate(zs, vs, func(z, v *graph.Node) *graph.Node { return graph.ReduceSum(graph.Mul(z, v), 0, 1) })
	return t.inverse("cn", "nc", w)
}

// spectrum holds the real and imaginary parts of the first N/2+1 frequencies, along the last axis. The others are their
// conjugates.
type spectrum struct{ re, im *graph.Node }

// timesConjugate returns a·conj(b) for the product of real parts given.
func timesConjugate(a, b spectrum, product func(a, b *graph.Node) *graph.Node) spectrum {
	return spectrum{
		re: graph.Add(product(a.re, b.re), product(a.im, b.im)),
		im: graph.Sub(product(a.im, b.re), product(a.re, b.im)),
	}
}

// transform is the real Fourier transform of length n along the axis that layouts call n.
type transform struct {
	circular
	graph *graph.Graph
	n     int
	dtype dtypes.DType
}

// forward transforms x, whose axes are the letters of layout, into a spectrum whose axes are the letters of spectral,
// which ends in n.
func (t transform) forward(spectral, layout string, x *graph.Node) spectrum {
	x = permute(layout, spectral, x)
	if t.native() {
		frequencies := t.mark(graph.RealFFT(x))
		return spectrum{graph.Real(frequencies), graph.Imag(frequencies)}
	}
	cosines, sines := t.matrices(func(int) float64 { return 1 })
	return spectrum{multiplyLast(x, cosines, 1), graph.Neg(multiplyLast(x, sines, 1))}
}

// inverse is forward's inverse.
func (t transform) inverse(spectral, layout string, s spectrum) *graph.Node {
	if t.native() {
		return permute(spectral, layout, graph.InverseRealFFT(graph.Complex(s.re, s.im), t.n))
	}
	// All frequencies but 0 and N/2 stand for their conjugates too.
	cosines, sines := t.matrices(func(f int) float64 {
		if f == 0 || 2*f == t.n {
			return 1 / float64(t.n)
		}
		return 2 / float64(t.n)
	})
	x := graph.Sub(multiplyLast(s.re, cosines, 0), multiplyLast(s.im, sines, 0))
	return permute(spectral, layout, x)
}

// native says whether the backend has Fourier transforms of the type.
func (t transform) native() bool {
	capabilities := t.graph.Backend().Capabilities()
	types := map[dtypes.DType]dtypes.DType{dtypes.Float32: dtypes.Complex64, dtypes.Float64: dtypes.Complex128}
	return capabilities.Operations[compute.OpTypeFFT] && capabilities.DTypes[types[t.dtype]]
}

// matrices returns scale(f)·cos(2π·f·i/n) and scale(f)·sin(2π·f·i/n) of shape [n/2+1, n].
func (t transform) matrices(scale func(f int) float64) (cosines, sines *graph.Node) {
	return t.turns(t.n/2+1, scale)
}

// turns returns the same for so many frequencies, of shape [frequencies, n].
func (t transform) turns(frequencies int, scale func(f int) float64) (cosines, sines *graph.Node) {
	cos, sin := make([][]float64, frequencies), make([][]float64, frequencies)
	for f := range cos {
		cos[f], sin[f] = make([]float64, t.n), make([]float64, t.n)
		for i := range t.n {
			// The angle is taken within one turn, where it is exact to rounding.
			s, c := math.Sincos(2 * math.Pi * float64(f*i%t.n) / float64(t.n))
			cos[f][i], sin[f][i] = scale(f)*c, scale(f)*s
		}
	}
	return graph.ConstAsDType(t.graph, t.dtype, cos), graph.ConstAsDType(t.graph, t.dtype, sin)
}

// multiplyLast contracts the last axis of x with the given axis of a matrix; the matrix's other axis takes its place.
func multiplyLast(x, matrix *graph.Node, axis int) *graph.Node {
	return graph.DotGeneral(x, []int{x.Rank() - 1}, nil, matrix, []int{axis}, nil)
}

// permute transposes x, whose axes are named by the letters of from, into the order of to.
func permute(from, to string, x *graph.Node) *graph.Node {
	permutation := make([]int, len(to))
	for i := range to {
		permutation[i] = strings.IndexByte(from, to[i])
	}
	return graph.TransposeAllAxes(x, permutation...)
}
