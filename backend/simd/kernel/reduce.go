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

// reduceRow reduces x to one number.
func reduceRow(r Reduction, x []float32) float32 { return reduceRowGeneric(r, x) }

// reduceColumns reduces the rows of x [rows, len(dst)] into dst, beginning with what dst holds. x has a row every
// stride floats.
func reduceColumns(r Reduction, dst, x []float32, rows, stride int) {
	for row := range rows {
		Binary(r.op(), dst, dst, x[row*stride:][:len(dst)])
	}
}

// reduceRowGeneric adds in sixteen lanes, as the assembly does, and joins them pairwise.
func reduceRowGeneric(r Reduction, x []float32) float32 {
	var lanes [16]float32
	for i := range lanes {
		lanes[i] = r.identity()
	}
	for i, v := range x {
		lanes[i%16] = r.combine(lanes[i%16], v)
	}
	for width := 8; width > 0; width /= 2 {
		for i := range width {
			lanes[i] = r.combine(lanes[i], lanes[i+width])
		}
	}
	return lanes[0]
}
