package kernel

// This file lays out the spectra that signals are multiplied by: of a phase whether there are terms, then the spectrum of
// the kernel, then that of the terms of two lines, then room for a signal.

// PackedSize returns the number of floats that Pack writes.
func (c CircularFFT) PackedSize() int { return c.PackUnits() * c.packedPhase() }

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
		block := packed[phase*c.packedPhase():][:c.packedPhase()]
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
	n := c.length()
	c.gatherChannels(z.re, w, phase)
	if plan.n > n {
		clear(z.re[n*lanes:])
		copy(z.re[(plan.n-n+1)*lanes:], z.re[lanes:n*lanes])
	}
	clear(z.im)
	Binary(OpMul, z.re, z.re, plan.scale)
	to := interleaved(filter)
	if !reversed { // exchanged, the transform of real numbers is the conjugate
		z, to = z.exchange(), to.exchange()
	}
	plan.forward(to, z)
}

// packTerms sets added to the spectrum of what two lines get added, with the factor of the way back.
func (c *CircularFFT) packTerms(plan *fftPlan, f factorRows, z complexRows, terms CircularTerms, phase int) {
	n, added := c.length(), interleaved(f.added)
	clear(f.added)
	if terms.Table != nil {
		c.gatherChannels(z.re, terms.Table, phase)
		clear(z.re[n*lanes:])
		Binary(OpMul, z.re, z.re, plan.scale)
		copy(z.im, z.re)
		plan.forward(added, z)
	}
	if terms.Embedding != nil {
		c.gatherChannels(z.re, terms.Embedding, phase)
		clear(z.re[n*lanes:])
		copy(z.im, z.re)
		plan.forward(z, z)
		plan.filter(added, z, f)
	}
	if terms.Bias != nil {
		re, im := added.row(plan.slots[0])
		for l := range c.channels(phase) {
			bias := terms.Bias[c.channel(phase, l)]
			re[l], im[l] = re[l]+bias, im[l]+bias
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

// factors returns what signals of a phase are multiplied by.
func (c *CircularFFT) factors(packed []float32, phase, m int) factorRows {
	block, size := packed[phase*c.packedPhase():][:c.packedPhase()], 2*m*lanes
	if block[0] == 0 {
		return factorRows{filter: block[lanes:][:size]}
	}
	return factorRows{block[lanes:][:size], block[lanes+size:][:size]}
}

// packedPhase is the number of floats of a phase.
func (c *CircularFFT) packedPhase() int { return (1 + 6*c.transformed()) * lanes }
