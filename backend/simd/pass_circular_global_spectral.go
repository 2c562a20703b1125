package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// recognizeGlobalSpectral recognises the operator as a product of two-dimensional spectra, irfft2(rfft2(x)·conj(rfft2(w))),
// at its last inverse transform: along any two axes, with the axes in any order, the product written with complex numbers
// or with their parts. The gradient of the kernel is such a product too, of two tensors, summed over all but the two axes
// and the channels.
func recognizeGlobalSpectral(b *rewriter, n *node) []*value {
	p, ok := mapProductOf(n)
	if !ok {
		return nil
	}
	out := n.outputs[0]
	x, w, labels := b.signalOf(p.x, p.width), b.signalOf(p.w, p.width), outputLabels(out)
	if image, ok := p.image(x.labels, w.labels); ok && slices.Equal(named(labels), named(x.labels)) && len(w.labels) == 4 {
		w = b.inOrder(w, append([]int{unlabelled}, image[1:]...))
		return []*value{b.laidOut(b.global(b.inOrder(x, image).value, w.value, globalTerms{}), image, out)}
	}
	if image, ok := p.image(x.labels, labels); ok && slices.Equal(named(w.labels), named(x.labels)) && len(w.labels) == 4 {
		dw := b.globalGradient(b.inOrder(w, image).value, b.inOrder(x, image).value)
		dw = b.reshape(dw, append([]int{1}, dw.shape.Dimensions...)...)
		return []*value{b.laidOut(dw, append([]int{unlabelled}, image[1:]...), out)}
	}
	return nil
}

// mapProduct is irfft2(x·conj(w)), maybe summed over some axes. Its last axis has the label along, the other one that is
// transformed the label down; x and w are the spectra along the first of these, whose length is width.
type mapProduct struct {
	x, w        factor
	down, along int
	width       int
}

// mapProductOf returns the product that an inverse transform n ends.
func mapProductOf(n *node) (p mapProduct, ok bool) {
	out := n.outputs[0]
	rank := out.shape.Rank()
	p.along, p.width = rank-1, out.shape.Dimensions[rank-1]
	if rank > 4 || p.width < 2 || out.shape.Size() == 0 || out.shape.DType != dtypes.Float32 {
		return p, false
	}
	back, ok := onlySpectrum(n.inputs[0], sequence(rank), compute.FFTInverse)
	if !ok {
		return p, false
	}
	last := back.spectrum.shape.Rank() - 1
	p.down = back.labels[last]
	if p.down == unlabelled || p.down == p.along {
		return p, false
	}
	s := &spectra{kind: compute.FFTForward, steps: maxExpansion}
	sum, ok := s.expand(back.spectrum.node.inputs[0], back.axisLabels(), rank)
	if !ok {
		return p, false
	}
	x, w, ok := sum.conjugateProduct()
	height := back.spectrum.shape.Dimensions[last]
	if !ok || !x.isAlong(p.down, height) || !w.isAlong(p.down, height) {
		return p, false
	}
	for _, side := range []struct {
		from factor
		to   *factor
	}{{x, &p.x}, {w, &p.w}} {
		*side.to, ok = onlySpectrum(side.from.spectrum.node.inputs[0], side.from.axisLabels(), compute.FFTForwardReal)
		if !ok || !side.to.isAlong(p.along, p.width) || !slices.Contains(side.to.axisLabels(), p.down) {
			return p, false
		}
	}
	return p, true
}

// onlySpectrum returns the spectrum that a value, whose axes have the given labels, is and nothing else: a transform of a
// kind, taken apart and put together again, its axes in any order.
func onlySpectrum(v *value, labels []int, kind compute.FFTType) (factor, bool) {
	s := &spectra{kind: kind, steps: maxExpansion}
	free := slices.Max(labels) + 1
	sum, ok := s.expand(v, labels, free)
	if !ok || len(s.known) != 1 || len(sum.re) != 1 || len(sum.im) != 1 {
		return factor{}, false
	}
	for product := range sum.re {
		f := product[0]
		whole := sum.re[pair{f}] == 1 && sum.im[pair{f.part(true)}] == 1 && !f.imaginary
		return f, whole && slices.Max(f.labels[:]) < free
	}
	return factor{}, false
}

// image returns the labels of x in an order of [B, H, W, C], of which the channels are the axis that a kernel with the
// given labels has besides those that are transformed.
func (p *mapProduct) image(x, kernel []int) (labels []int, ok bool) {
	channels := unlabelled
	for _, label := range named(kernel) {
		switch {
		case label == p.down || label == p.along:
		case channels != unlabelled:
			return nil, false
		default:
			channels = label
		}
	}
	first, second := p.down, p.along
	if slices.Index(x, second) < slices.Index(x, first) {
		first, second = second, first
	}
	others := slices.Clone(x)
	for _, label := range []int{first, second, channels} {
		at := slices.Index(others, label)
		if at < 0 {
			return nil, false
		}
		others = slices.Delete(others, at, at+1)
	}
	if len(others) != 1 {
		return nil, false
	}
	return []int{others[0], first, second, channels}, true
}
