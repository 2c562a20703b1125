package parc

import (
	"github.com/fastparc/fastparc/internal/gradient"
	"github.com/gomlx/gomlx/core/graph"
)

// circular is circular convolution along one axis, and its gradient, in one form. Its two operations, convolve and
// correlate, are each the other's gradient by the kernel, so that gradients of any order stay in the form.
type circular struct {
	axis Axis
	form Form
	// asked says that the form is to be computed as it is written. The mark of it is an optimization barrier behind the
	// concatenation or the Fourier transforms; backends without a choice of their own take no notice.
	asked bool
}

// convolve returns bias + Σ_k w[k]·(x[i+k] + e[i+k]), indices modulo N, for x [B, H, W, C] and w [N, C] or [N, C, Cout].
// The embedding e [N, C] and the bias may be nil. Their gradients come from s, the gradient of the output summed over all
// but the axis and the channels, which is small.
func (c circular) convolve(x, w, e, bias *graph.Node) *graph.Node {
	z, wrt := x, []*graph.Node{x, w}
	if e != nil {
		z, wrt = graph.Add(x, c.axis.line(e)), append(wrt, e)
	}
	var y *graph.Node
	if c.form == Spatial {
		y = c.convolveSpatial(z, w)
	} else {
		y = c.convolveSpectral(z, w)
	}
	if bias != nil {
		y, wrt = graph.Add(y, graph.Reshape(bias, 1, 1, 1, y.Shape().Dim(-1))), append(wrt, bias)
	}
	return gradient.Custom(y, wrt, func(v *graph.Node) []*graph.Node {
		back, dense := adjoint(w), w.Rank() == 3
		dx, dw := c.convolve(v, back, nil, nil), c.correlate(v, x, dense)
		if e == nil && bias == nil {
			return []*graph.Node{dx, dw}
		}
		s := graph.ReduceSum(v, 0, c.axis.other().dimension())
		if e == nil {
			return []*graph.Node{dx, dw, graph.ReduceSum(s, 0)}
		}
		de := graph.Reshape(c.convolve(c.axis.line(s), back, nil, nil), e.Shape().Dimensions...)
		dw = graph.Add(dw, c.correlate(c.axis.line(s), c.axis.line(e), dense))
		if bias == nil {
			return []*graph.Node{dx, dw, de}
		}
		return []*graph.Node{dx, dw, de, graph.ReduceSum(s, 0)}
	})
}

// correlate returns the gradient by the kernel, Σ v[i]·z[i+k] over all but k and the channels, for v of the output's
// shape and z of the input's: [N, C], or of every output with every input channel [N, C, Cout].
func (c circular) correlate(v, z *graph.Node, dense bool) *graph.Node {
	var w *graph.Node
	if c.form == Spatial {
		w = c.correlateSpatial(v, z, dense)
	} else {
		w = c.correlateSpectral(v, z, dense)
	}
	return gradient.Custom(w, []*graph.Node{v, z}, func(u *graph.Node) []*graph.Node {
		return []*graph.Node{c.convolve(z, u, nil, nil), c.convolve(v, adjoint(u), nil, nil)}
	})
}

// mark puts the barrier behind x that asks for the form, where it is asked for.
func (c circular) mark(x *graph.Node) *graph.Node {
	if c.asked {
		return graph.OptimizationBarrier(x)
	}
	return x
}

// adjoint returns the kernel that carries gradients back: w[(-k) mod N], with input and output channels exchanged. It is
// a permutation and its own inverse, so it carries its own gradient too; GoMLX has none for Reverse.
func adjoint(w *graph.Node) *graph.Node {
	reversed := w
	if n := w.Shape().Dim(0); n > 1 {
		first := graph.SliceAxis(w, 0, graph.AxisElem(0))
		rest := graph.SliceAxis(w, 0, graph.AxisRange(1, n))
		reversed = graph.Concatenate([]*graph.Node{first, graph.Reverse(rest, 0)}, 0)
	}
	if w.Rank() == 3 {
		reversed = graph.Transpose(reversed, 1, 2)
	}
	return gradient.Custom(reversed, []*graph.Node{w}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{adjoint(v)}
	})
}
