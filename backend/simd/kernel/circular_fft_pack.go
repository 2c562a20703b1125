package kernel

// This file lays out the spectra that signals are multiplied by: of a phase whether there are terms, then the spectrum of
// the kernel, then that of the terms of two lines, then room for a signal.

// PackedSize returns the number of floats that Pack writes.
func (c CircularFFT) PackedSize() int { return c.PackUnits() * phaseSize(c.transformed()) }

// PackUnits returns the number of independent parts of the packing.
func (c CircularFFT) PackUnits() int {
	l := c.lineVectors(nil, c.InStride)
	return l.phases
}

// Pack transforms units lo to hi of w [N, C] and of what is added, for Run.
func (c CircularFFT) Pack(packed, w []float32, terms CircularTerms, lo, hi int) {
	c.pack(packed, w, terms, false, lo, hi)
}

// PackReversed transforms w turned round about index 0, w[(-k) mod N], for the gradient of x: the same convolution, of
// the gradient of out.
func (c CircularFFT) PackReversed(packed, w []float32, lo, hi int) {
	c.pack(packed, w, CircularTerms{}, true, lo, hi)
}

func (c *CircularFFT) pack(packed, w []float32, terms CircularTerms, reversed bool, lo, hi int) {
	plan, has := fftPlanOf(c.transformed()), float32(0)
	if terms.Bias != nil || terms.Embedding != nil || terms.Table != nil {
		has = 1
	}
	for phase := lo; phase < hi; phase++ {
		block := packed[phase*phaseSize(plan.n):][:phaseSize(plan.n)]
		block[0] = has
		filter, added, spare := block[lanes:][:2*plan.n*lanes], block[lanes:][2*plan.n*lanes:][:2*plan.n*lanes], block[(1+4*plan.n)*lanes:]
		z := complexRows{spare[:plan.n*lanes], spare[plan.n*lanes:], lanes}
		c.packKernel(plan, filter, z, w, phase, reversed)
		if has != 0 {
			c.packTerms(plan, factorRows{filter, added}, z, terms, phase)
		}
	}
}

// packKernel sets filter to the spectrum that a signal is multiplied by, with the factor of the way back. The
// convolution looks ahead, so that it is the conjugate of the kernel's own.
func (c *CircularFFT) packKernel(plan *fftPlan, filter []float32, z complexRows, w []float32, phase int, reversed bool) {
	to := interleaved(filter)
	c.gatherChannels(z.re, w, phase)
	if a := c.angle(); a != nil {
		if reversed {
			reverseRows(z.re[lanes : a.n*lanes])
		}
		a.turn(z, z.re, lanes)
		Binary(OpMul, z.re, z.re, plan.scale)
		Binary(OpMul, z.im, z.im, plan.scale)
		Unary(OpNeg, z.im, z.im)
		plan.forward(to.exchange(), z.exchange()) // the way back of the conjugate is the conjugate of the way there
		return
	}
	clear(z.im)
	Binary(OpMul, z.re, z.re, plan.scale)
	if !reversed { // exchanged, the transform of real numbers is the conjugate
		z, to = z.exchange(), to.exchange()
	}
	plan.forward(to, z)
}

// reverseRows turns the order of rows round.
func reverseRows(rows []float32) {
	for i, j := 0, len(rows)-lanes; i < j; i, j = i+lanes, j-lanes {
		low, high := (*vector)(rows[i:]), (*vector)(rows[j:])
		*low, *high = *high, *low
	}
}

// packTerms sets added to the spectrum of what the lines of a signal get added, with the factor of the way back.
func (c *CircularFFT) packTerms(plan *fftPlan, f factorRows, z complexRows, terms CircularTerms, phase int) {
	a, added := c.angle(), interleaved(f.added)
	clear(f.added)
	transform := func(to complexRows) { // of what is in the real part of z
		if a != nil {
			a.turn(z, z.re, lanes)
		} else {
			copy(z.im, z.re)
		}
		plan.forward(to, z)
	}
	bias := c.bias(terms.Bias, phase)
	if terms.Table != nil || a != nil && terms.Bias != nil {
		clear(z.re)
		if terms.Table != nil {
			c.gatherChannels(z.re, terms.Table, phase)
		}
		if a != nil {
			addToRows(z.re[:a.n*lanes], &bias)
		}
		Binary(OpMul, z.re, z.re, plan.scale)
		transform(added)
	}
	if terms.Embedding != nil {
		c.gatherChannels(z.re, terms.Embedding, phase)
		transform(z)
		plan.filter(added, z, f)
	}
	if a == nil { // what is constant has the first frequency alone
		re, im := added.row(plan.slots[0])
		addToRows(re[:], &bias)
		addToRows(im[:], &bias)
	}
}

// bias returns the lanes of a phase of b [C], zeros where that is nil.
func (c *CircularFFT) bias(b []float32, phase int) (bias vector) {
	if b != nil {
		for l := range c.channels(phase) {
			bias[l] = b[c.channel(phase, l)]
		}
	}
	return bias
}

// addToRows adds a vector to each row.
func addToRows(rows []float32, v *vector) {
	for ; len(rows) > 0; rows = rows[lanes:] {
		row := (*vector)(rows)
		for l := range row {
			row[l] += v[l]
		}
	}
}

// gatherChannels sets N consecutive vectors to the channels of a phase of t [N, C].
func (c *Circular) gatherChannels(vectors, t []float32, phase int) {
	var pieces [lanes]piece
	count, used := 0, c.channels(phase)
	for lane := 0; lane < used; count++ {
		channel := c.channel(phase, lane)
		pieces[count] = piece{channel, lane, min(c.C-channel, used-lane)}
		lane += pieces[count].width
	}
	gather(vectors, t, pieces[:count], c.length(), c.C)
}

// channels returns how many lanes of a phase are channels, and channel the one in a lane.
func (c *Circular) channels(phase int) int {
	if c.C/greatestCommonDivisor(c.C, lanes) <= maxDensePhases {
		return lanes
	}
	return usedLanes(c.C, phase)
}
func (c *Circular) channel(phase, lane int) int { return (phase*lanes + lane) % c.C }

// factorsOf returns what signals of a phase are multiplied by, with transforms of m rows.
func factorsOf(packed []float32, phase, m int) factorRows {
	block, size := packed[phase*phaseSize(m):][:phaseSize(m)], 2*m*lanes
	if block[0] == 0 {
		return factorRows{filter: block[lanes:][:size]}
	}
	return factorRows{block[lanes:][:size], block[lanes+size:][:size]}
}

// phaseSize is the number of floats of a phase.
func phaseSize(m int) int { return (1 + 6*m) * lanes }
