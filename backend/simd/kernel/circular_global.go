package kernel

// CircularGlobal is a depth-wise circular convolution of whole maps x [Batch, H, W, C] with w [H, W, C]:
//
//	out[b,i,j,c] = t[i,j,c] + Σ_{u,v} w[u,v,c] · x[b, (i+u) mod H, (j+v) mod W, c]
//
// It goes through the frequencies of two dimensions. Where a size has a prime factor above 13, maps are continued with
// zeros along it, and the kernel periodically, to a size without.
//
// Weights are packed once (Pack, in units of its own), then units are run in any order and split. A unit is sixteen
// channels of one image: its map is transformed along the width, then every frequency of that along the height,
// multiplied by the kernel's spectrum and taken back, all in scratch, so that x is read and out written once. As maps are
// transformed one by one, NaN and infinity stay in theirs. out must not overlap x.
type CircularGlobal struct {
	Batch, H, W, C int
	Table          bool // there is room for t [H, W, C] among the packed weights, and not for t [C] alone
}

// Units returns the number of independent parts of the convolution.
func (c CircularGlobal) Units() int { return c.Batch * blocksOf(c.C) }

// ScratchSize returns the number of floats that Run needs.
func (c CircularGlobal) ScratchSize() int { return c.geometry().size() }

// Run computes units lo to hi of out from x.
func (c CircularGlobal) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.Batch*c.mapSize())
	mustHold(x, c.Batch*c.mapSize())
	mustHold(packed, c.PackedSize())
	m := c.geometry().in(scratch)
	for u := lo; u < hi; u++ {
		block, image := u/c.Batch, u%c.Batch
		from := image*c.mapSize() + block*lanes
		filter := packed[block*c.packedBlock():][:c.packedBlock()]
		m.forward(x[from:], c.C, usedLanes(c.C, block))
		for v := range m.frequencies() {
			m.separate(v)
			m.down.convolve(m.column, m.column, m.column, c.factors(filter, v))
			m.combine(v, m.column)
		}
		m.inverse(out[from:], c.C, usedLanes(c.C, block))
	}
}

// Taps returns how many places a kernel has whose direct convolution takes about as long: where a map has more, this form
// pays. Lines are transformed in pairs and half of the frequencies are, so that along either axis there is half a complex
// row a place.
func (c CircularGlobal) Taps() int {
	g := c.geometry()
	along := fftRowCost(g.along.n) * float64(g.along.n*g.h)
	down := fftRowCost(g.down.n)*float64(g.down.n*g.along.n) + columnCalls*float64(g.frequencies())
	return int((along + down) / float64(g.h*g.w))
}

// columnCalls is how many products of vectors take as long as the calls for a column.
const columnCalls = 700

// Taps returns how many places a kernel has whose gradient, taken directly, takes about as long. Two maps are transformed.
func (g CircularGlobalGradient) Taps() int { return 2 * g.CircularGlobal.Taps() }

// mapSize is the number of floats of an image.
func (c *CircularGlobal) mapSize() int { return c.H * c.W * c.C }

func (c *CircularGlobal) geometry() mapGeometry { return newMapGeometry(c.H, c.W) }
