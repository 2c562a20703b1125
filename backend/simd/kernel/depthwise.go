package kernel

// Depthwise is a depth-wise convolution of x [Batch, H, W, C] with weights [KH, KW, C·Multiplier]:
//
//	out[b,i,j,o] = bias[o] + Σ_{kh,kw} w[kh,kw,o] · x[b, i·StrideH + kh·DilationH - PadTop, j·StrideW + kw·DilationW - PadLeft, o/Multiplier]
//
// out is [Batch, OutH, OutW, C·Multiplier]; x is zero outside its bounds, so OutH and OutW say what the other two
// paddings are. Padding may be negative. All other fields are at least 1.
//
// Weights are packed once (Pack), then units are run in any order and split. A unit is a band of rows of one image
// and sixteen channels: its input is copied with its borders to scratch, where the kernel needs no branches.
type Depthwise struct {
	Batch, H, W, C, Multiplier int
	KH, KW                     int
	StrideH, StrideW           int
	PadTop, PadLeft            int
	DilationH, DilationW       int
	// InputDilationH and InputDilationW put one less than so many zeros between the rows and columns of x. Padding
	// counts these.
	InputDilationH, InputDilationW int
	OutH, OutW                     int

	// sum is the number of neighbouring input channels that go to one output: what Multiplier is in the gradient.
	sum int
}

// maxBandRows is the number of output rows that a unit has at most.
const maxBandRows = 14

// InputGradient returns the convolution that takes the gradient of out to the gradient of x. Its weights are packed
// with PackReversed.
func (d Depthwise) InputGradient() Depthwise {
	g := d
	g.H, g.W, g.OutH, g.OutW = d.OutH, d.OutW, d.H, d.W
	g.C, g.Multiplier, g.sum = d.C*d.Multiplier, 1, d.Multiplier
	g.PadTop, g.PadLeft = (d.KH-1)*d.DilationH-d.PadTop, (d.KW-1)*d.DilationW-d.PadLeft
	g.StrideH, g.InputDilationH = d.InputDilationH, d.StrideH
	g.StrideW, g.InputDilationW = d.InputDilationW, d.StrideW
	return g
}

// PackedSize returns the number of floats that Pack writes.
func (d Depthwise) PackedSize() int { return blocksOf(d.outChannels()) * d.packedBlock() }

// Pack lays out w [KH, KW, channels] and bias [channels], which may be nil, for Run.
func (d Depthwise) Pack(packed, w, bias []float32) { d.pack(packed, w, bias, false) }

// PackReversed is Pack with the kernel turned round in both axes, for InputGradient.
func (d Depthwise) PackReversed(packed, w []float32) { d.pack(packed, w, nil, true) }

// Units returns the number of independent parts of the convolution.
func (d Depthwise) Units() int { return d.Batch * d.bands() * blocksOf(d.outChannels()) }

// ScratchSize returns the number of floats that Run needs.
func (d Depthwise) ScratchSize() int {
	return d.sums()*d.bandSize() + d.bandRows()*d.coveredWidth()*lanes
}

// Run computes units lo to hi of out from x.
func (d Depthwise) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, d.Batch*d.OutH*d.OutW*d.outChannels())
	mustHold(packed, d.PackedSize())
	mustHold(scratch, d.ScratchSize())
	blocks, bands, rows := blocksOf(d.outChannels()), d.bands(), d.bandRows()
	input, sums := scratch[:d.sums()*d.bandSize()], scratch[d.sums()*d.bandSize():]
	for u := lo; u < hi; u++ {
		block, i := u%blocks, u/blocks%bands*rows
		b := u / (blocks * bands)
		for q := range d.sums() {
			d.packBand(input[q*d.bandSize():], x, b, i, d.bandWidth(), block, q)
		}
		d.convolveBand(out, b, i, min(rows, d.OutH-i), block, input, packed[block*d.packedBlock():][:d.packedBlock()], sums)
	}
}

// convolveBand computes rows i to i+rows of an image for a block of channels. Where out has no room for vectors of
// sixteen it goes through sums.
func (d *Depthwise) convolveBand(out []float32, b, i, rows, block int, input, weights, sums []float32) {
	channels := d.outChannels()
	used := usedLanes(channels, block)
	to, stride, width := place{out, (b*d.OutH+i)*d.OutW*channels + block*lanes}, channels, d.OutW
	direct := used == lanes && d.OutW >= tileOutputs
	if !direct {
		to, stride, width = place{sums, 0}, lanes, d.coveredWidth()
	}
	for first, end := 0, 0; first < rows; first = end {
		// Rows that see the same rows of the kernel go together; the others lie outside x or between its rows.
		from, count, step := d.kernelRows(i + first)
		for end = first + 1; end < rows && d.sameKernelRows(i+end); end++ {
		}
		c := correlation{
			tiles: end - first, rows: count, steps: d.KW, outTile: width * stride, outStep: stride,
			aRow: step * d.KW * lanes, aStep: lanes,
			bTile: d.StrideH * d.bandWidth() * lanes, bRow: step * d.DilationH * d.bandWidth() * lanes, bStep: d.DilationW * lanes, bOut: d.StrideW * lanes,
		}
		for j := 0; j < d.OutW; j += tileOutputs {
			j := max(0, min(j, d.OutW-tileOutputs)) // the last tile covers outputs of the one before it again, with the same sums
			d.sumTiles(c, to.plus((first*width+j)*stride), weights, from, input[((first*d.StrideH+from*d.DilationH)*d.bandWidth()+j*d.StrideW)*lanes:])
		}
	}
	if !direct {
		for r := range rows {
			unpackLanes(out[((b*d.OutH+i+r)*d.OutW)*channels+block*lanes:], sums[r*width*lanes:], d.OutW, channels, used)
		}
	}
}

// sumTiles runs c from the bias on, once for each input channel of a sum, beginning at a row of the kernel.
func (d *Depthwise) sumTiles(c correlation, to place, weights []float32, kernelRow int, input []float32) {
	taps := d.KH * d.KW * lanes
	at := kernelRow * d.KW * lanes
	c.run(to, place{weights, d.sums() * taps}, place{weights, at}, nil, place{input, 0})
	c.startTile, c.startStep = c.outTile, c.outStep
	for q := 1; q < d.sums(); q++ {
		c.run(to, to, place{weights, q*taps + at}, nil, place{input, q * d.bandSize()})
	}
}

// kernelRows returns which rows of the kernel meet rows of x at output row i: count of them, step apart.
func (d *Depthwise) kernelRows(i int) (from, count, step int) {
	above := d.PadTop - i*d.StrideH
	below := (d.H-1)*d.InputDilationH + above
	until := min(d.KH, below+1)
	from, step = max(0, above), 1
	if d.DilationH > 1 {
		from, until = max(0, ceilDivide(above, d.DilationH)), min(d.KH, floorDivide(below, d.DilationH)+1)
	}
	if d.InputDilationH > 1 {
		step = d.InputDilationH / greatestCommonDivisor(d.InputDilationH, d.DilationH)
		last := from + step
		for from < last && (from*d.DilationH-above)%d.InputDilationH != 0 {
			from++
		}
		if from == last {
			return 0, 0, 1
		}
	}
	if from >= until {
		return 0, 0, 1
	}
	return from, ceilDivide(until-from, step), step
}

// sameKernelRows says whether output row i meets x with the same rows of the kernel as the row before.
func (d *Depthwise) sameKernelRows(i int) bool {
	from, count, _ := d.kernelRows(i)
	beforeFrom, beforeCount, _ := d.kernelRows(i - 1)
	return from == beforeFrom && count == beforeCount
}

// packBand copies the rows of x that a band reaches, which begins at output row i, to vectors of the sixteen channels
// of block, width to a row. What lies left and right of x becomes zero, and so do the rows between dilated ones; rows
// above and below x are left as they are.
func (d *Depthwise) packBand(input, x []float32, b, i, width, block, q int) {
	first := max(0, ceilDivide(-d.PadLeft, d.InputDilationW))
	end := min(d.W, ceilDivide(width-d.PadLeft, d.InputDilationW))
	for r := range d.bandInputRows() {
		line := input[r*width*lanes : (r+1)*width*lanes]
		at := i*d.StrideH - d.PadTop + r
		switch {
		case at < 0 || at > (d.H-1)*d.InputDilationH:
		case at%d.InputDilationH != 0 || first >= end:
			clear(line)
		default:
			d.packRow(line, x, (b*d.H+at/d.InputDilationH)*d.W, first, end, block, q)
		}
	}
}

// packRow copies columns first to end of the row of x at pixel to line, which begins PadLeft before column 0.
func (d *Depthwise) packRow(line, x []float32, pixel, first, end, block, q int) {
	start, used := first*d.InputDilationW+d.PadLeft, usedLanes(d.outChannels(), block)
	if d.InputDilationW == 1 && d.Multiplier == 1 && d.sums() == 1 {
		clear(line[:start*lanes])
		packLanes(line[start*lanes:], x[(pixel+first)*d.C+block*lanes:], end-first, d.C, used)
		clear(line[(start+end-first)*lanes:])
		return
	}
	clear(line)
	for j := first; j < end; j++ {
		to := line[(j*d.InputDilationW+d.PadLeft)*lanes:][:used]
		for l := range to {
			to[l] = x[(pixel+j)*d.C+(block*lanes+l)/d.Multiplier*d.sums()+q]
		}
	}
}

// pack lays out, for each block, the taps of each input channel of a sum, then the bias.
func (d Depthwise) pack(packed, w, bias []float32, reversed bool) {
	channels, taps := d.outChannels(), d.KH*d.KW
	clear(packed[:d.PackedSize()])
	for block := range blocksOf(channels) {
		to, used := packed[block*d.packedBlock():][:d.packedBlock()], usedLanes(channels, block)
		for q := range d.sums() {
			d.packTaps(to[q*taps*lanes:][:taps*lanes], w, block, q)
			if reversed {
				reverseVectors(to[q*taps*lanes:][:taps*lanes])
			}
		}
		if bias != nil {
			copy(to[d.sums()*taps*lanes:], bias[block*lanes:][:used])
		}
	}
}

// packTaps lays out a block's taps of one input channel of each sum.
func (d *Depthwise) packTaps(to, w []float32, block, q int) {
	channels := d.outChannels()
	used := usedLanes(channels, block)
	if d.sums() == 1 {
		packLanes(to, w[block*lanes:], len(to)/lanes, channels, used)
		return
	}
	for k := range len(to) / lanes {
		for l := range used {
			to[k*lanes+l] = w[(k*channels+block*lanes+l)*d.sums()+q]
		}
	}
}

// reverseVectors turns the order of vectors of sixteen round.
func reverseVectors(s []float32) {
	for i, j := 0, len(s)-lanes; i < j; i, j = i+lanes, j-lanes {
		a, b := (*[lanes]float32)(s[i:]), (*[lanes]float32)(s[j:])
		*a, *b = *b, *a
	}
}

func (d *Depthwise) sums() int        { return max(1, d.sum) }
func (d *Depthwise) outChannels() int { return d.C * d.Multiplier / d.sums() }
func (d *Depthwise) packedBlock() int { return (d.sums()*d.KH*d.KW + 1) * lanes }

// bands returns the number of bands of rows of an image, and bandRows the rows of each but the last.
func (d *Depthwise) bands() int    { return ceilDivide(d.OutH, maxBandRows) }
func (d *Depthwise) bandRows() int { return ceilDivide(d.OutH, d.bands()) }

// bandInputRows and bandWidth are the size in vectors of a unit's input.
func (d *Depthwise) bandInputRows() int { return (d.bandRows()-1)*d.StrideH + (d.KH-1)*d.DilationH + 1 }
func (d *Depthwise) bandWidth() int     { return (d.coveredWidth()-1)*d.StrideW + (d.KW-1)*d.DilationW + 1 }
func (d *Depthwise) bandSize() int      { return d.bandInputRows() * d.bandWidth() * lanes }

// coveredWidth is the number of outputs of a row that tiles cover.
func (d *Depthwise) coveredWidth() int { return max(d.OutW, tileOutputs) }

// ceilDivide and floorDivide round n/d up and down, for d > 0 and any n.
func ceilDivide(n, d int) int { return -floorDivide(-n, d) }

func floorDivide(n, d int) int {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
