package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// packedCircularOf is a circular kernel laid out for a form, with the terms that there are as inputs after it, or turned
// round about index 0.
type packedCircularOf struct {
	form     circularForm
	terms    circularTermsOf
	reversed bool
}

// circularPartsOf is circular convolutions that stand side by side in the channels of one tensor: both halves of a ParC
// block, or one alone. Inputs: x and the packed kernel of each part, then, of each part that takes gradients along, what its
// kernel was convolved with. Outputs: the tensor, then of those parts the gradient of the kernel and the sum of x over all
// lines, both [N, C].
type circularPartsOf struct{ parts []circularPart }

// circularPart is one of them, read from some channels of its x and written to some of the output.
type circularPart struct {
	shape    kernel.Circular
	asked    algorithm
	form     circularForm
	from, to int // first channels

	gradients *circularGradients // nil where none are taken along
}

// circularGradients is how a part takes gradients along.
type circularGradients struct {
	form kernel.CircularFFTGradients
	x    int // first channel
}

// circularSumsOf is the gradient of a circular convolution's kernel, read from some channels of v and x. Inputs: v, x and
// maybe the embedding.
type circularSumsOf struct {
	shape kernel.Circular
	asked algorithm
	form  circularGradientForm
	v, x  int // first channels
}

// circularForm is a way to compute a circular convolution: directly, or through the frequencies.
type circularForm interface {
	PackedSize() int
	PackUnits() int
	Pack(packed, w []float32, terms kernel.CircularTerms, lo, hi int)
	PackReversed(packed, w []float32, lo, hi int)
	Units() int
	ScratchSize() int
	Run(out, x, packed []float32, lo, hi int, scratch []float32)
}

// circularGradientForm is the same for the gradient of the kernel.
type circularGradientForm interface {
	Units() int
	PartialSize() int
	ScratchSize() int
	Run(partial, v, x, embedding []float32, lo, hi int, scratch []float32)
	Combine(dw, partial []float32)
}

// joinHalves makes one node of circular convolutions whose outputs are concatenated over the channels.
func joinHalves(b *rewriter, n *node) []*value {
	a, ok := n.attributes.(concatOf)
	if !ok || a.axis != 3 || slices.ContainsFunc(n.inputs, func(v *value) bool {
		half, circular := v.node.attributes.(circularOf)
		return !circular || !b.only(v) || !inPlace(imageShape(v, half.axis))
	}) {
		return nil
	}
	var halves []*node
	for _, input := range n.inputs {
		halves = append(halves, input.node)
	}
	return []*value{b.circularParts(n.outputs[0].shape, halves)}
}

// lowerCirculars chooses how circular convolutions and their kernels' gradients are computed.
func lowerCirculars(b *rewriter, n *node) []*value {
	switch a := n.attributes.(type) {
	case circularOf:
		return []*value{b.circularParts(n.outputs[0].shape, []*node{n})}
	case circularGradientOf:
		v, x := n.inputs[0], n.inputs[1]
		shape := imageShape(x, a.axis)
		from := inPlaceChannels(shape, x)
		to := inPlaceChannels(shape, v)
		shape.InStride, shape.OutStride = from.stride, to.stride
		sums := circularSumsOf{shape, a.asked, fasterGradientForm(shape, a.asked), to.first, from.first}
		inputs := append([]*value{to.whole, from.whole}, n.inputs[2:]...)
		return []*value{b.kernelNode(sums, n.outputs[0].shape.Dimensions, inputs...)}
	}
	return nil
}

// circularParts adds circular convolutions that write side by side into a tensor of the given shape.
func (b *rewriter) circularParts(out shapes.Shape, circulars []*node) *value {
	var a circularPartsOf
	var inputs []*value
	to := 0
	for _, n := range circulars {
		node := n.attributes.(circularOf)
		shape := imageShape(n.inputs[0], node.axis)
		from := inPlaceChannels(shape, n.inputs[0])
		shape.InStride, shape.OutStride = from.stride, out.Dimensions[3]
		packs := (b.trains || !b.ofWeights(n.inputs[1])) && !b.sharesSpectrum(shape, n.inputs[1])
		form := fasterForm(shape, node.asked, packs, b.trains)
		a.parts = append(a.parts, circularPart{shape: shape, asked: node.asked, form: form, from: from.first, to: to})
		inputs = append(inputs, from.whole, b.packedCircular(form, node.terms, n.inputs[1:]))
		to += shape.C
	}
	return b.kernelNode(a, out.Dimensions, inputs...)
}

// sharesSpectrum says whether w is a kernel turned round that another convolution has laid out already as the frequencies need it.
func (b *rewriter) sharesSpectrum(shape kernel.Circular, w *value) bool {
	original := turnedRound(w)
	return original != nil && slices.ContainsFunc(b.nodes, func(n *node) bool {
		return isLaidOut(n, original, kernel.CircularFFT{Circular: shape})
	})
}

// isLaidOut says whether a node lays the kernel w out as a form needs it for gradients, whatever it adds.
func isLaidOut(n *node, w *value, form kernel.CircularFFT) bool {
	a, ok := n.attributes.(packedCircularOf)
	if !ok || a.reversed || n.inputs[0] != w {
		return false
	}
	other, ok := a.form.(kernel.CircularFFT)
	return ok && form.PacksAs(other)
}

func isCircularGradient(n *node) bool {
	switch n.attributes.(type) {
	case circularGradientOf, globalGradientOf:
		return true
	}
	return false
}

// packedCircular adds the layout of a kernel and its terms. A kernel that is another turned round is taken as that one.
func (b *rewriter) packedCircular(form circularForm, terms circularTermsOf, inputs []*value) *value {
	a := packedCircularOf{form: form, terms: terms}
	w := inputs[0]
	if terms == (circularTermsOf{}) {
		if original := turnedRound(w); original != nil && original.shape.Equal(w.shape) {
			w, a.reversed = original, true
		}
	}
	return b.kernelNode(a, []int{form.PackedSize()}, append([]*value{w}, inputs[1:]...)...)
}

// turnedRound returns u where w [N, …] is u turned round about index 0, u[(-k) mod N]: its first row, then the others
// backwards.
func turnedRound(w *value) *value {
	for w.node.op == compute.OpTypeReshape {
		w = w.node.inputs[0]
	}
	a, ok := w.node.attributes.(concatOf)
	if !ok || a.axis != 0 || len(w.node.inputs) != 2 {
		return nil
	}
	first, rest := w.node.inputs[0], w.node.inputs[1]
	if r, ok := rest.node.attributes.(reverseOf); !ok || !slices.Equal(r.axes, []int{0}) {
		return nil
	}
	u := rest.node.inputs[0].node
	if _, ok := u.attributes.(sliceOf); !ok || !u.inputs[0].shape.Equal(w.shape) {
		return nil
	}
	x := u.inputs[0]
	head, ok := rowsOf(first, x, 0)
	if !ok || !slices.Equal(head, []int{0}) {
		return nil
	}
	if tail, ok := rowsOf(u.outputs[0], x, 0); !ok || !slices.Equal(tail, sequence(x.shape.Dimensions[0])[1:]) {
		return nil
	}
	return x
}

// imageShape describes a circular convolution of x alone.
func imageShape(x *value, axis kernel.Axis) kernel.Circular {
	d := x.shape.Dimensions
	return kernel.Circular{Batch: d[0], H: d[1], W: d[2], C: d[3], Axis: axis, InStride: d[3], OutStride: d[3]}
}

// channels are some neighbouring channels of a tensor of images.
type channels struct {
	whole         *value
	first, stride int
}

// inPlaceChannels returns where a tensor's channels are found: where they were cut from, if kernels can read them there.
func inPlaceChannels(shape kernel.Circular, x *value) channels {
	a, ok := x.node.attributes.(sliceOf)
	if ok && a.strides[3] == 1 && isWhole(a, x.node.inputs[0].shape.Dimensions, 3) && inPlace(shape) {
		return channels{x.node.inputs[0], a.starts[3], x.node.inputs[0].shape.Dimensions[3]}
	}
	return channels{x, 0, shape.C}
}

// inPlace says whether a circular convolution of some of a tensor's channels is done where they are. Along the height,
// few channels do better when they stand alone: then a whole row fills the vectors.
func inPlace(c kernel.Circular) bool {
	const lanes = 16
	return c.Axis == kernel.Width || 4*c.C >= 3*((c.C+lanes-1)/lanes*lanes)
}
