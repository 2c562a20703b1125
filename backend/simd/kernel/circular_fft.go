package kernel

// CircularFFT is the convolution that Circular describes, through the frequencies: its cost grows like N·log N.
//
// Two neighbouring lines of one image or of one and the next are the real and the imaginary part of one complex signal,
// as they share the kernel: of a line with NaN or infinity in it, its neighbour may become NaN too. Signals are
// transformed, multiplied by the kernel's spectrum and taken back in cache, so that x is read and out written once. Where
// N has a prime factor above 13 they are continued with zeros, and the kernel periodically, to a length without.
//
// A unit is sixteen channels of some pairs of lines. out may be x.
type CircularFFT struct{ Circular }

// unitRows is about how many complex rows a unit has.
const unitRows = 512

// PackedSize returns the number of floats that Pack writes.
func (c CircularFFT) PackedSize() int { return c.blocks() * c.packedBlock() }

// PackUnits returns the number of independent parts of the packing.
func (c CircularFFT) PackUnits() int { return c.blocks() }

// Pack transforms units lo to hi of w [N, C] and of what is added, for Run.
func (c CircularFFT) Pack(packed, w []float32, terms CircularTerms, lo, hi int) {
	c.pack(packed, w, terms, 1, lo, hi)
}

// PackReversed transforms w turned round about index 0, w[(-k) mod N], for the gradient of x: the same convolution, of
// the gradient of out.
func (c CircularFFT) PackReversed(packed, w []float32, lo, hi int) {
	c.pack(packed, w, CircularTerms{}, -1, lo, hi)
}

// Taps returns how long a kernel is whose direct convolution takes about as long: where N is greater, this form pays.
func (c CircularFFT) Taps() int {
	m := c.transformed()
	perLine := float64(2*c.pairs(0)) / float64(c.Batch*c.lines(0)) // 2 where a line is alone
	return int(0.75 * perLine * fftRowCost(m) * float64(m) / float64(c.length()))
}

// Units returns the number of independent parts of the convolution.
func (c CircularFFT) Units() int { return c.groups() * c.blocks() }

// ScratchSize returns the number of floats that Run needs.
func (c CircularFFT) ScratchSize() int { return signalSize(c.transformed()) }

// Run computes units lo to hi of out from x.
func (c CircularFFT) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	n, plan, blocks, groups := c.length(), fftPlanOf(c.transformed()), c.blocks(), c.groups()
	work := signalIn(scratch, plan.n)
	for u := lo; u < hi; u++ {
		block, group := u%blocks, u/blocks
		factors, pairs := c.factors(packed, block, plan.n), c.pairs(block)
		in, results := c.lineSet(x, c.InStride, block), c.lineSet(out, c.OutStride, block)
		for i := group * pairs / groups; i < (group+1)*pairs/groups; i++ {
			from, to := in.pair(i), results.pair(i)
			if from.whole && plan.n == n {
				plan.convolve(to.rows, from.rows, work, factors)
				continue
			}
			from.load(work, n, plan.n)
			plan.convolve(work, work, work, factors)
			to.store(work, n)
		}
	}
}

// packedBlock is the number of floats of a packed block: whether it has terms, the spectra of the kernel and of those.
func (c *CircularFFT) packedBlock() int { return (1 + 4*c.transformed()) * lanes }

// factors returns a packed block for transforms of length m. Its first float says whether it has terms.
func (c *CircularFFT) factors(packed []float32, block, m int) factorRows {
	size := 2 * m * lanes
	packed = packed[block*c.packedBlock():][:c.packedBlock()]
	both := packed[lanes:]
	if packed[0] == 0 {
		return factorRows{filter: both[:size]}
	}
	return factorRows{both[:size], both[size:]}
}

// pack lays out, for blocks lo to hi, the spectrum of the kernel that z is convolved with and that of what is added to two
// lines at once, each with the factor of the way back.
func (c CircularFFT) pack(packed, w []float32, terms CircularTerms, direction, lo, hi int) {
	n, plan := c.length(), fftPlanOf(c.transformed())
	clear(packed[lo*c.packedBlock() : hi*c.packedBlock()])
	scale, first := 1/float32(plan.n), 0
	if plan.n > n {
		first = 1 - n
	}
	for block := lo; block < hi; block++ {
		if terms.Bias != nil || terms.Embedding != nil || terms.Table != nil {
			packed[block*c.packedBlock()] = 1
		}
		f := c.factors(packed, block, plan.n)
		for d := first; d < n; d++ {
			row, k := (d+plan.n)%plan.n, -direction*d
			for l := range c.used(block, 0) {
				f.filter[2*row*lanes+l] = w[(k%n+n)%n*c.C+c.channel(block, l)] * scale
			}
		}
		z := interleaved(f.filter)
		plan.forward(z, z)
		if f.added != nil {
			c.packTerms(plan, f, block, terms)
		}
	}
}

func (c *CircularFFT) packTerms(plan *fftPlan, f factorRows, block int, terms CircularTerms) {
	n, scale, z := c.length(), 1/float32(plan.n), interleaved(f.added)
	if terms.Embedding != nil {
		for i := range n {
			re, _ := z.row(int32(i))
			for l := range c.used(block, 0) {
				re[l] = terms.Embedding[i*c.C+c.channel(block, l)]
			}
		}
		plan.convolve(z, z, z, factorRows{filter: f.filter})
		clear(f.added[2*n*lanes:])
	}
	for i := range n {
		re, im := z.row(int32(i))
		for l := range c.used(block, 0) {
			channel := c.channel(block, l)
			if terms.Table != nil {
				re[l] += terms.Table[i*c.C+channel]
			}
			if terms.Bias != nil {
				re[l] += terms.Bias[channel]
			}
			re[l] *= scale
		}
		*im = *re
	}
	plan.forward(z, z)
}

// channel returns the channel in a lane of the first line of a block.
func (c *CircularFFT) channel(block, lane int) int { return (block*lanes + lane) % c.C }

// transformed returns the length of the transforms: N, or enough for all differences of two indices below N.
func (c *CircularFFT) transformed() int { return fftPlanOf(c.length()).rows() }

// together returns how many rows lie side by side in the lanes as one line, where the kernel runs along them and a row
// has few channels.
func (c *CircularFFT) together() int {
	if c.Axis == Width && c.C <= lanes/2 {
		return min(c.H, lanes/c.C)
	}
	return 1
}

// lines returns the number of lines of an image that a block has, and used the number of channels of one.
func (c *CircularFFT) lines(block int) int { return ceilDivide(c.Circular.lines(block), c.together()) }
func (c *CircularFFT) used(block, line int) int {
	if rows := c.together(); rows > 1 {
		return min(rows, c.H-line*rows) * c.C
	}
	return c.Circular.used(block, line)
}

// pairs returns the number of pairs of lines of all images that a block has, and groups that of the groups of pairs.
func (c *CircularFFT) pairs(block int) int { return ceilDivide(c.Batch*c.lines(block), 2) }
func (c *CircularFFT) groups() int {
	return min(c.pairs(0), ceilDivide(c.pairs(0)*c.transformed(), unitRows))
}

// lineSet is where the lines of a block are in all images of x, lines an image.
type lineSet struct {
	x                   []float32
	step, next, image   int // from a pixel of a line, a line and an image to the next
	lines, batch        int
	width, apart        int // a line has pieces of this width, this far from each other
	usedFirst, usedLast int // channels of an image's lines but the last, and of its last
}

func (c *CircularFFT) lineSet(x []float32, stride, block int) lineSet {
	at, step, next := c.place(stride, 0, block, 0)
	lines, width := c.lines(block), lanes
	if c.together() > 1 {
		width = c.C
	}
	return lineSet{
		x: x[at:], step: step, next: next * c.together(), image: c.H * c.W * stride, lines: lines, batch: c.Batch,
		width: width, apart: next, usedFirst: c.used(block, 0), usedLast: c.used(block, lines-1),
	}
}

// line returns a line of all images and the number of channels it has.
func (s *lineSet) line(i int) (x []float32, used int) {
	image, line := i/s.lines, i%s.lines
	x = s.x[image*s.image+line*s.next:]
	if line == s.lines-1 {
		return x, s.usedLast
	}
	return x, s.usedFirst
}

// linePair is the two lines of a signal.
type linePair struct {
	rows         complexRows
	used         [2]int
	width, apart int
	alone        bool // the last line of an odd number of lines, twice
	whole        bool // both have sixteen channels next to each other
}

// pair returns lines 2i and 2i+1.
func (s *lineSet) pair(i int) linePair {
	second := min(2*i+1, s.batch*s.lines-1)
	a, usedA := s.line(2 * i)
	b, usedB := s.line(second)
	whole := usedA == lanes && usedB == lanes && s.width == lanes
	return linePair{complexRows{a, b, s.step}, [2]int{usedA, usedB}, s.width, s.apart, second == 2*i, whole}
}

// load copies n rows to z and continues them with zeros to m rows.
func (p *linePair) load(z complexRows, n, m int) {
	for i, part := range [2][]float32{z.re, z.im} {
		x, used := [2][]float32{p.rows.re, p.rows.im}[i], p.used[i]
		if used <= p.width {
			packLanes(part, x, n, p.rows.stride, used)
		} else {
			clear(part[:n*lanes])
			for at := 0; at < used; at += p.width {
				copyLanes(part[at:], x[at/p.width*p.apart:], n, lanes, p.rows.stride, p.width)
			}
		}
		clear(part[n*lanes : m*lanes])
	}
}

// store copies n rows of z.
func (p *linePair) store(z complexRows, n int) {
	for i, part := range [2][]float32{z.re, z.im} {
		x, used := [2][]float32{p.rows.re, p.rows.im}[i], p.used[i]
		if used <= p.width {
			unpackLanes(x, part, n, p.rows.stride, used)
			continue
		}
		for at := 0; at < used; at += p.width {
			copyLanes(x[at/p.width*p.apart:], part[at:], n, p.rows.stride, lanes, p.width)
		}
	}
}

// copyLanes copies used ≤ 8 floats of each of pixels pixels; strides count floats.
func copyLanes(dst, src []float32, pixels, dstStride, srcStride, used int) {
	_, _ = dst[(pixels-1)*dstStride+used-1], src[(pixels-1)*srcStride+used-1]
	if copyLanesVector(dst, src, pixels, dstStride, srcStride, used) {
		return
	}
	for i := range pixels {
		copy(dst[i*dstStride:][:used], src[i*srcStride:])
	}
}

// signalSize returns the number of floats of n complex rows, and signalIn returns such rows at the beginning of s. A gap
// between the parts keeps them from sharing places in the cache.
func signalSize(n int) int { return (2*n + 1) * lanes }
func signalIn(s []float32, n int) complexRows {
	return complexRows{s[:n*lanes], s[(n+1)*lanes:][:n*lanes], lanes}
}

// interleaved returns the rows of a spectrum whose real and imaginary parts take turns.
func interleaved(s []float32) complexRows { return complexRows{s, s[lanes:], 2 * lanes} }
