package kernel

// This file makes strided copies of the operations that move elements.

import "fmt"

// strides returns the strides of a contiguous tensor.
func strides(dims []int) []int {
	s, n := make([]int, len(dims)), 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i], n = n, n*max(dims[i], 1)
	}
	return s
}

// NewTranspose returns the copy of x, of shape dims, to y whose axis i is axis permutation[i] of x.
func NewTranspose(elementSize int, dims, permutation []int) (*StridedCopy, error) {
	if len(permutation) != len(dims) {
		return nil, fmt.Errorf("kernel: permutation %v of %d axes, want %d", permutation, len(permutation), len(dims))
	}
	from, shape, seen := make([]int, len(dims)), make([]int, len(dims)), make([]bool, len(dims))
	source := strides(dims)
	for i, axis := range permutation {
		if axis < 0 || axis >= len(dims) || seen[axis] {
			return nil, fmt.Errorf("kernel: permutation %v, want each of %d axes once", permutation, len(dims))
		}
		seen[axis], from[i], shape[i] = true, source[axis], dims[axis]
	}
	return NewStridedCopy(elementSize, shape, strides(shape), from, 0, 0)
}

// NewBroadcast returns the copy of x, of shape dims, to y of shape outDims, where axis i of x is axis axes[i] of y; it
// repeats along the other axes of y and along those where x has length 1.
func NewBroadcast(elementSize int, dims, outDims, axes []int) (*StridedCopy, error) {
	if len(axes) != len(dims) {
		return nil, fmt.Errorf("kernel: broadcast of %d axes to places %v, want as many", len(dims), axes)
	}
	from, source := make([]int, len(outDims)), strides(dims)
	for i, axis := range axes {
		if axis < 0 || axis >= len(outDims) || dims[i] != 1 && dims[i] != outDims[axis] {
			return nil, fmt.Errorf("kernel: broadcast of %v to axes %v of %v, want lengths of 1 or equal", dims, axes, outDims)
		}
		if dims[i] != 1 {
			from[axis] = source[i]
		}
	}
	return NewStridedCopy(elementSize, outDims, strides(outDims), from, 0, 0)
}

// NewSlice returns the copy of every steps[i]-th element from starts[i] to before limits[i] along each axis of x.
func NewSlice(elementSize int, dims, starts, limits, steps []int) (*StridedCopy, error) {
	if len(starts) != len(dims) || len(limits) != len(dims) || len(steps) != len(dims) {
		return nil, fmt.Errorf("kernel: slice of %v from %v to %v by %v, want %d of each", dims, starts, limits, steps, len(dims))
	}
	shape, from, offset := make([]int, len(dims)), strides(dims), 0
	for i, n := range dims {
		if starts[i] < 0 || limits[i] > n || starts[i] > limits[i] || steps[i] < 1 {
			return nil, fmt.Errorf("kernel: slice of %v from %v to %v by %v is outside", dims, starts, limits, steps)
		}
		shape[i] = (limits[i] - starts[i] + steps[i] - 1) / steps[i]
		offset += starts[i] * from[i]
		from[i] *= steps[i]
	}
	return NewStridedCopy(elementSize, shape, strides(shape), from, 0, offset)
}

// NewReverse returns the copy of x with the order along the axes turned round.
func NewReverse(elementSize int, dims, axes []int) (*StridedCopy, error) {
	from, offset := strides(dims), 0
	for _, axis := range axes {
		if axis < 0 || axis >= len(dims) || from[axis] < 0 {
			return nil, fmt.Errorf("kernel: reverse of %v along %v, want axes of it, each once", dims, axes)
		}
		offset += max(dims[axis]-1, 0) * from[axis]
		from[axis] = -from[axis]
	}
	return NewStridedCopy(elementSize, dims, strides(dims), from, 0, offset)
}

// NewPad returns the copy of x into y, which is low[i] longer before and high[i] after it along axis i, with
// interior[i] places between elements; negative low and high cut off. The rest of y is left as it is: fill it first.
func NewPad(elementSize int, dims, low, high, interior []int) (*StridedCopy, error) {
	if len(low) != len(dims) || len(high) != len(dims) || len(interior) != len(dims) {
		return nil, fmt.Errorf("kernel: padding of %v by %v, %v, %v, want %d of each", dims, low, high, interior, len(dims))
	}
	padded, shape := make([]int, len(dims)), make([]int, len(dims))
	for i, n := range dims {
		if padded[i] = low[i] + max(n-1, 0)*interior[i] + n + high[i]; padded[i] < 0 || interior[i] < 0 {
			return nil, fmt.Errorf("kernel: padding of %v by %v, %v, %v leaves less than nothing", dims, low, high, interior)
		}
	}
	to, from := strides(padded), strides(dims)
	dstOffset, srcOffset := 0, 0
	for i, n := range dims {
		step := interior[i] + 1
		first := max((-low[i]+step-1)/step, 0)
		end := min(n, (padded[i]-low[i]+step-1)/step)
		shape[i] = max(end-first, 0)
		dstOffset += (low[i] + first*step) * to[i]
		srcOffset += first * from[i]
		to[i] *= step
	}
	return NewStridedCopy(elementSize, shape, to, from, dstOffset, srcOffset)
}

// NewConcatenate returns the copy of x into y at place start of the axis, along which y has length total.
func NewConcatenate(elementSize int, dims []int, axis, start, total int) (*StridedCopy, error) {
	if axis < 0 || axis >= len(dims) || start < 0 || start+dims[axis] > total {
		return nil, fmt.Errorf("kernel: concatenation of %v at %d of %d along axis %d is outside", dims, start, total, axis)
	}
	whole := append([]int(nil), dims...)
	whole[axis] = total
	to := strides(whole)
	return NewStridedCopy(elementSize, dims, to, strides(dims), start*to[axis], 0)
}
