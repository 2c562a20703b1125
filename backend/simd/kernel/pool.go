package kernel

// This file pools over windows of images, with the gradient of max pooling.

import "fmt"

// Pool describes a pooling of x [Batch, Height, Width, Channels] over windows. Windows may reach beyond the image;
// what lies outside counts for nothing.
type Pool struct {
	Batch, Height, Width, Channels int
	Window, Stride                 [2]int // along height and width
	PadBefore, PadAfter            [2]int
	out                            [2]int
}

// NewPool checks a pooling and works out the size of its result.
func NewPool(p Pool) (*Pool, error) {
	if p.Batch < 1 || p.Height < 1 || p.Width < 1 || p.Channels < 1 {
		return nil, fmt.Errorf("kernel: pooling of shape [%d, %d, %d, %d], want at least 1 each", p.Batch, p.Height, p.Width, p.Channels)
	}
	for axis, n := range [2]int{p.Height, p.Width} {
		if p.Window[axis] < 1 || p.Stride[axis] < 1 || p.PadBefore[axis] < 0 || p.PadAfter[axis] < 0 {
			return nil, fmt.Errorf("kernel: pooling windows %v by %v padded by %v and %v, want at least 1 and 0", p.Window, p.Stride, p.PadBefore, p.PadAfter)
		}
		room := n + p.PadBefore[axis] + p.PadAfter[axis] - p.Window[axis]
		if room < 0 {
			return nil, fmt.Errorf("kernel: pooling window of %d over %d padded elements", p.Window[axis], room+p.Window[axis])
		}
		p.out[axis] = room/p.Stride[axis] + 1
	}
	return &p, nil
}

// Out returns the height and the width of the result.
func (p *Pool) Out() (height, width int) { return p.out[0], p.out[1] }

// Units returns into how many parts Run divides: rows of the result.
func (p *Pool) Units() int { return p.Batch * p.out[0] }

// Run sets y [Batch, height, width, Channels] to the reduction of each window, for units lo to hi−1.
func (p *Pool) Run(r Reduction, y, x []float32, lo, hi int) {
	c := p.Channels
	for unit := lo; unit < hi; unit++ {
		for column := range p.out[1] {
			p.reduceWindow(r, y[(unit*p.out[1]+column)*c:][:c], x, unit/p.out[0], unit%p.out[0], column)
		}
	}
}

func (p *Pool) reduceWindow(r Reduction, dst, x []float32, image, row, column int) {
	fill(dst, r.identity())
	top, bottom := p.window(0, row, p.Height)
	left, right := p.window(1, column, p.Width)
	if left >= right {
		return
	}
	for h := top; h < bottom; h++ {
		from := ((image*p.Height+h)*p.Width + left) * p.Channels
		reduceColumns(r, dst, x[from:], right-left, p.Channels)
	}
}

// window returns what part of the window at place i lies inside an axis of n elements.
func (p *Pool) window(axis, i, n int) (from, to int) {
	start := i*p.Stride[axis] - p.PadBefore[axis]
	return max(start, 0), min(start+p.Window[axis], n)
}

// GradientUnits returns into how many parts RunMaxGradient divides: images.
func (p *Pool) GradientUnits() int { return p.Batch }

// GradientScratchSize returns how many floats of memory of its own a RunMaxGradient needs.
func (p *Pool) GradientScratchSize() int { return 2 * p.Channels }

// RunMaxGradient sets dx to the gradient of max pooling for units lo to hi−1: each element of dy goes to the first
// largest element of its window, in the order of rows, then columns.
func (p *Pool) RunMaxGradient(dx, dy, x, scratch []float32, lo, hi int) {
	c := p.Channels
	largest, left := scratch[:c], scratch[c:2*c]
	for image := lo; image < hi; image++ {
		size := p.Height * p.Width * c
		fill(dx[image*size:][:size], 0)
		for row := range p.out[0] {
			for column := range p.out[1] {
				p.reduceWindow(ReduceMax, largest, x, image, row, column)
				copy(left, dy[((image*p.out[0]+row)*p.out[1]+column)*c:][:c])
				p.scatter(dx, left, x, largest, image, row, column)
			}
		}
	}
}

// scatter adds what is left of dy at the elements of a window that equal its largest.
func (p *Pool) scatter(dx, left, x, largest []float32, image, row, column int) {
	top, bottom := p.window(0, row, p.Height)
	first, end := p.window(1, column, p.Width)
	for h := top; h < bottom; h++ {
		for w := first; w < end; w++ {
			at := ((image*p.Height+h)*p.Width + w) * p.Channels
			moveWhereEqual(dx[at:][:p.Channels], left, x[at:][:p.Channels], largest)
		}
	}
}

// moveWhereEqualGeneric moves left[i] to dst[i], adding, where x[i] == y[i].
func moveWhereEqualGeneric(dst, left, x, y []float32) {
	for i := range dst {
		if x[i] == y[i] {
			dst[i] += left[i]
			left[i] = 0
		}
	}
}
