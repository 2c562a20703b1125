package simd

import (
	"maps"
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// recognizeSpectral recognises the operator in the form of Fast-ParC, irfft(rfft(x)·conj(rfft(w))), at its inverse
// transform: along any axis, with the axes in any order, the product written with complex numbers or with their parts.
// The gradient of the kernel is such a product too, of two tensors, summed over all but the axis and the channels.
func recognizeSpectral(b *rewriter, n *node) []*value {
	a, c, asked, ok := spectralProduct(n)
	if !ok {
		return nil
	}
	out := n.outputs[0]
	length := out.shape.Dimensions[out.shape.Rank()-1]
	x, w := b.signalOf(a, length), b.signalOf(c, length)
	if y := b.spectralConvolution(out, x, w, asked); y != nil {
		return []*value{y}
	}
	if dw := b.spectralGradient(out, x, w, asked); dw != nil {
		return []*value{dw}
	}
	return nil
}

// spectralProduct returns two spectra where an inverse transform n is irfft(x·conj(w)), maybe summed over some axes, all
// of one length along n's last axis; and whether it is asked to be computed so.
func spectralProduct(n *node) (x, w factor, asked algorithm, ok bool) {
	out := n.outputs[0]
	rank := out.shape.Rank()
	length := out.shape.Dimensions[rank-1]
	if rank > 4 || length < 2 || out.shape.Size() == 0 || out.shape.DType != dtypes.Float32 {
		return x, w, asked, false
	}
	s := &spectra{kind: compute.FFTForwardReal, steps: maxExpansion}
	sum, ok := s.expand(n.inputs[0], sequence(rank), rank)
	if !ok {
		return x, w, asked, false
	}
	if s.marked {
		asked = throughFrequencies
	}
	x, w, ok = sum.conjugateProduct()
	return x, w, asked, ok && x.isAlong(rank-1, length) && w.isAlong(rank-1, length)
}

// maxExpansion is the number of nodes after which a product of spectra is given up. Parts taken one by one are met often.
const maxExpansion = 96

// conjugateProduct returns a and b where the sum is a·conj(b).
func (x complexSum) conjugateProduct() (a, b factor, ok bool) {
	if len(x.re) != 2 || len(x.im) != 2 {
		return a, b, false
	}
	for product := range x.re {
		a, b = product[0].part(false), product[1].part(false)
	}
	if b.spectrum == nil {
		return a, b, false
	}
	for range 2 {
		want := complexSum{
			polynomial{inOrder(a, b): 1, inOrder(a.part(true), b.part(true)): 1},
			polynomial{inOrder(a.part(true), b): 1, inOrder(a, b.part(true)): -1},
		}
		if maps.Equal(x.re, want.re) && maps.Equal(x.im, want.im) {
			return a, b, true
		}
		a, b = b, a
	}
	return a, b, false
}

// isAlong says whether a spectrum is a transform of the given length along the axis with a label.
func (f factor) isAlong(label, length int) bool {
	transformed := f.spectrum.node.attributes.(fftOf)
	return f.labels[f.spectrum.shape.Rank()-1] == label && transformed.length[0] == length
}

// signal is a tensor with a label an axis.
type signal struct {
	value  *value
	labels []int
	length int // along the axis that is transformed
}

// signalOf returns what a spectrum is the transform of, before it was transposed, with at least four axes.
func (b *rewriter) signalOf(f factor, length int) signal {
	v, labels := f.spectrum.node.inputs[0], slices.Clone(f.axisLabels())
	for {
		a, ok := v.node.attributes.(transposeOf)
		if !ok {
			break
		}
		before := make([]int, len(labels))
		for i, axis := range a.permutation {
			before[axis] = labels[i]
		}
		v, labels = v.node.inputs[0], before
	}
	s := signal{v, labels, length}
	if missing := 4 - len(labels); missing > 0 {
		s.labels = append(slices.Repeat([]int{unlabelled}, missing), labels...)
		s.value = b.view(v, append(slices.Repeat([]int{1}, missing), v.shape.Dimensions...)...)
	}
	return s
}

// inOrder returns the signal with its axes in the order of the labels; axes without come in the order in which they are.
func (b *rewriter) inOrder(s signal, labels []int) signal {
	return signal{b.transpose(s.value, ordering(s.labels, labels)...), labels, s.length}
}

// ordering returns the permutation that brings labels into another order.
func ordering(from, to []int) []int {
	permutation, taken := make([]int, len(to)), make([]bool, len(from))
	for i, label := range to {
		for at, have := range from {
			if have == label && !taken[at] {
				permutation[i], taken[at] = at, true
				break
			}
		}
	}
	return permutation
}

// has says whether a label is among the signal's.
func (s signal) has(label int) bool { return slices.Contains(s.labels, label) }

// named returns the labels that are not missing, in order.
func named(labels []int) []int {
	sorted := slices.DeleteFunc(slices.Clone(labels), func(label int) bool { return label == unlabelled })
	slices.Sort(sorted)
	return sorted
}

// image returns the signal as [B, H, W, C], the channels having a given label, and the axis of those with another.
func (b *rewriter) image(s signal, channels, along int) (signal, kernel.Axis, bool) {
	if len(s.labels) != 4 || !s.has(channels) {
		return s, 0, false
	}
	if s.labels[3] == channels && s.labels[0] != along {
		return s, kernel.Axis(slices.Index(s.labels, along) - 1), true
	}
	others := slices.Clone(s.labels)
	for _, label := range []int{channels, along} {
		at := slices.Index(others, label)
		others = slices.Delete(others, at, at+1)
	}
	return b.inOrder(s, []int{others[0], along, others[1], channels}), kernel.Height, true
}

// outputLabels are those of a result of up to four axes, as one of four; axes of one element have none.
func outputLabels(out *value) []int {
	rank := out.shape.Rank()
	return append(slices.Repeat([]int{unlabelled}, 4-rank), broadcastLabels(out, sequence(rank))...)
}

// spectralConvolution adds the convolution of x with a kernel w that varies along the axis and over channels alone, laid
// out as out is, or returns nil.
func (b *rewriter) spectralConvolution(out *value, x, w signal, asked algorithm) *value {
	along, labels := out.shape.Rank()-1, outputLabels(out)
	if !slices.Equal(named(labels), named(x.labels)) {
		return nil
	}
	channels, ok := otherLabel(w, along)
	if !ok {
		return nil
	}
	x, axis, ok := b.image(x, channels, along)
	if !ok {
		return nil
	}
	y := b.circular(axis, asked, x.value, b.kernelOf(w, channels, along), circularTerms{})
	return b.laidOut(y, x.labels, out)
}

// laidOut returns y [B, H, W, C], whose axes have the given labels, laid out as a result out of maybe fewer axes.
func (b *rewriter) laidOut(y *value, labels []int, out *value) *value {
	from, dims := slices.Clone(labels), slices.Clone(y.shape.Dimensions)
	for len(from) > out.shape.Rank() {
		one := slices.Index(from, unlabelled)
		from, dims = slices.Delete(from, one, one+1), slices.Delete(dims, one, one+1)
	}
	return b.transpose(b.reshape(y, dims...), ordering(from, broadcastLabels(out, sequence(len(from))))...)
}

// otherLabel returns the label that a signal has beside that of its transformed axis, unlabelled if there is none, or
// false if there are several.
func otherLabel(s signal, along int) (int, bool) {
	labels := named(s.labels)
	switch {
	case len(labels) == 1:
		return unlabelled, true
	case len(labels) == 2 && labels[0] == along:
		return labels[1], true
	case len(labels) == 2:
		return labels[0], true
	}
	return 0, false
}

// kernelOf returns w as a tensor of the elements of [N, C].
func (b *rewriter) kernelOf(w signal, channels, along int) *value {
	if channels == unlabelled || slices.Index(w.labels, along) < slices.Index(w.labels, channels) {
		return w.value
	}
	order := slices.DeleteFunc(slices.Clone(w.labels), func(label int) bool { return label == along })
	return b.inOrder(w, append([]int{along}, order...)).value
}

// spectralGradient adds the gradient of a kernel, the sum of products of x and v over all but the axis and the channels,
// laid out as out is, or returns nil.
func (b *rewriter) spectralGradient(out *value, x, v signal, asked algorithm) *value {
	along, labels := out.shape.Rank()-1, outputLabels(out)
	channels, ok := otherLabel(signal{labels: labels}, along)
	if !ok || !slices.Equal(named(x.labels), named(v.labels)) || len(x.labels) != len(v.labels) {
		return nil
	}
	x, axis, ok := b.image(x, channels, along)
	if !ok {
		return nil
	}
	v = b.inOrder(v, x.labels)
	d := x.value.shape.Dimensions
	dw := b.kernelNode(circularGradientOf{axis, asked}, []int{x.length, d[3]}, v.value, x.value)
	labels = labels[4-max(out.shape.Rank(), 2):]
	ones := len(labels) - 2
	from := append(slices.Repeat([]int{unlabelled}, ones), along, channels)
	dw = b.reshape(dw, append(slices.Repeat([]int{1}, ones), x.length, d[3])...)
	return b.reshape(b.transpose(dw, ordering(from, labels)...), out.shape.Dimensions...)
}
