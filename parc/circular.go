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
}

// convolve returns Σ_k w[k]·z[i+k], indices modulo N, for z [B, H, W, C] and w [N, C] or [N, C, Cout].
func (c circular) convolve(z, w *graph.Node) *graph.Node {
	var y *graph.Node
	if c.form == Spatial {
		y = convolveSpatial(c.axis, z, w)
	} else {
		y = convolveSpectral(c.axis, z, w)
	}
	return gradient.Custom(y, []*graph.Node{z, w}, func(v *graph.Node) []*graph.Node {
		return []*graph.Node{c.convolve(v, adjoint(w)), c.correlate(v, z, w.Rank() == 3)}
	})
}

// correlate returns the gradient by the kernel, Σ v[i]·z[i+k] over all but k and the channels, for v of the output's
// shape and z of the input's: [N, C], or of every output with every input channel [N, C, Cout].
func (c circular) correlate(v, z *graph.Node, dense bool) *graph.Node {
	var w *graph.Node
	if c.form == Spatial {
		w = correlateSpatial(c.axis, v, z, dense)
	} else {
		w = correlateSpectral(c.axis, v, z, dense)
	}
	return gradient.Custom(w, []*graph.Node{v, z}, func(u *graph.Node) []*graph.Node {
		return []*graph.Node{c.convolve(z, u), c.convolve(v, adjoint(u))}
	})
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
