package parc

// The two-dimensional operator that the paper's decomposition along two axes is measured against.

import (
	"fmt"

	"github.com/fastparc/fastparc/internal/gradient"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// GlobalConvolve applies a two-dimensional global circular convolution to x of shape [B, H, W, C]: every output sees the
// whole map,
//
//	y[b,i,j,c] = bias[c] + Σ_u,v w[u,v,c] · (x + pe)[b, (i+u) mod H, (j+v) mod W, c]
//
// The kernel is depth-wise of shape [KH, KW, C]; it and the embedding, of a shape of that kind too, are fitted to each
// axis as the options say, whose axis has no meaning here. Embedding and bias [C] may be nil; all have x's type. Spatial
// is an ordinary depth-wise convolution of x continued periodically, FFT a product of two-dimensional spectra. Auto takes
// FFT, but of float32 on the engine "simd", which makes one operation of either form, the faster one. It panics with an
// error where the arguments do not fit each other.
func GlobalConvolve(x, kernel, embedding, bias *graph.Node, options Options) *graph.Node {
	mustBeOneOf("fit", int(options.Fit), fitNames)
	mustBeOneOf("form", int(options.Form), formNames)
	mustBeImages(x)
	mustBeGlobal("kernel", kernel, x)
	g := global{form: options.Form, asked: options.Form != Auto}
	if !g.asked {
		g.form = FFT
		if onEngine(x.Graph()) && x.DType() == dtypes.Float32 {
			g.form = Spatial
		}
	}
	if embedding != nil {
		mustBeGlobal("position embedding", embedding, x)
		x = graph.Add(x, graph.ExpandAxes(options.Fit.toMap(x, embedding), 0))
	}
	y := g.convolve(x, options.Fit.toMap(x, kernel))
	if bias != nil {
		mustBeBias(bias, x, x.Shape().Dim(-1))
		y = graph.Add(y, graph.Reshape(bias, 1, 1, 1, x.Shape().Dim(-1)))
	}
	return y
}

// mustBeGlobal panics where t is not of shape [KH, KW, C] with x's channels and type and every size at least 1.
func mustBeGlobal(argument string, t, x *graph.Node) {
	if t.Rank() != 3 {
		panic(fmt.Errorf("parc: %s of shape %s: want [KH, KW, C]", argument, t.Shape()))
	}
	rows := graph.Reshape(t, t.Shape().Dim(0)*t.Shape().Dim(1), t.Shape().Dim(2))
	mustFit(argument, rows, x)
}

// toMap fits t [KH, KW, C] to the height and width of x.
func (f Fit) toMap(x, t *graph.Node) *graph.Node {
	rows := f.to(x.Shape().Dim(1), t)
	return graph.Transpose(f.to(x.Shape().Dim(2), graph.Transpose(rows, 0, 1)), 0, 1)
}

// global is the two-dimensional convolution, and its gradient, in one form. As in circular, each of its two operations is
// the other's gradient by the kernel, and the mark says that the spatial form is to be computed as it is written.
type global struct {
	form  Form
	asked bool
}

// convolve returns Σ_u,v w[u,v]·z[i+u,j+v], indices modulo H and W, for z [B, H, W, C] and w [H, W, C].
func (g global) convolve(z, w *graph.Node) *graph.Node {
	dims := w.Shape().Dimensions
	if dims[0] == 1 || dims[1] == 1 { // a map of one line
		line := circular{axis: Height, form: g.form, asked: g.asked}
		if dims[0] == 1 {
			line.axis = Width
		}
		return line.convolve(z, graph.Reshape(w, dims[0]*dims[1], dims[2]), nil, nil)
	}
	var y *graph.Node
	if g.form == Spatial {
		y = graph.Convolve(g.unroll(z), graph.Reshape(w, dims[0], dims[1], 1, dims[2])).ChannelGroupCount(dims[2]).NoPadding().Done()
	} else {
		t := newMapTransform(z)
		y = t.inverse(timesConjugate(t.forward(z), t.forward(graph.ExpandAxes(w, 0)), mul))
	}
	return gradient.Custom(y, []*graph.Node{z, w}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{g.convolve(v, adjointMap(w)), g.correlate(v, z)}
	})
}

// correlate returns the gradient by the kernel, Σ v[i,j]·z[i+u,j+v] over images and places.
func (g global) correlate(v, z *graph.Node) *graph.Node {
	var w *graph.Node
	if g.form == Spatial && onEngine(z.Graph()) && z.DType() == dtypes.Float32 {
		w = graph.Convolve(g.unroll(z), v).NoPadding().AxesConfig(kernelGradientAxes).BatchGroupCount(z.Shape().Dim(-1)).Done()
		w = graph.Reshape(w, z.Shape().Dimensions[1:]...)
	} else {
		t := newMapTransform(z)
		sum := func(z, v *graph.Node) *graph.Node { return graph.ReduceAndKeep(graph.Mul(z, v), graph.ReduceSum, 0) }
		w = graph.Squeeze(t.inverse(timesConjugate(t.forward(z), t.forward(v), sum)), 0)
	}
	return gradient.Custom(w, []*graph.Node{v, z}, func(u *graph.Node) []*graph.Node {
		return []*graph.Node{g.convolve(z, u), g.convolve(v, adjointMap(u))}
	})
}

// unroll returns z followed by its beginning along both axes.
func (g global) unroll(z *graph.Node) *graph.Node {
	return circular{asked: g.asked}.mark(unroll(Width, unroll(Height, z)))
}

// adjointMap returns w [H, W, C] turned round about index 0 of both axes.
func adjointMap(w *graph.Node) *graph.Node {
	return graph.Transpose(adjointRows(graph.Transpose(adjointRows(w), 0, 1)), 0, 1)
}

// adjointRows turns w round about index 0 of its first axis.
func adjointRows(w *graph.Node) *graph.Node {
	dims := w.Shape().Dimensions
	return graph.Reshape(adjoint(graph.Reshape(w, dims[0], dims[1]*dims[2])), dims...)
}

func mul(a, b *graph.Node) *graph.Node { return graph.Mul(a, b) }

// mapTransform is the two-dimensional real Fourier transform over the maps of [B, H, W, C]. Its spectra are laid out
// [B, C, W/2+1, H].
type mapTransform struct{ rows, columns transform }

func newMapTransform(x *graph.Node) mapTransform {
	along := func(axis Axis) transform {
		return transform{graph: x.Graph(), n: x.Shape().Dim(axis.dimension()), dtype: x.DType()}
	}
	return mapTransform{along(Width), along(Height)}
}

func (t mapTransform) forward(x *graph.Node) spectrum {
	s := t.rows.forward("bicn", "binc", x)
	return t.columns.complex(spectrum{permute("bicf", "bcfi", s.re), permute("bicf", "bcfi", s.im)}, false)
}

func (t mapTransform) inverse(s spectrum) *graph.Node {
	s = t.columns.complex(s, true)
	return t.rows.inverse("bicn", "binc", spectrum{permute("bcfi", "bicf", s.re), permute("bcfi", "bicf", s.im)})
}

// complex is the complex transform along the last axis, or its inverse.
func (t transform) complex(s spectrum, inverse bool) spectrum {
	if t.native() {
		z := graph.Complex(s.re, s.im)
		if inverse {
			z = graph.InverseFFT(z)
		} else {
			z = graph.FFT(z)
		}
		return spectrum{graph.Real(z), graph.Imag(z)}
	}
	scale, sign := 1.0, 1.0
	if inverse {
		scale, sign = 1/float64(t.n), -1
	}
	cosines, sines := t.turns(t.n, func(int) float64 { return scale })
	sines = graph.MulScalar(sines, sign)
	return spectrum{
		re: graph.Add(multiplyLast(s.re, cosines, 1), multiplyLast(s.im, sines, 1)),
		im: graph.Sub(multiplyLast(s.im, cosines, 1), multiplyLast(s.re, sines, 1)),
	}
}
