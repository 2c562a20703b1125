package kernel

// convAxis is one spatial axis of a convolution.
type convAxis struct{ in, out, kernel, stride, pad, dilation, inputDilation int }

func (c *Conv2D) vertical() convAxis {
	return newConvAxis(c.H, c.KH, c.StrideH, c.PadTop, c.PadBottom, c.DilationH, c.InputDilationH)
}

func (c *Conv2D) horizontal() convAxis {
	return newConvAxis(c.W, c.KW, c.StrideW, c.PadLeft, c.PadRight, c.DilationW, c.InputDilationW)
}

func newConvAxis(in, kernel, stride, before, after, dilation, inputDilation int) convAxis {
	a := convAxis{in: in, kernel: kernel, stride: max(stride, 1), pad: before, dilation: max(dilation, 1), inputDilation: max(inputDilation, 1)}
	room := max(in-1, 0)*a.inputDilation + min(in, 1) + before + after - a.span()
	if room >= 0 {
		a.out = room/a.stride + 1
	}
	return a
}

// span is the length of the dilated kernel.
func (a convAxis) span() int { return (a.kernel-1)*a.dilation + 1 }

// identity reports that output i is input i.
func (a convAxis) identity() bool {
	return a.kernel == 1 && a.stride == 1 && a.pad == 0 && a.inputDilation == 1 && a.in == a.out
}

// phases returns the number of classes of outputs: those of one class meet the same taps of the kernel, the others'
// fall between the elements of a dilated input.
func (a convAxis) phases() int { return a.inputDilation / gcd(a.stride, a.inputDilation) }

// axisPhase is a class of outputs along an axis: those at index, index+step, …, count of them. They meet the taps tap,
// tap+tapStep, …, taps of them, and tap t of output o is input start + o·advance + t·tapAdvance.
type axisPhase struct {
	index, step, count             int
	tap, tapStep, taps             int
	start, advance, tapAdvance, in int
}

func (a convAxis) phase(index int) axisPhase {
	step := a.phases()
	p := axisPhase{index: index, step: step, count: max(0, ceilDiv(a.out-index, step)), in: a.in}
	p.tapStep = a.inputDilation / gcd(a.dilation, a.inputDilation)
	at := index*a.stride - a.pad
	for p.tap < p.tapStep && (at+p.tap*a.dilation)%a.inputDilation != 0 {
		p.tap++
	}
	if p.tap < min(p.tapStep, a.kernel) {
		p.taps = ceilDiv(a.kernel-p.tap, p.tapStep)
		p.start = (at + p.tap*a.dilation) / a.inputDilation
	}
	p.advance = step * a.stride / a.inputDilation
	p.tapAdvance = p.tapStep * a.dilation / a.inputDilation
	return p
}

// out returns the output's index on the axis of output i of the class.
func (p *axisPhase) out(i int) int { return p.index + i*p.step }

// inside returns which taps of output i fall into the input: low ≤ tap < high; the first one's input is at.
func (p *axisPhase) inside(i int) (low, high, at int) {
	at = p.start + i*p.advance
	if at < 0 {
		low = min(p.taps, ceilDiv(-at, p.tapAdvance))
	}
	high = p.taps
	if last := at + (p.taps-1)*p.tapAdvance; last >= p.in {
		high = max(low, p.taps-ceilDiv(last-p.in+1, p.tapAdvance))
	}
	return low, high, at + low*p.tapAdvance
}

// whole returns the outputs of the class, from low on and below high, all of whose taps fall into the input.
func (p *axisPhase) whole() (low, high int) {
	if p.start < 0 {
		low = ceilDiv(-p.start, p.advance)
	}
	if room := p.in - 1 - (p.taps-1)*p.tapAdvance - p.start; room >= 0 {
		high = min(p.count, room/p.advance+1)
	}
	return low, max(low, high)
}

// patches gathers what pixels see of an image: all taps, and of each the perGroup channels from first on.
type patches struct {
	vertical, horizontal      axisPhase
	channels, first, perGroup int
}

// position returns where a pixel is, all images one after the other.
func (p *patches) position(pixel int) (image, row, column int) {
	column = pixel % p.horizontal.count
	pixel /= p.horizontal.count
	return pixel / p.vertical.count, pixel % p.vertical.count, column
}

// gather writes the patches of the pixels lo ≤ pixel < hi, stride apart.
func (p *patches) gather(dst []float32, stride int, x []float32, lo, hi int) {
	if p.horizontal.taps*p.vertical.taps == 0 {
		return
	}
	for pixel := lo; pixel < hi; {
		image, row, column := p.position(pixel)
		n := min(hi-pixel, p.horizontal.count-column)
		p.gatherRow(dst[(pixel-lo)*stride:], stride, x, image, row, column, n)
		pixel += n
	}
}

// gatherRow writes the patches of n neighbours.
func (p *patches) gatherRow(dst []float32, stride int, x []float32, image, row, column, n int) {
	line := p.horizontal.taps * p.perGroup
	low, high, at := p.vertical.inside(row)
	whole, wholeEnd := p.horizontal.whole()
	whole = min(max(whole-column, 0), n)
	wholeEnd = min(max(wholeEnd-column, whole), n)
	for tap := range p.vertical.taps {
		to := dst[tap*line:]
		if tap < low || tap >= high {
			for i := range n {
				clear(to[i*stride:][:line])
			}
			continue
		}
		from := (image*p.vertical.in + at + (tap-low)*p.vertical.tapAdvance) * p.horizontal.in
		p.gatherLines(to, stride, x, from, column, 0, whole)
		if p.horizontal.tapAdvance == 1 && p.perGroup == p.channels && whole < wholeEnd {
			p.copyLines(to[whole*stride:], stride, x[(from+p.horizontal.start+(column+whole)*p.horizontal.advance)*p.channels:], wholeEnd-whole)
		} else {
			p.gatherLines(to, stride, x, from, column, whole, wholeEnd)
		}
		p.gatherLines(to, stride, x, from, column, wholeEnd, n)
	}
}

// copyLines writes a line of n neighbours' patches that are all inside the row and lie in it as in the patch.
func (p *patches) copyLines(dst []float32, stride int, x []float32, n int) {
	line, advance := p.horizontal.taps*p.perGroup, p.horizontal.advance*p.channels
	for i := range n {
		copy(dst[i*stride:][:line], x[i*advance:][:line])
	}
}

// gatherLines writes a line of the patches lo ≤ i < hi after the one of column, from the row of x that begins at the
// given pixel.
func (p *patches) gatherLines(dst []float32, stride int, x []float32, row, column, lo, hi int) {
	line := p.horizontal.taps * p.perGroup
	for i := lo; i < hi; i++ {
		left, right, first := p.horizontal.inside(column + i)
		p.gatherLine(dst[i*stride:][:line], x, row+first, left, right)
	}
}

// gatherLine writes what a patch has of one row of x: its taps from left to right, the first of them at the given
// pixel, and zeros around.
func (p *patches) gatherLine(dst, x []float32, pixel, left, right int) {
	clear(dst[:left*p.perGroup])
	clear(dst[right*p.perGroup:])
	if left == right {
		return
	}
	from := x[pixel*p.channels+p.first:]
	if p.horizontal.tapAdvance == 1 && p.perGroup == p.channels {
		copy(dst[left*p.perGroup:right*p.perGroup], from)
		return
	}
	for tap := left; tap < right; tap++ {
		copy(dst[tap*p.perGroup:][:p.perGroup], from[(tap-left)*p.horizontal.tapAdvance*p.channels:])
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
