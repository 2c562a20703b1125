package kernel

// This file moves elements between strided layouts, in units: the common core of transposing, broadcasting, slicing,
// reversing, padding and concatenating.

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"
)

// StridedCopy copies elements of 1, 2, 4, 8 or 16 bytes from one strided layout to another. Units write different
// elements.
type StridedCopy struct {
	elementSize          int
	axes                 []copyAxis
	dstOffset, srcOffset int
	crossed              int // the axis along which the source is contiguous where the last axis is not; −1 without
	group                int // pieces in a unit
}

// copyAxis has n elements that lie dst and src elements apart. A piece takes step of them.
type copyAxis struct{ n, dst, src, step int }

const (
	copyRun  = 4096 // elements in a piece at most
	copyTile = 64   // the same along each side of a transposed piece
)

// NewStridedCopy returns the copy of dst[dstOffset + Σ i·dstStrides] = src[srcOffset + Σ i·srcStrides] over all i within
// dims. Strides and offsets count elements. Strides of dst are at least 1; those of src may be 0, to repeat, or less.
func NewStridedCopy(elementSize int, dims, dstStrides, srcStrides []int, dstOffset, srcOffset int) (*StridedCopy, error) {
	if !slices.Contains([]int{1, 2, 4, 8, 16}, elementSize) {
		return nil, fmt.Errorf("kernel: copy of elements of %d bytes, want 1, 2, 4, 8 or 16", elementSize)
	}
	if len(dims) != len(dstStrides) || len(dims) != len(srcStrides) || len(dims) > maxCopyAxes {
		return nil, fmt.Errorf("kernel: copy over %d axes with %d and %d strides, want the same number, at most %d", len(dims), len(dstStrides), len(srcStrides), maxCopyAxes)
	}
	c := &StridedCopy{elementSize: elementSize, dstOffset: dstOffset, srcOffset: srcOffset, crossed: -1}
	for i, n := range dims {
		if n < 0 || dstStrides[i] < 1 {
			return nil, fmt.Errorf("kernel: copy axis %d has %d elements with stride %d, want at least 0 with at least 1", i, n, dstStrides[i])
		}
		c.axes = append(c.axes, copyAxis{n, dstStrides[i], srcStrides[i], 1})
	}
	c.arrange()
	return c, nil
}

const maxCopyAxes = 12

// arrange orders the axes as dst has them, joins those that are one in both layouts, and cuts the work into pieces.
func (c *StridedCopy) arrange() {
	if !slices.ContainsFunc(c.axes, func(a copyAxis) bool { return a.n == 0 }) {
		c.axes = slices.DeleteFunc(c.axes, func(a copyAxis) bool { return a.n == 1 })
	}
	slices.SortStableFunc(c.axes, func(a, b copyAxis) int { return cmp.Compare(b.dst, a.dst) })
	for i := len(c.axes) - 2; i >= 0; i-- {
		if outer, inner := c.axes[i], c.axes[i+1]; outer.dst == inner.n*inner.dst && outer.src == inner.n*inner.src {
			c.axes[i] = copyAxis{outer.n * inner.n, inner.dst, inner.src, 1}
			c.axes = slices.Delete(c.axes, i+1, i+2)
		}
	}
	if len(c.axes) == 0 {
		c.axes = []copyAxis{{1, 1, 1, 1}}
	}
	inner := &c.axes[len(c.axes)-1]
	if inner.dst == 1 && inner.src != 1 && inner.src != 0 {
		c.crossed = slices.IndexFunc(c.axes, func(a copyAxis) bool { return a.src == 1 })
	}
	inner.step = copyRun
	elements := min(inner.n, copyRun)
	if c.crossed >= 0 {
		across := &c.axes[c.crossed]
		inner.step, across.step = copyTile, copyTile
		elements = min(inner.n, copyTile) * min(across.n, copyTile)
	}
	c.group = max(unitElements/max(elements, 1), 1)
}

// pieces returns how many pieces there are.
func (c *StridedCopy) pieces() int {
	n := 1
	for _, a := range c.axes {
		n *= (a.n + a.step - 1) / a.step
	}
	return n
}

// Units returns into how many parts the work divides.
func (c *StridedCopy) Units() int { return (c.pieces() + c.group - 1) / c.group }

// Run copies units lo to hi−1. The memories must not overlap.
func (c *StridedCopy) Run(dst, src Memory, lo, hi int) {
	switch c.elementSize {
	case 1:
		runCopy[uint8](c, dst, src, lo, hi)
	case 2:
		runCopy[uint16](c, dst, src, lo, hi)
	case 4:
		runCopy[uint32](c, dst, src, lo, hi)
	case 8:
		runCopy[uint64](c, dst, src, lo, hi)
	default:
		runCopy[[2]uint64](c, dst, src, lo, hi)
	}
}

// runCopy walks the pieces like an odometer.
func runCopy[T any](c *StridedCopy, dst, src Memory, lo, hi int) {
	var at [maxCopyAxes]int
	first, end := lo*c.group, min(hi*c.group, c.pieces())
	for i, rest := len(c.axes)-1, first; i >= 0; i-- {
		count := (c.axes[i].n + c.axes[i].step - 1) / c.axes[i].step
		if count > 0 {
			at[i], rest = rest%count*c.axes[i].step, rest/count
		}
	}
	for range end - first {
		d, s := c.dstOffset, c.srcOffset
		for i, a := range c.axes {
			d, s = d+at[i]*a.dst, s+at[i]*a.src
		}
		copyPiece[T](c, at[:len(c.axes)], element[T](dst, d), element[T](src, s))
		for i := len(c.axes) - 1; i >= 0; i-- {
			if at[i] += c.axes[i].step; at[i] < c.axes[i].n {
				break
			}
			at[i] = 0
		}
	}
}

func element[T any](m Memory, i int) *T {
	var t T
	return (*T)(unsafe.Add(m, i*int(unsafe.Sizeof(t))))
}

// copyPiece copies what begins at index at: a run, a repeated element, a transposed tile or, else, one by one.
func copyPiece[T any](c *StridedCopy, at []int, dst, src *T) {
	last := len(at) - 1
	inner := c.axes[last]
	n := min(inner.step, inner.n-at[last])
	switch {
	case inner.dst == 1 && inner.src == 1:
		copy(unsafe.Slice(dst, n), unsafe.Slice(src, n))
	case inner.dst == 1 && inner.src == 0:
		v, run := *src, unsafe.Slice(dst, n)
		for i := range run {
			run[i] = v
		}
	case c.crossed >= 0:
		across := c.axes[c.crossed]
		transposeTile(dst, src, n, min(across.step, across.n-at[c.crossed]), across.dst, inner.src)
	default:
		for i := range n {
			*element[T](Memory(dst), i*inner.dst) = *element[T](Memory(src), i*inner.src)
		}
	}
}

// transposeTile writes dst[j·dstStride + i] = src[i·srcStride + j] for i < n, j < m: whole blocks in assembly where the
// elements are as wide as a float, and what is beside and below them one by one.
func transposeTile[T any](dst, src *T, n, m, dstStride, srcStride int) {
	rows, columns := n&^7, m&^7
	if unsafe.Sizeof(*dst) != 4 || rows == 0 || columns == 0 ||
		!transposeBlocks((*float32)(Memory(dst)), (*float32)(Memory(src)), rows, columns, dstStride, srcStride) {
		rows, columns = 0, 0
	}
	transposeOneByOne(dst, src, 0, rows, columns, m, dstStride, srcStride)
	transposeOneByOne(dst, src, rows, n, 0, m, dstStride, srcStride)
}

// transposeOneByOne does that for firstRow ≤ i < rows and firstColumn ≤ j < columns.
func transposeOneByOne[T any](dst, src *T, firstRow, rows, firstColumn, columns, dstStride, srcStride int) {
	if firstRow == rows {
		return
	}
	for j := firstColumn; j < columns; j++ {
		to := unsafe.Slice(element[T](Memory(dst), j*dstStride+firstRow), rows-firstRow)
		for i := range to {
			to[i] = *element[T](Memory(src), (i+firstRow)*srcStride+j)
		}
	}
}
