package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
)

// circularDenseOf is dense circular convolutions of some channels of one tensor each, whose results stand side by side.
// Inputs: x, the packed kernels and what the epilogue says.
type circularDenseOf struct {
	parts []circularDensePart
	epilogueOf
}

// circularDensePart is one of the convolutions: of the channels from the first on, to those from the output on.
type circularDensePart struct {
	shape         kernel.CircularDense
	first, output int
	frequencies   bool // or directly
	packedCircularDensePart
}

// packedCircularDenseOf is the kernels of dense circular convolutions, laid out one after the other. Inputs: of each part
// the kernel [N, CIn, COut] and, where there is one, the embedding [N, CIn].
type packedCircularDenseOf struct{ parts []circularDensePart }

// packedCircularDensePart says how a kernel is laid out.
type packedCircularDensePart struct{ reversed, embedding bool }

// circularDenseGradientOf is the gradient of a dense circular kernel through the frequencies. Inputs: x and v.
type circularDenseGradientOf struct{ shape kernel.CircularDenseDFT }

func (a *circularDenseOf) epilogue() *epilogueOf { return &a.epilogueOf }
func (a *circularDenseOf) clone() withEpilogue   { c := *a; return &c }
func (a *circularDenseOf) columns() int {
	last := a.parts[len(a.parts)-1]
	return last.output + last.shape.COut
}

// fasterDenseForm says whether a dense circular convolution is computed through the frequencies: as asked, or where that
// takes less time by an estimate that knows the shape alone. Transforms are small products, at about half the speed of
// large ones; and where lines are few, reading the packed kernel takes longer than multiplying by it.
func fasterDenseForm(shape kernel.CircularDense, asked algorithm) bool {
	if asked != anyAlgorithm {
		return asked == throughFrequencies
	}
	const fewestLines = 6
	frequencies := kernel.CircularDenseDFT{CircularDense: shape}
	products, transforms := frequencies.Products(), frequencies.MultiplyAdds()-frequencies.Products()
	if lines := shape.Lines(); lines < fewestLines {
		products = products / lines * fewestLines
	}
	return products+2*transforms < shape.MultiplyAdds()
}

// denseShape describes the convolution of x [B, H, W, CIn] to so many channels.
func denseShape(x *value, outputs int, axis kernel.Axis) kernel.CircularDense {
	d := x.shape.Dimensions
	return kernel.CircularDense{Batch: d[0], H: d[1], W: d[2], CIn: d[3], COut: outputs, Axis: axis, InStride: d[3], OutStride: outputs}
}

// circularDense adds a dense circular convolution of x with the kernel w [N, CIn, COut].
func (b *rewriter) circularDense(axis kernel.Axis, asked algorithm, x, w *value) *value {
	shape := denseShape(x, w.shape.Dimensions[2], axis)
	part := circularDensePart{shape: shape, frequencies: fasterDenseForm(shape, asked)}
	if turned, ok := b.unreversedKernel(w); ok {
		w, part.reversed = turned, true
	}
	return b.circularDenseParts([]circularDensePart{part}, epilogueOf{}, x, []*value{w}, nil)
}

// circularDenseParts adds convolutions side by side, with their kernels and embeddings in order, and with an epilogue.
func (b *rewriter) circularDenseParts(parts []circularDensePart, e epilogueOf, x *value, kernels, operands []*value) *value {
	a := &circularDenseOf{parts, e}
	size := 0
	for _, part := range parts {
		size += part.packedSize()
	}
	packed := b.kernelNode(packedCircularDenseOf{parts}, []int{size}, kernels...)
	d := x.shape.Dimensions
	return b.kernelNode(a, []int{d[0], d[1], d[2], a.columns()}, append([]*value{x, packed}, operands...)...)
}

// unreversedKernel returns w [N, CIn, COut] turned back where it is a kernel turned round about index 0, its first row
// followed by the others in reverse, with its channels exchanged or not.
func (b *rewriter) unreversedKernel(w *value) (*value, bool) {
	v := w
	for v.node.op == compute.OpTypeReshape {
		v = v.node.inputs[0]
	}
	if !slices.Equal(v.shape.Dimensions, w.shape.Dimensions) {
		return nil, false
	}
	permutation := sequence(3)
	if a, ok := v.node.attributes.(transposeOf); ok && a.permutation[0] == 0 {
		v, permutation = v.node.inputs[0], a.permutation
	}
	source := turnedRound(v)
	if source == nil || !source.shape.Equal(v.shape) {
		return nil, false
	}
	return b.transpose(source, permutation...), true
}
