package simd

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gomlx/compute"
)

// This file reads what a graph does between Fourier transforms: products of spectra, written with complex numbers or
// with their parts, in any order of terms, are all brought to one sum of products of parts.

// factor is the real or imaginary part of a spectrum, the output of a real Fourier transform along its last axis. Each
// axis of the spectrum has a label: axes of two spectra that are multiplied element by element, or summed over together,
// have the same. Axes of one element have none.
type factor struct {
	spectrum  *value
	number    int // of the spectrum, in the order in which they were met
	imaginary bool
	labels    [maxSpectrumRank]int
}

const (
	maxSpectrumRank = 6
	unlabelled      = -1
)

// part returns the real or the imaginary part of the same spectrum.
func (f factor) part(imaginary bool) factor {
	f.imaginary = imaginary
	return f
}

// axisLabels returns the labels of the spectrum's axes.
func (f factor) axisLabels() []int { return f.labels[:f.spectrum.shape.Rank()] }

// pair is a product of two factors; the second is empty where there is only one.
type pair [2]factor

// polynomial is a sum of products with their coefficients, which are whole numbers.
type polynomial map[pair]int

// complexSum is a complex value, or a real one with an empty imaginary part.
type complexSum struct{ re, im polynomial }

// add returns p + sign·q.
func (p polynomial) add(q polynomial, sign int) polynomial {
	sum := maps.Clone(p)
	if sum == nil {
		sum = polynomial{}
	}
	for product, coefficient := range q {
		sum[product] += sign * coefficient
		if sum[product] == 0 {
			delete(sum, product)
		}
	}
	return sum
}

// times returns p·q, or false where that has products of more than two factors.
func (p polynomial) times(q polynomial) (polynomial, bool) {
	result := polynomial{}
	for a, m := range p {
		for b, n := range q {
			if a[1].spectrum != nil || b[1].spectrum != nil {
				return nil, false
			}
			result = result.add(polynomial{inOrder(a[0], b[0]): 1}, m*n)
		}
	}
	return result, true
}

// inOrder makes the same pair of a·b and b·a.
func inOrder(a, b factor) pair {
	order := cmp.Or(cmp.Compare(a.number, b.number), slices.Compare(a.labels[:], b.labels[:]))
	if order > 0 || order == 0 && a.imaginary {
		a, b = b, a
	}
	return pair{a, b}
}

// sumsOver says whether every product has the label, so that a sum over it is one of that many products.
func (p polynomial) sumsOver(label int) bool {
	for product := range p {
		if !slices.Contains(product[0].labels[:], label) && !slices.Contains(product[1].labels[:], label) {
			return false
		}
	}
	return true
}

// hasSums says whether any product has a label from the given one on.
func (p polynomial) hasSums(free int) bool {
	for product := range p {
		if slices.Max(product[0].labels[:]) >= free || slices.Max(product[1].labels[:]) >= free {
			return true
		}
	}
	return false
}

// spectra expands values into polynomials.
type spectra struct {
	kind   compute.FFTType // of the transforms whose outputs the spectra are
	steps  int             // left, so that large graphs are given up
	known  []*value
	marked bool // a barrier was met: the transforms are asked for
}

// expand returns a value, whose axes have the given labels, as a complex polynomial of parts of spectra, or false where
// it is none. Labels from free on are for axes that are summed over within.
func (s *spectra) expand(v *value, labels []int, free int) (complexSum, bool) {
	n := v.node
	if s.steps--; s.steps < 0 || len(labels) > maxSpectrumRank {
		return complexSum{}, false
	}
	switch n.op {
	case compute.OpTypeFFT:
		return s.transform(v, labels)
	case compute.OpTypeIdentity:
		s.marked = s.marked || isBarrier(n)
		return s.expand(n.inputs[0], labels, free)
	case compute.OpTypeReshape, compute.OpTypeTranspose, compute.OpTypeBroadcastInDim:
		if inner, ok := operandLabels(n, labels); ok {
			return s.expand(n.inputs[0], inner, free)
		}
	case compute.OpTypeReal, compute.OpTypeImag, compute.OpTypeConj, compute.OpTypeNeg:
		x, ok := s.expand(n.inputs[0], labels, free)
		return unaryOf(n.op, x), ok
	case compute.OpTypeComplex, compute.OpTypeAdd, compute.OpTypeSub, compute.OpTypeMul:
		return s.binary(n, n.op, broadcastLabels(n.inputs[0], labels), broadcastLabels(n.inputs[1], labels), free)
	case compute.OpTypeReduceSum:
		return s.reduced(n, labels, free)
	case compute.OpTypeDotGeneral:
		lhs, rhs, summed := contractionLabels(n, labels, free)
		product, ok := s.binary(n, compute.OpTypeMul, lhs, rhs, free+len(summed))
		return product, ok && product.sumsOver(summed)
	}
	return complexSum{}, false
}

// transform makes a factor of each part of a transform's output.
func (s *spectra) transform(v *value, labels []int) (complexSum, bool) {
	a := v.node.attributes.(fftOf)
	if a.kind != s.kind || len(a.length) != 1 {
		return complexSum{}, false
	}
	number := slices.Index(s.known, v)
	if number < 0 {
		number = len(s.known)
		s.known = append(s.known, v)
	}
	f := factor{spectrum: v, number: number}
	for i := range f.labels {
		f.labels[i] = unlabelled
	}
	copy(f.labels[:], broadcastLabels(v, labels))
	return complexSum{polynomial{pair{f}: 1}, polynomial{pair{f.part(true)}: 1}}, true
}

// binary expands a node's two operands, whose axes have the given labels, and what op makes of them.
func (s *spectra) binary(n *node, op compute.OpType, lhs, rhs []int, free int) (complexSum, bool) {
	x, ok := s.expand(n.inputs[0], lhs, free)
	if !ok {
		return complexSum{}, false
	}
	y, ok := s.expand(n.inputs[1], rhs, free)
	if !ok || op == compute.OpTypeMul && (x.hasSums(free) || y.hasSums(free)) {
		return complexSum{}, false
	}
	return binaryOf(op, x, y)
}

// reduced expands a sum over some axes.
func (s *spectra) reduced(n *node, labels []int, free int) (complexSum, bool) {
	from := n.inputs[0].shape.Dimensions
	inner, summed, kept := make([]int, len(from)), []int{}, 0
	for axis, size := range from {
		switch {
		case !slices.Contains(n.attributes.(reduceOf).axes, axis):
			inner[axis] = labels[kept]
			kept++
		case size == 1:
			inner[axis] = unlabelled
		default:
			inner[axis] = free + len(summed)
			summed = append(summed, inner[axis])
		}
	}
	x, ok := s.expand(n.inputs[0], inner, free+len(summed))
	return x, ok && x.sumsOver(summed)
}

func (x complexSum) sumsOver(labels []int) bool {
	for _, label := range labels {
		if !x.re.sumsOver(label) || !x.im.sumsOver(label) {
			return false
		}
	}
	return true
}

func (x complexSum) hasSums(free int) bool { return x.re.hasSums(free) || x.im.hasSums(free) }

func unaryOf(op compute.OpType, x complexSum) complexSum {
	switch op {
	case compute.OpTypeReal:
		return complexSum{re: x.re}
	case compute.OpTypeImag:
		return complexSum{re: x.im}
	case compute.OpTypeConj:
		return complexSum{x.re, polynomial{}.add(x.im, -1)}
	default:
		return complexSum{polynomial{}.add(x.re, -1), polynomial{}.add(x.im, -1)}
	}
}

func binaryOf(op compute.OpType, x, y complexSum) (complexSum, bool) {
	switch op {
	case compute.OpTypeComplex:
		return complexSum{x.re, y.re}, true
	case compute.OpTypeAdd:
		return complexSum{x.re.add(y.re, 1), x.im.add(y.im, 1)}, true
	case compute.OpTypeSub:
		return complexSum{x.re.add(y.re, -1), x.im.add(y.im, -1)}, true
	}
	var parts [4]polynomial
	for i, operands := range [4][2]polynomial{{x.re, y.re}, {x.im, y.im}, {x.re, y.im}, {x.im, y.re}} {
		product, ok := operands[0].times(operands[1])
		if !ok {
			return complexSum{}, false
		}
		parts[i] = product
	}
	return complexSum{parts[0].add(parts[1], -1), parts[2].add(parts[3], 1)}, true
}

// operandLabels returns the labels of the axes of a node's operand, from those of its output.
func operandLabels(n *node, labels []int) ([]int, bool) {
	from := n.inputs[0].shape.Dimensions
	inner := slices.Repeat([]int{unlabelled}, len(from))
	switch a := n.attributes.(type) {
	case transposeOf:
		for i, axis := range a.permutation {
			inner[axis] = labels[i]
		}
	case broadcastOf:
		for i, axis := range a.axes {
			inner[i] = labels[axis]
		}
	default: // a view, which may add and drop axes of one element
		to, next := n.outputs[0].shape.Dimensions, 0
		for axis, size := range from {
			if size == 1 {
				continue
			}
			for next < len(to) && to[next] == 1 {
				next++
			}
			if next == len(to) || to[next] != size {
				return nil, false
			}
			inner[axis] = labels[next]
			next++
		}
	}
	return inner, true
}

// contractionLabels returns the labels of the axes of a product's operands, from those of its output (the batch, what is
// left of the first operand, what is left of the second), and the labels that are summed over, from free on.
func contractionLabels(n *node, labels []int, free int) (lhs, rhs, summed []int) {
	a := n.attributes.(dotOf)
	lhs, rhs = make([]int, n.inputs[0].shape.Rank()), make([]int, n.inputs[1].shape.Rank())
	next := 0
	for i := range a.lhsBatch {
		lhs[a.lhsBatch[i]], rhs[a.rhsBatch[i]] = labels[next], labels[next]
		next++
	}
	for _, axis := range otherAxes(n.inputs[0], a.lhsBatch, a.lhsContracting) {
		lhs[axis] = labels[next]
		next++
	}
	for _, axis := range otherAxes(n.inputs[1], a.rhsBatch, a.rhsContracting) {
		rhs[axis] = labels[next]
		next++
	}
	for i, axis := range a.lhsContracting {
		label := unlabelled
		if n.inputs[0].shape.Dimensions[axis] > 1 {
			label = free + len(summed)
			summed = append(summed, label)
		}
		lhs[axis], rhs[a.rhsContracting[i]] = label, label
	}
	return lhs, rhs, summed
}

// broadcastLabels drops the labels of axes along which an operand is repeated or has one element.
func broadcastLabels(v *value, labels []int) []int {
	own := slices.Repeat([]int{unlabelled}, v.shape.Rank())
	for i, size := range v.shape.Dimensions {
		if size > 1 {
			own[i] = labels[i]
		}
	}
	return own
}
