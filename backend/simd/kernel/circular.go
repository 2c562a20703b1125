package kernel

// Axis is the direction that a kernel runs in.
type Axis int

const (
	// Height runs along H, Width along W.
	Height Axis = iota
	Width
)

// Circular is the depth-wise circular convolution of Fast-ParC along one axis of x [Batch, H, W, C], N = H or W long.
// Along H, with w [N, C]:
//
//	out[b,i,j,c] = t[i,c] + Σ_k w[k,c] · (x[b, (i+k) mod N, j, c] + pe[(i+k) mod N, c])
//
// and along W the same with the roles of i and j swapped. It is computed directly, N products an output. pe is
// convolved on its own when packing: where w is infinite and pe is not zero, an infinite output may become NaN.
//
// x and out may be some channels of wider tensors: neighbouring pixels are InStride and OutStride floats apart, and the
// slices begin at the first channel of the first pixel.
//
// Weights are packed once (Pack, in units of its own), then units are run in any order and split. A unit is some vectors
// of sixteen channels, of one line or of several, where a line is what the kernel runs along.
type Circular struct {
	Batch, H, W, C      int
	Axis                Axis
	InStride, OutStride int
}

// CircularTerms are what a circular convolution adds; each may be nil.
type CircularTerms struct {
	Bias      []float32 // [C], to each output
	Embedding []float32 // pe [N, C], to the input
	Table     []float32 // [N, C], to the outputs: for inference, circ(pe, w) + bias in place of the other two
}

// unitProducts is about how many vector products a unit has.
const unitProducts = 1 << 14

// PackedSize returns the number of floats that Pack writes.
func (c Circular) PackedSize() int { return c.PackUnits() * c.packedPhase() }

// PackUnits returns the number of independent parts of the packing.
func (c Circular) PackUnits() int { l := c.lineVectors(nil, c.InStride); return l.phases }

// Pack lays out units lo to hi of w [N, C] and of what is added, for Run.
func (c Circular) Pack(packed, w []float32, terms CircularTerms, lo, hi int) {
	c.pack(packed, w, terms, 1, lo, hi)
}

// PackReversed lays out w turned round about index 0, w[(-k) mod N], for the gradient of x: the same convolution, of
// the gradient of out.
func (c Circular) PackReversed(packed, w []float32, lo, hi int) {
	c.pack(packed, w, CircularTerms{}, -1, lo, hi)
}

// Units returns the number of independent parts of the convolution.
func (c Circular) Units() int {
	l := c.lineVectors(nil, c.InStride)
	return c.groups(&l) * l.phases
}

// ScratchSize returns the number of floats that Run needs.
func (c Circular) ScratchSize() int { return (c.length() + c.rows()) * lanes }

// Run computes units lo to hi of out from x.
func (c Circular) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	if c.Axis == Width {
		c.Batch, c.H = 1, c.Batch*c.H // the rows of all images follow each other
	}
	from, to, size := c.lineVectors(x, c.InStride), c.lineVectors(out, c.OutStride), c.packedPhase()
	groups, rounds := c.groups(&from), from.rounds()
	for u := lo; u < hi; u++ {
		phase, group := u%from.phases, u/from.phases
		end := (group + 1) * rounds / groups
		for round := group * rounds / groups; round < end; {
			vector := round*from.phases + phase
			if vector >= from.vectors {
				break
			}
			round += c.convolve(&to, &from, vector, end-round, packed[phase*size:][:size], scratch)
		}
	}
}

// convolve computes a vector and up to most in all that follow it with the same channels. It returns how many.
func (c *Circular) convolve(out, x *lineVectors, vector, most int, packed, scratch []float32) int {
	kernel, start, _ := c.parts(packed)
	from, xNext, count := x.run(vector)
	to, outNext, follow := out.run(vector)
	count = min(count, follow, most)
	switch fits := c.rows() == c.length(); {
	case fits && count > 0:
		s := correlation{tiles: count, outTile: outNext, outStep: out.step, startStep: lanes, aTile: xNext, aStep: x.step}
		c.sum(s, place{out.x, to}, place{start, 0}, place{x.x, from}, kernel)
		return count
	case !fits && count >= tileOutputs:
		s := correlation{outTile: tileOutputs * outNext, outStep: outNext, bTile: tileOutputs * xNext, bOut: xNext}
		for i := range c.length() { // the second of two outputs takes x backwards
			c.sumAcross(s, count, place{out.x, to + i*out.step}, place{start, i * lanes}, place{x.x, from + i*x.step}, x.step*(1-2*i), kernel)
		}
		return count
	}
	// Lanes that are apart go through scratch, and so do few lines that are shorter than the smallest tile.
	z, y := scratch[:x.n*lanes], scratch[x.n*lanes:]
	x.load(z, vector)
	s := correlation{tiles: 1, outStep: lanes, startStep: lanes, aStep: lanes}
	c.sum(s, place{y, 0}, place{start, 0}, place{z, 0}, kernel)
	out.store(vector, y)
	return 1
}

// sum computes the outputs of lines, tile by tile.
func (c *Circular) sum(s correlation, out, start, x place, kernel []float32) {
	n, tile := c.length(), c.tile()
	s.rows, s.steps, s.bStep, s.bOut, s.narrow = 1, n, lanes, -lanes, tile == narrowOutputs
	for o := 0; o < n; o += tile {
		o := max(0, min(o, n-tile)) // the last tile covers outputs of the one before it again, with the same sums
		s.run(out.plus(o*s.outStep), start.plus(o*s.startStep), x, nil, place{kernel, (c.rows() - 1 - o) * lanes})
	}
}

// sumAcross computes an output of each of count lines of one or two, in tiles of neighbouring lines. It sums over values
// from x on, bStep floats apart.
func (c *Circular) sumAcross(s correlation, count int, out, start, x place, bStep int, kernel []float32) {
	s.rows, s.steps, s.aStep, s.bStep = 1, c.length(), lanes, bStep
	first := place{kernel, (c.rows() - 1) * lanes}
	s.tiles = count / tileOutputs
	s.run(out, start, first, nil, x)
	if last := count - tileOutputs; count%tileOutputs > 0 { // covers outputs of the tile before it again
		s.tiles = 1
		s.run(out.plus(last*s.outStep), start, first, nil, x.plus(last*s.bOut))
	}
}

// pack lays out phases lo to hi: the kernel as often round as the tiles reach, and what the sums start from. The
// embedding is convolved here: circ(x + pe, w) = circ(x, w) + circ(pe, w).
func (c Circular) pack(packed, w []float32, terms CircularTerms, direction, lo, hi int) {
	n := c.length()
	for phase := lo; phase < hi; phase++ {
		kernel, start, spare := c.parts(packed[phase*c.packedPhase():][:c.packedPhase()])
		rows, bias := spare[:n*lanes], spare[n*lanes:]
		c.gatherChannels(rows, w, phase)
		for i := range len(kernel) / lanes {
			k := direction * (i - (c.rows() - 1)) % n
			copy(kernel[i*lanes:][:lanes], rows[(k+n)%n*lanes:])
		}
		clear(bias)
		if terms.Bias != nil {
			for l := range c.channels(phase) {
				bias[l] = terms.Bias[c.channel(phase, l)]
			}
		}
		if terms.Embedding != nil {
			c.gatherChannels(rows, terms.Embedding, phase)
			c.sum(correlation{tiles: 1, outStep: lanes, aStep: lanes}, place{start, 0}, place{bias, 0}, place{rows, 0}, kernel)
		} else {
			for i := range c.rows() {
				copy(start[i*lanes:][:lanes], bias)
			}
		}
		if terms.Table != nil {
			c.gatherChannels(rows, terms.Table, phase)
			Binary(OpAdd, start[:n*lanes], start[:n*lanes], rows)
		}
	}
}

// parts returns the kernel, whose row rows-1 is its index 0, the starts of the sums, and room for N+1 rows, of what is
// packed for a phase.
func (c *Circular) parts(packed []float32) (kernel, start, spare []float32) {
	n, rows := c.length(), c.rows()
	k, s := (rows-1+n)*lanes, (2*rows-1+n)*lanes
	return packed[:k], packed[k:s], packed[s:]
}

func (c *Circular) packedPhase() int { return 2 * (c.rows() + c.length()) * lanes }

// span is the number of floats from the first channel of the first pixel to the last channel of the last.
func (c *Circular) span(stride int) int { return (c.Batch*c.H*c.W-1)*stride + c.C }

// length is N, tile the outputs of a tile, which short lines have small ones of, and rows the outputs that tiles cover.
func (c *Circular) length() int {
	if c.Axis == Height {
		return c.H
	}
	return c.W
}
func (c *Circular) tile() int {
	if c.length() < tileOutputs {
		return narrowOutputs
	}
	return tileOutputs
}
func (c *Circular) rows() int { return max(c.length(), c.tile()) }

// groups returns the number of groups that the vectors of a phase are split into.
func (c *Circular) groups(l *lineVectors) int {
	return min(l.rounds(), ceilDivide(l.rounds()*l.n*l.n, unitProducts))
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
