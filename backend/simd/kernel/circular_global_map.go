package kernel

// This file has the Fourier transform of maps of real numbers, sixteen channels at once. Of its spectrum the first half
// of the frequencies along the width is computed: the others are conjugates.
//
// Along the width, a line of the upper half of the map and one of the lower half are the real and the imaginary part of
// one complex signal. Each frequency v of these signals, together with frequency -v, is then taken apart into the
// frequencies of the lines, a column, and brought back so.

// mapGeometry says how maps are transformed.
type mapGeometry struct {
	h, w        int
	down, along *fftPlan // the transforms along the height and along the width
}

func newMapGeometry(h, w int) mapGeometry {
	return mapGeometry{h, w, fftPlanOf(fftPlanOf(h).rows()), fftPlanOf(fftPlanOf(w).rows())}
}

// frequencies returns the number of columns.
func (g mapGeometry) frequencies() int { return g.along.n/2 + 1 }

// signals returns the number of complex signals along the width. Where H is odd the last one has no imaginary part.
func (g mapGeometry) signals() int { return (g.h + 1) / 2 }

// pitch is the number of floats from a frequency of the signals to the next: an odd number of vectors, which do not share
// places in the cache.
func (g mapGeometry) pitch() int { return (g.signals() | 1) * lanes }

// columnRows is the number of rows of a column, those that a pair of lines leaves over included.
func (g mapGeometry) columnRows() int { return max(g.down.n, 2*g.signals()) }

// places returns the number of rows of a map, continued.
func (g mapGeometry) places() float32 { return float32(g.along.n * g.down.n) }

// size returns the number of floats that a map in transformation takes.
func (g mapGeometry) size() int {
	return 2*g.along.n*g.pitch() + signalSize(g.along.n) + signalSize(g.columnRows()) + 1
}

// in returns a map in transformation, at the beginning of scratch.
func (g mapGeometry) in(scratch []float32) mapTransform {
	mustHold(scratch, g.size())
	m, all := mapTransform{mapGeometry: g}, g.along.n*g.pitch()
	m.re, m.im, scratch = scratch[:all], scratch[all:2*all], scratch[2*all:]
	m.line, scratch = signalIn(scratch, g.along.n), scratch[signalSize(g.along.n):]
	m.column, m.factor = signalIn(scratch, g.columnRows()), scratch[signalSize(g.columnRows()):][:1]
	return m
}

// mapTransform is a map in transformation.
type mapTransform struct {
	mapGeometry
	re, im []float32   // [W, signals], along the width a row's frequencies in the order in which the transform leaves them
	line   complexRows // one signal along the width
	column complexRows // the frequencies of one column's lines, or their spectrum
	factor []float32   // of scale

	periodic bool // continuations go around, as those of kernels do, and are not zeros
}

// signal returns the rows of a signal along the width.
func (m *mapTransform) signal(p int) complexRows {
	return complexRows{m.re[p*lanes:], m.im[p*lanes:], m.pitch()}
}

// pair returns the rows of a signal's lines in x, whose pixels are stride floats apart, and whether both are there.
func (m *mapTransform) pair(x []float32, p, stride int) (rows complexRows, both bool) {
	upper, lower := x[p*m.w*stride:], []float32(nil)
	if both = m.signals()+p < m.h; both {
		lower = x[(m.signals()+p)*m.w*stride:]
	}
	return complexRows{upper, lower, stride}, both
}

// inPlace says whether lines are transformed where they are: each pixel has sixteen channels, and nothing is continued.
func (m *mapTransform) inPlace(used int) bool { return used == lanes && m.along.n == m.w }

// forward transforms the map of the first used channels of x along the width.
func (m *mapTransform) forward(x []float32, stride, used int) {
	for p := range m.signals() {
		in, both := m.pair(x, p, stride)
		if !both || !m.inPlace(used) {
			m.load(in, used, both)
			in = m.line
		}
		m.along.forward(m.signal(p), in)
	}
}

// load copies a signal's lines to m.line, continued.
func (m *mapTransform) load(in complexRows, used int, both bool) {
	packLanes(m.line.re, in.re, m.w, in.stride, used)
	if both {
		packLanes(m.line.im, in.im, m.w, in.stride, used)
	} else {
		clear(m.line.im)
	}
	m.extend(m.line, m.w, m.along.n)
}

// extend continues n rows to those of a longer transform, for all differences of two indices below n. Rows after these
// become zero.
func (m *mapTransform) extend(z complexRows, n, longer int) {
	for _, part := range [2][]float32{z.re, z.im} {
		clear(part[n*lanes:])
		if m.periodic && longer > n {
			copy(part[(longer-n+1)*lanes:longer*lanes], part[lanes:])
		}
	}
}

// inverse takes all frequencies back along the width, without the factor 1/W, to the first used channels of out.
func (m *mapTransform) inverse(out []float32, stride, used int) {
	for p := range m.signals() {
		to, both := m.pair(out, p, stride)
		if both && m.inPlace(used) {
			m.along.inverseTo(to, m.signal(p))
			continue
		}
		m.along.inverseTo(m.line, m.signal(p))
		m.fold(m.line, m.w, m.along.n)
		unpackLanes(to.re, m.line.re, m.w, stride, used)
		if both {
			unpackLanes(to.im, m.line.im, m.w, stride, used)
		}
	}
}

// parts returns the rows of all signals at a frequency and at its negative.
func (m *mapTransform) parts(v int) (positive, negative complexRows) {
	at := func(slot int32) complexRows {
		first, size := int(slot)*m.pitch(), m.signals()*lanes
		return complexRows{m.re[first:][:size], m.im[first:][:size], lanes}
	}
	return at(m.along.slots[v]), at(m.along.slots[(m.along.n-v)%m.along.n])
}

// fold adds to n rows what a longer transform has at the differences of two indices that are below zero.
func (m *mapTransform) fold(z complexRows, n, longer int) {
	if m.periodic && longer > n && n > 1 {
		for _, part := range [2][]float32{z.re, z.im} {
			sums := part[lanes : n*lanes]
			Binary(OpAdd, sums, sums, part[(longer-n+1)*lanes:longer*lanes])
		}
	}
}

// separate sets the column to twice frequency v of all lines, continued. Of z = x + iy with real x and y,
// 2X(v) = Z(v) + conj Z(-v) and 2Y(v) = -i·(Z(v) - conj Z(-v)).
func (m *mapTransform) separate(v int) {
	a, b := m.parts(v)
	size := len(a.re)
	Binary(OpAdd, m.column.re[:size], a.re, b.re)
	Binary(OpSub, m.column.im[:size], a.im, b.im)
	Binary(OpAdd, m.column.re[size:2*size], a.im, b.im)
	Binary(OpSub, m.column.im[size:2*size], b.re, a.re)
	m.extend(m.column, m.h, m.down.n)
}

// combine sets frequencies v and -v of the signals from the column of v: Z(v) = X(v) + iY(v), and Z(-v) the same of the
// conjugates.
func (m *mapTransform) combine(v int, column complexRows) {
	a, b := m.parts(v)
	size := len(a.re)
	m.fold(column, m.h, m.down.n)
	clear(column.re[m.h*lanes:])
	clear(column.im[m.h*lanes:])
	upper := complexRows{column.re[:size], column.im[:size], lanes}
	lower := complexRows{column.re[size:][:size], column.im[size:][:size], lanes}
	Binary(OpAdd, b.re, upper.re, lower.im)
	Binary(OpSub, b.im, lower.re, upper.im)
	Binary(OpSub, a.re, upper.re, lower.im)
	Binary(OpAdd, a.im, lower.re, upper.im)
}

// transformColumn transforms the column, multiplied by a factor, to interleaved rows, or to their conjugates.
func (m *mapTransform) transformColumn(to []float32, factor float32, conjugate bool) {
	rows, from := interleaved(to), m.column
	m.scale(from.re, factor)
	if conjugate { // the conjugate of a transform is the inverse transform of the conjugate
		rows, from, factor = rows.exchange(), from.exchange(), -factor
	}
	m.scale(m.column.im, factor)
	m.down.forward(rows, from)
}

// scale multiplies by a factor. That is read from scratch, as its address goes to assembly.
func (m *mapTransform) scale(s []float32, factor float32) {
	m.factor[0] = factor
	Binary(OpMul, s, s, m.factor)
}

// inverseTo takes a spectrum z back to out, which must not overlap it, without the factor 1/n. z is used up.
func (p *fftPlan) inverseTo(out, z complexRows) {
	out, z = out.exchange(), z.exchange()
	for i := len(p.stages) - 1; i >= 0; i-- {
		to := &z
		if i == 0 {
			to = &out
		}
		p.stages[i].run(inverseButterfly, to, &z, &factorRows{}, to, 0, p.stages[i].butterflies())
	}
}
