package kernel

// This file reduces tensors along rows, down columns and over a middle axis.

import "math"

// identity is what an empty reduction gives.
func (r Reduction) identity() float32 {
	switch r {
	case ReduceMax:
		return float32(math.Inf(-1))
	case ReduceMin:
		return float32(math.Inf(1))
	case ReduceProduct:
		return 1
	default:
		return 0
	}
}

func (r Reduction) combine(x, y float32) float32 { return binaryFunctions[r.op()](x, y) }

func (r Reduction) op() Op { return [...]Op{OpAdd, OpMax, OpMin, OpMul}[r] }

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}

// reduceRow reduces x to one number. Rows longer than a block are joined from blocks of equal length, so that the error
// of a sum grows with the square root of the blocks.
func reduceRow(r Reduction, x []float32) float32 {
	const block = 4096
	if len(x) <= block {
		return reduceBlock(r, x)
	}
	if r != ReduceSum {
		y := r.identity()
		for ; len(x) > 0; x = x[min(block, len(x)):] {
			y = r.combine(y, reduceBlock(r, x[:min(block, len(x))]))
		}
		return y
	}
	sum := 0.0
	for ; len(x) > 0; x = x[min(block, len(x)):] {
		sum += float64(reduceBlock(r, x[:min(block, len(x))]))
	}
	return float32(sum)
}

// reduceColumns reduces the rows of x, one every stride floats, into dst, beginning with what dst holds. It sums a
// block of rows before it adds them to dst.
func reduceColumns(r Reduction, dst, x []float32, rows, stride int) {
	if len(dst) == 0 {
		return
	}
	const block = 256
	for row := 0; row < rows; row += block {
		n := min(block, rows-row)
		reduceColumnBlock(r, dst, x[row*stride:][:(n-1)*stride+len(dst)], n, stride)
	}
}

// reduceBlockGeneric joins in sixteen lanes and then the lanes pairwise.
func reduceBlockGeneric(r Reduction, x []float32) float32 {
	var lanes [16]float32
	fill(lanes[:], r.identity())
	for ; len(x) >= len(lanes); x = x[len(lanes):] {
		for i, v := range x[:len(lanes)] {
			lanes[i] = r.combine(lanes[i], v)
		}
	}
	for i, v := range x {
		lanes[i] = r.combine(lanes[i], v)
	}
	for width := len(lanes) / 2; width > 0; width /= 2 {
		for i := range width {
			lanes[i] = r.combine(lanes[i], lanes[i+width])
		}
	}
	return lanes[0]
}

func reduceColumnBlockGeneric(r Reduction, dst, x []float32, rows, stride int) {
	f := binaryFunctions[r.op()]
	for c := range dst {
		y := r.identity()
		for row := range rows {
			y = f(y, x[row*stride+c])
		}
		dst[c] = f(dst[c], y)
	}
}
