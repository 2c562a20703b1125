package kernel

// Gemm describes a product of matrices with everything that is done to the result before it is written:
//
//	C[M,N] = act(A[M,K]·B[K,N]·Scale + Bias) + Residual
//
// A is read in place: element [i,l] is a[i·ARow + l·ACol], so a transposed matrix is a matter of strides. B is packed
// by PackB or read in place. Every element of C is summed in the order of l by fused multiply-adds in one accumulator
// (the pure-Go twin rounds products too, where the processor's compiler does), so the bits of the result depend on
// neither the units nor the sizes of blocks.
type Gemm struct {
	M, N, K int
	// ARow and ACol are the distances between rows and columns of A in elements.
	ARow, ACol int
	// BRow is the distance between the rows of B where B is read in place, with columns next to each other; 0 means
	// that B was packed.
	BRow int
	// CRow is the distance between the rows of C, and of the residual.
	CRow int
	Epilogue
}

// Epilogue is what a product or convolution does to its sums before it writes them.
type Epilogue struct {
	// Scale and Bias have one element a column; nil means absent.
	Scale, Bias []float32
	Activation  Activation
	// Residual has the layout of the result and must not overlap it; nil means absent.
	Residual []float32
	// ResidualFirst adds the residual before the activation, not after.
	ResidualFirst bool
	// Accumulate starts the sums from what the result holds, not from zero.
	Accumulate bool
}

// Bits of a tile's options, as in the generator of the assembly.
const (
	optionAccumulate = 1 << iota
	optionReLU
	optionReLU6
	optionResidualFirst
)

// Units returns the number of units that the work can be split into: blocks of rows and columns of C.
func (g *Gemm) Units() int {
	s := g.blocks()
	return s.rowBlocks * s.columnBlocks
}

// ScratchSize returns the number of elements of scratch memory that each concurrent Run needs.
func (g *Gemm) ScratchSize() int {
	return g.blocks().rows*depthOf(g.K)*2 + g.blocks().rows*scratchPadding + tailSize(g)
}

// Run computes the units lo ≤ unit < hi. b is B packed at the current level, or B itself where BRow says so.
func (g *Gemm) Run(c, a, b []float32, lo, hi int, scratch []float32) {
	s := g.blocks()
	for unit := lo; unit < hi; unit++ {
		row, column := unit%s.rowBlocks*s.rows, unit/s.rowBlocks*s.columns
		block := gemmBlock{
			Gemm: *g, c: c, a: a, b: b, scratch: scratch,
			row: row, rows: min(s.rows, g.M-row), column: column, columns: min(s.columns, g.N-column),
		}
		block.run()
	}
}

// blocks is how C is divided into units: rowBlocks times columnBlocks blocks, all of rows by columns but the last.
type blocks struct{ rows, columns, rowBlocks, columnBlocks int }

// blocks makes units of up to 8 by 8 tiles, smaller ones where these would be too few to share out evenly. Where K is
// long, large units matter more: each reads its part of A and B from memory once.
func (g *Gemm) blocks() blocks {
	t := level.tile()
	rowTiles, panels := ceilDiv(g.M, t.rows), ceilDiv(g.N, t.columns)
	groupRows, groupPanels := min(8, max(rowTiles, 1)), min(8, max(panels, 1))
	units := 32
	if g.K > 2048 {
		units = 4
	}
	for ceilDiv(rowTiles, groupRows)*ceilDiv(panels, groupPanels) < units && groupRows*groupPanels > 1 {
		if groupRows > groupPanels {
			groupRows = ceilDiv(groupRows, 2)
		} else {
			groupPanels = ceilDiv(groupPanels, 2)
		}
	}
	return blocks{groupRows * t.rows, groupPanels * t.columns, ceilDiv(rowTiles, groupRows), ceilDiv(panels, groupPanels)}
}

// gemmBlock is one unit of a product on its way.
type gemmBlock struct {
	Gemm
	c, a, b, scratch           []float32
	row, rows, column, columns int
}

// run sums the block over one stretch of K after the other, each short enough for the caches; between stretches the
// sums wait in C.
func (g *gemmBlock) run() {
	t := level.tile()
	depth := depthOf(g.K)
	for k := 0; k == 0 || k < g.K; k += depth {
		n := min(depth, g.K-k)
		part := gemmPanel{k: n, cRow: g.CRow, rows: g.rows}
		tail := g.scratch[g.placeRows(&part, t, k):]
		if k > 0 || g.Accumulate {
			part.options |= optionAccumulate
		}
		for j := 0; j < g.columns; j += t.columns {
			g.panel(part, t, k, j, k+n >= g.K, tail)
		}
	}
}

// panel computes one panel of columns from column j of the block on. last says that no more of K follows.
func (g *gemmBlock) panel(part gemmPanel, t tileShape, k, j int, last bool, tail []float32) {
	j += g.column
	part.columns = min(t.columns, g.N-j)
	part.c = g.c[g.row*g.CRow+j:]
	g.placeColumns(&part, t, k, j, tail)
	if !last {
		part.run()
		return
	}
	if g.Scale != nil {
		part.scale = g.Scale[j:]
	}
	if g.Bias != nil {
		part.bias = g.Bias[j:]
	}
	var late []float32
	if g.Residual != nil {
		late = g.Residual[g.row*g.CRow+j:]
	}
	if g.ResidualFirst {
		part.options |= optionResidualFirst
	}
	if g.Activation.inTile() || g.ResidualFirst {
		part.residual, late = late, nil
	}
	switch g.Activation {
	case ReLU:
		part.options |= optionReLU
	case ReLU6:
		part.options |= optionReLU | optionReLU6
	}
	part.run()
	if !g.Activation.inTile() {
		g.Activation.finish(part.c, late, g.CRow, part.rows, part.columns)
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(a, b int) int { return ceilDiv(a, b) * b }
