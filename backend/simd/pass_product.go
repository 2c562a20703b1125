package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// productOf is a batch of matrix products on the kernel for them. Inputs: A, B and what the epilogue says.
type productOf struct {
	gemm    kernel.Gemm
	batch   int
	strides [3]int // from one product of the batch to the next, in A, B and C
	epilogueOf
}

// packedOf is a batch of matrices laid out for products as their right-hand side.
type packedOf struct {
	k, n, strideK, strideN int
	batch, stride          int
}

// matrix is a tensor seen as a batch of matrices: sizes and strides, in elements.
type matrix struct {
	batch, rows, columns                 int
	batchStride, rowStride, columnStride int
}

// lowerProducts turns general products of float32 into matrix products with a packed right-hand side. A tensor whose
// axes are no matrix as they lie is transposed first.
func lowerProducts(b *rewriter, n *node) []*value {
	a, ok := n.attributes.(dotOf)
	out := n.outputs[0]
	if !ok || n.inputs[0].shape.DType != dtypes.Float32 || out.shape.DType != dtypes.Float32 || out.shape.Size() == 0 || n.inputs[0].shape.Size() == 0 {
		return nil
	}
	lhs, left := b.matrix(n.inputs[0], a.lhsBatch, otherAxes(n.inputs[0], a.lhsBatch, a.lhsContracting), a.lhsContracting)
	rhs, right := b.matrix(n.inputs[1], a.rhsBatch, a.rhsContracting, otherAxes(n.inputs[1], a.rhsBatch, a.rhsContracting))
	product := b.product(lhs, rhs, left, right)
	return []*value{b.reshape(product, out.shape.Dimensions...)}
}

// product adds C = A·B, [batch, rows, columns].
func (b *rewriter) product(lhs, rhs *value, left, right matrix) *value {
	inPlace := right.columnStride == 1 && !b.ofWeights(rhs)
	if parts := depthParts(left, right); inPlace && parts > 1 {
		return b.splitProduct(lhs, rhs, left, right, parts)
	}
	m, k, n := left.rows, left.columns, right.columns
	a := &productOf{
		gemm:    kernel.Gemm{M: m, N: n, K: k, ARow: left.rowStride, ACol: left.columnStride, CRow: n},
		batch:   left.batch,
		strides: [3]int{left.batchStride, right.batchStride, m * n},
	}
	if inPlace {
		a.gemm.BRow = right.rowStride
	} else {
		rhs = b.kernelNode(packedOf{k, n, right.rowStride, right.columnStride, right.batch, right.batchStride}, []int{right.batch, kernel.PackedBSize(k, n)}, rhs)
		a.strides[1] = kernel.PackedBSize(k, n)
	}
	return b.kernelNode(a, []int{left.batch, m, n}, lhs, rhs)
}

// Gradients of weights are products of small matrices summed over all places of all images.
const (
	shortestPart = 1 << 10 // of the depth of a product that is split
	largestSums  = 1 << 20 // numbers that the parts leave
)

// depthParts says into how many equal parts the depth of a product is split so that each one's operands fit the caches;
// 1 leaves it whole.
func depthParts(left, right matrix) int {
	if left.batch != 1 {
		return 1
	}
	most := min(left.columns/shortestPart, largestSums/(left.rows*right.columns))
	for parts := most; parts > 1; parts-- {
		if left.columns%parts == 0 {
			return parts
		}
	}
	return 1
}

// splitProduct adds a product as the sum of those of equal parts of the depth.
func (b *rewriter) splitProduct(lhs, rhs *value, left, right matrix, parts int) *value {
	left.batch, left.columns = parts, left.columns/parts
	left.batchStride = left.columns * left.columnStride
	right.batch, right.rows = parts, right.rows/parts
	right.batchStride = right.rows * right.rowStride
	sums := b.product(lhs, rhs, left, right)
	total := b.make(compute.OpTypeReduceSum, reduceOf{[]int{0}}, shapes.Make(dtypes.Float32, left.rows, right.columns), nil, sums)
	return b.reshape(total, 1, left.rows, right.columns)
}

// ofWeights says whether a value is a weight or made of weights alone, so that it is worth preparing.
func (b *rewriter) ofWeights(v *value) bool {
	if known, found := b.weights[v]; found {
		return known
	}
	all := true
	if a, parameter := v.node.attributes.(parameterOf); parameter {
		all = isWeight(a.name)
	}
	for _, input := range v.node.inputs {
		all = all && b.ofWeights(input)
	}
	b.weights[v] = all
	return all
}

// otherAxes returns the axes of v that are in neither list.
func otherAxes(v *value, lists ...[]int) []int {
	taken := slices.Concat(lists...)
	var others []int
	for axis := range v.shape.Rank() {
		if !slices.Contains(taken, axis) {
			others = append(others, axis)
		}
	}
	return others
}

// matrix sees v as matrices with the given axes for batch, rows and columns, transposed where they do not lie so.
func (b *rewriter) matrix(v *value, batch, rows, columns []int) (*value, matrix) {
	m, ok := matrixView(v.shape.Dimensions, batch, rows, columns)
	if !ok {
		v = b.transpose(v, slices.Concat(batch, rows, columns)...)
		batchRank, rowRank := len(batch), len(rows)
		axes := sequence(v.shape.Rank())
		m, _ = matrixView(v.shape.Dimensions, axes[:batchRank], axes[batchRank:batchRank+rowRank], axes[batchRank+rowRank:])
	}
	return v, m
}

func matrixView(dimensions, batch, rows, columns []int) (matrix, bool) {
	strides := make([]int, len(dimensions))
	stride := 1
	for axis := len(dimensions) - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= dimensions[axis]
	}
	var m matrix
	var ok [3]bool
	m.batch, m.batchStride, ok[0] = mergeAxes(dimensions, strides, batch)
	m.rows, m.rowStride, ok[1] = mergeAxes(dimensions, strides, rows)
	m.columns, m.columnStride, ok[2] = mergeAxes(dimensions, strides, columns)
	return m, ok[0] && ok[1] && ok[2]
}

// mergeAxes sees axes, in order, as one axis with one stride, if they lie so.
func mergeAxes(dimensions, strides, axes []int) (size, stride int, ok bool) {
	size, stride = 1, 1
	for i := len(axes) - 1; i >= 0; i-- {
		axis := axes[i]
		switch {
		case dimensions[axis] == 1:
		case size == 1:
			size, stride = dimensions[axis], strides[axis]
		case strides[axis] == size*stride:
			size *= dimensions[axis]
		default:
			return 0, 0, false
		}
	}
	return size, stride, true
}

// sequence returns 0, 1, … n−1.
func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}
