package kernel

// maxDepth is the longest stretch of K that is summed at once: its panel of B and tile of A then fit the nearest caches.
const maxDepth = 256

// depthOf returns the length of equal stretches of k.
func depthOf(k int) int { return max(1, ceilDiv(k, max(1, ceilDiv(k, maxDepth)))) }

// scratchPadding is what keeps copied rows of A from falling on one set of the cache.
const scratchPadding = 16

// tileShape is the block of C that a level holds in registers.
type tileShape struct {
	rows, columns int
	// vector is what the number of columns of a panel is rounded up to.
	vector int
	// packedRows is the distance between the columns of a tile of A that was packed.
	packedRows int
}

func (l Level) tile() tileShape {
	switch l {
	case AVX512:
		return tileShape{rows: 14, columns: 32, vector: 16, packedRows: 16}
	case AVX2:
		return tileShape{rows: 6, columns: 16, vector: 8, packedRows: 8}
	default:
		return tileShape{rows: 4, columns: 8, vector: 4, packedRows: 4}
	}
}

// PackedBSize returns the number of elements that PackB writes.
func PackedBSize(k, n int) int { return k * roundUp(n, level.tile().vector) }

// PackB lays B[k,n] out for products at the current level: panels of its tile's columns, the rows of a panel one after
// the other, the last panel filled up with zeros to whole vectors. Element [i,j] is b[i·strideK + j·strideN].
func PackB(dst, b []float32, k, n, strideK, strideN int) {
	packB(dst, b, k, n, rowOffsets{channels: k, columns: 1, channel: strideK}, strideN)
}

// rowOffsets tells where the rows of B lie: row i belongs to channel i%channels of the tap i/channels, which is in
// column (i/channels)%columns and row i/channels/columns of the kernel.
type rowOffsets struct {
	base                 int
	channels, columns    int
	channel, column, row int // distances
}

func (r *rowOffsets) at(i int) int {
	tap := i / r.channels
	return r.base + i%r.channels*r.channel + tap%r.columns*r.column + tap/r.columns*r.row
}

// packB is PackB for rows at any place.
func packB(dst, b []float32, k, n int, rows rowOffsets, strideN int) {
	t := level.tile()
	for j := 0; j < n; j += t.columns {
		columns := min(t.columns, n-j)
		width := roundUp(columns, t.vector)
		panel := dst[j*k:][:k*width]
		for i := range k {
			line := panel[i*width:][:width]
			from := b[rows.at(i)+j*strideN:]
			if strideN == 1 {
				copy(line, from[:columns])
			} else {
				for l := range columns {
					line[l] = from[l*strideN]
				}
			}
			clear(line[columns:])
		}
	}
}

// placeRows points the panel at the block's rows of A from column k on, packed into scratch where reading them in place
// would miss the caches. It returns how much of scratch it took.
func (g *gemmBlock) placeRows(p *gemmPanel, t tileShape, k int) int {
	from := g.a[min(len(g.a), g.row*g.ARow+k*g.ACol):]
	severalPanels := g.columns > t.columns
	switch {
	case g.ARow == 1 && g.ACol != 1 && severalPanels:
		p.a, p.aRow, p.aCol, p.aTile = g.scratch, 1, t.packedRows, t.packedRows*p.k
		for i := 0; i < g.rows; i += t.rows {
			packColumns(g.scratch[i/t.rows*p.aTile:], from[i:], g.ACol, p.k, min(t.rows, g.rows-i), t.packedRows)
		}
		return ceilDiv(g.rows, t.rows) * p.aTile
	case g.ACol == 1 && g.ARow%512 == 0 && severalPanels && g.rows > 1:
		p.a, p.aRow, p.aCol = g.scratch, p.k+scratchPadding, 1
		for i := range g.rows {
			copy(g.scratch[i*p.aRow:][:p.k], from[i*g.ARow:])
		}
		p.aTile = t.rows * p.aRow
		return g.rows * p.aRow
	default:
		p.a, p.aRow, p.aCol, p.aTile = from, g.ARow, g.ACol, t.rows*g.ARow
		return 0
	}
}

// placeColumns points the panel at rows k and following of B, columns j and following. Where B is read in place and the
// panel is no whole number of vectors, it is copied into tail.
func (g *gemmBlock) placeColumns(p *gemmPanel, t tileShape, k, j int, tail []float32) {
	width := roundUp(p.columns, t.vector)
	switch {
	case g.BRow == 0:
		p.b, p.bRow = g.b[j*g.K+k*width:], width
	case width == p.columns:
		p.b, p.bRow = g.b[min(len(g.b), k*g.BRow+j):], g.BRow
	default:
		p.b, p.bRow = tail, width
		for l := range p.k {
			line := tail[l*width:][:width]
			copy(line, g.b[(k+l)*g.BRow+j:][:p.columns])
			clear(line[p.columns:])
		}
	}
}

// tailSize is what placeColumns needs of scratch.
func tailSize(g *Gemm) int {
	t := level.tile()
	if g.BRow == 0 || g.N%t.vector == 0 {
		return 0
	}
	return depthOf(g.K) * t.columns
}

// packColumns sets dst[l·width+i] = src[l·srcRow+i] for l < k and i < rows; what is between rows and width is free.
func packColumns(dst, src []float32, srcRow, k, rows, width int) {
	if k == 0 {
		return
	}
	dst, src = dst[:k*width], src[:(k-1)*srcRow+rows]
	if packColumnsVector(dst, src, srcRow, k, rows) {
		return
	}
	for l := range k {
		copy(dst[l*width:][:rows], src[l*srcRow:])
	}
}
