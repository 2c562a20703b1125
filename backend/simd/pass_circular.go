package simd

import (
	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// The operator goes through three passes. However it was written, recognizeCircular makes one node of it and one of its
// kernel's gradient (pass_circular_spatial.go, pass_circular_spectral.go); foldCircularTerms takes in what stands before
// and after it (pass_circular_terms.go); lowerCirculars chooses how it is computed, and where halves of the channels
// stand side by side makes one step of them (pass_circular_halves.go).

// circularOf is a depth-wise circular convolution along one axis. Inputs: x [B, H, W, C], the kernel [N, C] and the
// terms that there are, in the order of circularTermsOf.
type circularOf struct {
	axis  kernel.Axis
	asked algorithm
	terms circularTermsOf
}

// circularTermsOf says what a circular convolution adds; see kernel.CircularTerms.
type circularTermsOf struct{ bias, embedding, table bool }

// circularGradientOf is the gradient [N, C] of a circular convolution's kernel. Inputs: v, x and, where there is one, the
// embedding [N, C].
type circularGradientOf struct {
	axis  kernel.Axis
	asked algorithm
}

// recognizeCircular makes one node of a circular convolution in any of its forms, and of its kernel's gradient.
func recognizeCircular(b *rewriter, n *node) []*value {
	if _, ok := n.attributes.(convolutionOf); ok {
		return recognizeSpatial(b, n)
	}
	if a, ok := n.attributes.(fftOf); ok && a.kind == compute.FFTInverseReal && len(a.length) == 1 {
		return recognizeSpectral(b, n)
	}
	return nil
}

// circularTerms are the values of the terms; those that are nil are not there.
type circularTerms struct{ bias, embedding, table *value }

// operands returns the terms among the inputs of a circular convolution.
func (a circularTermsOf) operands(inputs []*value) circularTerms {
	var t circularTerms
	rest := inputs[2:]
	for _, part := range []struct {
		present bool
		to      **value
	}{{a.bias, &t.bias}, {a.embedding, &t.embedding}, {a.table, &t.table}} {
		if part.present {
			*part.to, rest = rest[0], rest[1:]
		}
	}
	return t
}

// circular adds a circular convolution of x [B, H, W, C] with the kernel w, in any shape of [N, C], and terms.
func (b *rewriter) circular(axis kernel.Axis, asked algorithm, x, w *value, t circularTerms) *value {
	d := x.shape.Dimensions
	a := circularOf{axis, asked, circularTermsOf{t.bias != nil, t.embedding != nil, t.table != nil}}
	inputs := []*value{x, b.view(w, d[alongAxis(axis)], d[3])}
	for _, term := range []*value{t.bias, t.embedding, t.table} {
		if term != nil {
			inputs = append(inputs, term)
		}
	}
	return b.kernelNode(a, d, inputs...)
}

// alongAxis returns the position of the axis in [B, H, W, C].
func alongAxis(axis kernel.Axis) int { return 1 + int(axis) }

// view adds a view of v with other dimensions, past the views that v is.
func (b *rewriter) view(v *value, dimensions ...int) *value {
	for v.node.op == compute.OpTypeReshape {
		v = v.node.inputs[0]
	}
	return b.reshape(v, dimensions...)
}
