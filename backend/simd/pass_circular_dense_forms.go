package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// recognizeCircularDense makes one node of a dense circular convolution in any of its forms, and of its kernel's
// gradient.
func recognizeCircularDense(b *rewriter, n *node) []*value {
	if a, ok := n.attributes.(convolutionOf); ok && isPlain(n, a) {
		return recognizeSpatialDense(b, n)
	}
	if a, ok := n.attributes.(fftOf); ok && a.kind == compute.FFTInverseReal && len(a.length) == 1 {
		return recognizeSpectralDense(b, n)
	}
	return nil
}

// recognizeSpatialDense recognises the operator as the paper writes it (Algorithm 1): x followed by its first N−1 rows,
// then a convolution over all channels along that axis with a kernel of length N and no padding. The gradient of its
// kernel has the same input; it stays as it is where it is faster directly.
func recognizeSpatialDense(b *rewriter, n *node) []*value {
	if g, a, ok := forwardGeometry(n); ok && g.groups == 1 && a.axes.KernelInputChannels == 2 {
		x, axis, asked := b.unrolled(n.inputs[0], []int{1, 2}, [2]int{g.kh, g.kw})
		if x == nil {
			return nil
		}
		return []*value{b.circularDense(axis, asked, x, b.reshape(n.inputs[1], g.kh*g.kw, g.cin, g.cout))}
	}
	if g, a, ok := kernelGradientGeometry(n); ok && g.groups == 1 && a.axes.OutputBatch == 2 && a.axes.OutputChannels == 3 && slices.Equal(a.axes.OutputSpatial, []int{0, 1}) {
		x, axis, asked := b.unrolled(n.inputs[0], []int{1, 2}, [2]int{g.kh, g.kw})
		if x == nil || !fasterDenseForm(denseShape(x, g.cout, axis), asked) {
			return nil
		}
		return []*value{b.reshape(b.circularDenseGradient(axis, x, n.inputs[1]), n.outputs[0].shape.Dimensions...)}
	}
	return nil
}

// recognizeSpectralDense recognises the operator in the form of Fast-ParC at its inverse transform: for each frequency a
// product of rfft(x) with conj(rfft(w)), summed over the input channels. The gradient of the kernel is such a product
// too, of two tensors, summed over all but the axis and both channels.
func recognizeSpectralDense(b *rewriter, n *node) []*value {
	x, w, asked, ok := spectralProduct(n)
	if !ok {
		return nil
	}
	out := n.outputs[0]
	along := out.shape.Rank() - 1
	length := out.shape.Dimensions[along]
	signals := denseSignals{x: b.signalOf(x, length), w: b.signalOf(w, length), out: outputLabels(out), along: along}
	y := b.spectralDense(signals, asked)
	if y == nil {
		y = b.spectralDenseGradient(signals)
	}
	if y == nil {
		return nil
	}
	return []*value{b.reshape(y, out.shape.Dimensions...)}
}

// denseSignals are the two signals of a product of spectra, and the labels of its result.
type denseSignals struct {
	x, w  signal
	out   []int
	along int
}

// only returns the label other than the axis's that the first has and the second has not, if there is one.
func (s *denseSignals) only(first, second []int) (int, bool) {
	found := unlabelled
	for _, label := range named(first) {
		if label == s.along || slices.Contains(second, label) {
			continue
		}
		if found != unlabelled {
			return 0, false
		}
		found = label
	}
	return found, found != unlabelled
}

// spectralDense adds the convolution of x with a kernel w that varies along the axis and over both channels alone, laid
// out as the result is, or returns nil.
func (b *rewriter) spectralDense(s denseSignals, asked algorithm) *value {
	channels, ok := s.only(s.x.labels, s.out)
	if !ok || !s.w.has(channels) || len(s.w.labels) != 4 {
		return nil
	}
	outputs, ok := s.only(s.out, s.x.labels)
	want := []int{channels, outputs, s.along}
	slices.Sort(want)
	if !ok || !slices.Equal(named(s.w.labels), want) {
		return nil
	}
	x, axis, ok := b.image(s.x, channels, s.along)
	labels := exchanged(x.labels, channels, outputs)
	if !ok || !slices.Equal(named(labels), named(s.out)) {
		return nil
	}
	w := b.inOrder(s.w, []int{unlabelled, s.along, channels, outputs}).value
	y := b.circularDense(axis, asked, x.value, b.reshape(w, w.shape.Dimensions[1:]...))
	return b.transpose(y, ordering(labels, s.out)...)
}

// spectralDenseGradient adds the gradient of a kernel, the sum of products of x and v over all but the axis and both
// channels, laid out as the result is, or returns nil.
func (b *rewriter) spectralDenseGradient(s denseSignals) *value {
	channels, ok := s.only(s.x.labels, s.w.labels)
	outputs, found := s.only(s.w.labels, s.x.labels)
	want := []int{channels, outputs, s.along}
	slices.Sort(want)
	if !ok || !found || !slices.Equal(named(s.out), want) || len(s.w.labels) != len(s.x.labels) {
		return nil
	}
	x, axis, ok := b.image(s.x, channels, s.along)
	if !ok {
		return nil
	}
	v := b.inOrder(s.w, exchanged(x.labels, channels, outputs))
	dw := b.circularDenseGradient(axis, x.value, v.value)
	order := slices.DeleteFunc(slices.Clone(s.out), func(label int) bool { return label == unlabelled })
	return b.transpose(dw, ordering([]int{s.along, channels, outputs}, order)...)
}

// exchanged returns labels with one in another's place.
func exchanged(labels []int, old, replacement int) []int {
	result := slices.Clone(labels)
	result[slices.Index(result, old)] = replacement
	return result
}

// circularDenseGradient adds the gradient [N, CIn, COut] of a dense circular kernel.
func (b *rewriter) circularDenseGradient(axis kernel.Axis, x, v *value) *value {
	d := x.shape.Dimensions
	outputs := v.shape.Dimensions[3]
	shape := kernel.CircularDenseDFT{CircularDense: denseShape(x, outputs, axis)}
	return b.kernelNode(circularDenseGradientOf{shape}, []int{d[alongAxis(axis)], d[3], outputs}, x, v)
}
