package kernel

// This file lays out the spectra that maps are multiplied by: of sixteen channels how many columns have terms, then the
// spectrum of the kernel, column by column, then that of the terms.

// PackedSize returns the number of floats that Pack writes.
func (c CircularGlobal) PackedSize() int { return c.PackUnits() * c.packedBlock() }

// PackUnits returns the number of independent parts of the packing.
func (c CircularGlobal) PackUnits() int { return blocksOf(c.C) }

// PackScratchSize returns the number of floats that Pack needs.
func (c CircularGlobal) PackScratchSize() int { return c.ScratchSize() }

// Pack transforms units lo to hi of w [H, W, C], and of what is added to the outputs, for Run: bias [C] to each and table
// [H, W, C] to each place its own. Bias may be nil, and table is where c.Table is not set.
func (c CircularGlobal) Pack(packed, w, bias, table []float32, lo, hi int, scratch []float32) {
	m := c.geometry().in(scratch)
	for block := lo; block < hi; block++ {
		to := packed[block*c.packedBlock():][:c.packedBlock()]
		c.packKernel(to, w, block, &m, true)
		if c.Table {
			to[0] = float32(c.addedColumns())
			m.forward(table[block*lanes:], c.C, usedLanes(c.C, block))
			for v := range m.frequencies() {
				m.separate(v)
				m.transformColumn(c.factors(to, v).added, 1/(2*m.places()), false)
			}
		}
		if bias == nil {
			continue
		}
		if !c.Table {
			to[0] = 1
			clear(c.factors(to, 0).added)
		}
		constant := c.factors(to, 0).added[int(m.down.slots[0])*2*lanes:]
		for l, b := range bias[block*lanes:][:usedLanes(c.C, block)] {
			constant[l] += b
		}
	}
}

// PackReversed transforms w turned round about index 0 of both axes, w[(-u) mod H, (-v) mod W], for the gradient of x:
// the same convolution, of the gradient of out.
func (c CircularGlobal) PackReversed(packed, w []float32, lo, hi int, scratch []float32) {
	m := c.geometry().in(scratch)
	for block := lo; block < hi; block++ {
		c.packKernel(packed[block*c.packedBlock():][:c.packedBlock()], w, block, &m, false)
	}
}

// packKernel lays out the spectrum of a block of w, or its conjugate, as the convolution looks ahead. The factors of the
// way back, and of taking columns apart both here and in the convolution, are in it.
func (c *CircularGlobal) packKernel(packed, w []float32, block int, m *mapTransform, conjugate bool) {
	packed[0] = 0
	m.periodic = true
	m.forward(w[block*lanes:], c.C, usedLanes(c.C, block))
	for v := range m.frequencies() {
		m.separate(v)
		m.transformColumn(c.factors(packed, v).filter, 1/(4*m.places()), conjugate)
	}
	m.periodic = false
}

// factors returns what a column is multiplied by, and what is then added to it.
func (c *CircularGlobal) factors(packed []float32, v int) factorRows {
	g := c.geometry()
	size, all := 2*g.down.n*lanes, g.frequencies()*2*g.down.n*lanes
	f := factorRows{filter: packed[lanes+v*size:][:size]}
	if v < int(packed[0]) {
		f.added = packed[lanes+all+v*size:][:size]
	}
	return f
}

// packedBlock is the number of floats of sixteen channels.
func (c *CircularGlobal) packedBlock() int {
	g := c.geometry()
	return (1 + 2*g.down.n*(g.frequencies()+c.addedColumns())) * lanes
}

// addedColumns is the number of columns that may have terms: what is the same at all places has one frequency.
func (c *CircularGlobal) addedColumns() int {
	if !c.Table {
		return 1
	}
	return c.geometry().frequencies()
}
