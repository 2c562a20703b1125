package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// The two-dimensional operator goes through three passes too: recognizeGlobal makes one node of it, and one of its
// kernel's gradient, where it is computed through the frequencies; foldGlobalTerms takes in what stands before and after
// it; lowerGlobals lays its kernel out. Where the sums are faster directly, or asked for so, the graph stays as it was
// written: a depth-wise convolution.

// globalOf is a depth-wise circular convolution of whole maps. Inputs: x [B, H, W, C], the kernel [H, W, C] and the terms
// that there are.
type globalOf struct{ terms globalTermsOf }

// globalTermsOf says what a global convolution adds to its outputs: bias [C] and table [H, W, C].
type globalTermsOf struct{ bias, table bool }

// globalGradientOf is the gradient [H, W, C] of a global kernel. Inputs: v and x.
type globalGradientOf struct{}

// globalTerms are the values of the terms; those that are nil are not there.
type globalTerms struct{ bias, table *value }

// operands returns the terms among the inputs of a global convolution.
func (a globalTermsOf) operands(inputs []*value) (t globalTerms) {
	rest := inputs[2:]
	if a.bias {
		t.bias, rest = rest[0], rest[1:]
	}
	if a.table {
		t.table = rest[0]
	}
	return t
}

// recognizeGlobal makes one node of a two-dimensional circular convolution in any of its forms, and of its kernel's
// gradient.
func recognizeGlobal(b *rewriter, n *node) []*value {
	if a, ok := n.attributes.(convolutionOf); ok && isPlain(n, a) {
		return recognizeGlobalSpatial(b, n)
	}
	if a, ok := n.attributes.(fftOf); ok && a.kind == compute.FFTInverseReal && len(a.length) == 1 {
		return recognizeGlobalSpectral(b, n)
	}
	return nil
}

// global adds a global convolution of x [B, H, W, C] with the kernel w, in any shape of [H, W, C], and terms.
func (b *rewriter) global(x, w *value, t globalTerms) *value {
	d := x.shape.Dimensions
	inputs := []*value{x, b.view(w, d[1:]...)}
	for _, term := range []*value{t.bias, t.table} {
		if term != nil {
			inputs = append(inputs, term)
		}
	}
	return b.kernelNode(globalOf{globalTermsOf{t.bias != nil, t.table != nil}}, d, inputs...)
}

// globalGradient adds the gradient [H, W, C] of a global kernel.
func (b *rewriter) globalGradient(v, x *value) *value {
	return b.kernelNode(globalGradientOf{}, x.shape.Dimensions[1:], v, x)
}

// recognizeGlobalSpatial recognises the operator as a map followed by its beginning along both axes, then a depth-wise
// convolution with a kernel of the map's size and no padding. The gradient of its kernel has the same input.
func recognizeGlobalSpatial(b *rewriter, n *node) []*value {
	if g, a, ok := forwardGeometry(n); ok && g.groups == g.cin && g.cout == g.cin && a.axes.KernelInputChannels == 2 {
		x, asked := unrolledMap(n.inputs[0], g.kh, g.kw)
		if x == nil || asked || !fasterGlobal(globalShape(x), b.ofWeights(n.inputs[1])) {
			return nil
		}
		return []*value{b.global(x, n.inputs[1], globalTerms{})}
	}
	if g, a, ok := kernelGradientGeometry(n); ok && g.groups == g.cin && g.cout == g.cin && a.axes.OutputBatch == 2 &&
		a.axes.OutputChannels == 3 && slices.Equal(a.axes.OutputSpatial, []int{0, 1}) {
		x, asked := unrolledMap(n.inputs[0], g.kh, g.kw)
		if x == nil || asked || !fasterGlobalGradient(globalShape(x)) {
			return nil
		}
		return []*value{b.reshape(b.globalGradient(n.inputs[1], x), n.outputs[0].shape.Dimensions...)}
	}
	return nil
}

// unrolledMap returns the tensor of maps h by w that v is, followed by its beginning along both axes in either order. A
// barrier around v says that it is to be computed so.
func unrolledMap(v *value, h, w int) (x *value, asked bool) {
	if h < 2 || w < 2 {
		return nil, false
	}
	for isBarrier(v.node) {
		v, asked = v.node.inputs[0], true
	}
	for _, axes := range [2][2]int{{1, 2}, {2, 1}} {
		size := [3]int{1: h, 2: w}
		if half := beginningOf(v, axes[0], size[axes[0]]); half != nil {
			if x = beginningOf(half, axes[1], size[axes[1]]); x != nil {
				return x, asked
			}
		}
	}
	return nil, false
}

// globalShape describes a global convolution of x.
func globalShape(x *value) kernel.CircularGlobal {
	d := x.shape.Dimensions
	return kernel.CircularGlobal{Batch: d[0], H: d[1], W: d[2], C: d[3]}
}

// fasterGlobal says whether a global convolution is computed faster through the frequencies than directly. A kernel that
// is no weight is transformed in every call, as one more image.
func fasterGlobal(c kernel.CircularGlobal, weights bool) bool {
	maps := c.Batch
	if !weights {
		maps++
	}
	return c.Taps()*maps < c.H*c.W*c.Batch
}

// fasterGlobalGradient says the same of the kernel's gradient.
func fasterGlobalGradient(c kernel.CircularGlobal) bool {
	g := kernel.CircularGlobalGradient{CircularGlobal: c}
	return g.Taps() < c.H*c.W
}
