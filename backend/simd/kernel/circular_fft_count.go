package kernel

// MultiplyAdds returns the number of multiply-adds of the convolution, for the channels and lines that there are. Real additions
// and multiplications that are not fused into one operation count as one each.
//
// They are counted as the plan for AVX2 performs them, which Go follows, too, so that the number is the same on every processor.
// With AVX-512 other plans, with more operations, may take less time.
func (c CircularFFT) MultiplyAdds() int {
	lines := c.Batch * c.H * c.W / c.length()
	line, pair := linePlanOf(AVX2, c.length(), c.step()).operations()
	return c.C * (lines*line + ceilDivide(lines, 2)*pair)
}

// operations returns the number of operations of a line, and of those that a pair of lines shares.
func (p *linePlan) operations() (line, pair int) {
	butterflies, ends, each := p.first.rest, lineOperations[p.first.radix], 0
	if p.first.twiddles != nil {
		ends += turnedLineOperations(p.first.radix)
	}
	for i, stage := range p.stages {
		operations := filterOperations(stage.radix)
		if i < len(p.stages)-1 {
			operations = 2 * (butterflyOperations[stage.radix] + twiddleOperations*(stage.radix-1))
		}
		each += butterflies / stage.radix * operations
	}
	return butterflies*ends + p.first.own*each, p.first.shared * each
}

// filterOperations returns the number of operations of a butterfly there and back that multiplies by the filter. Where it divides by
// a weight, each of its sums of sines takes a multiplication less; the first number takes one more on the way to the frequencies.
func filterOperations(radix int) int {
	operations := 2*butterflyOperations[radix] + twiddleOperations*radix
	if blockWeight(radix) != 1 {
		operations -= 2*radix - 4
	}
	return operations
}

// butterflyOperations is the number of operations of a butterfly without twiddles or weight, by radix; a twiddle takes
// twiddleOperations more, as a row of the filter does.
var butterflyOperations = [maxRadix + 1]int{
	2: 4, 3: 14, 4: 16, 5: 36, 6: 40, 7: 66, 8: 52, 9: 96, 10: 92, 11: 150, 12: 104, 13: 196, 14: 160, 15: 178, 16: 144,
}

const twiddleOperations = 4

// lineOperations is the number of operations of a butterfly of a line without twiddles and of its way back, by radix.
var lineOperations = [maxLineRadix + 1]int{
	3: 10, 4: 12, 5: 28, 7: 54, 8: 40, 9: 80, 11: 130, 13: 172, 15: 186, 16: 116, 17: 274, 19: 378, 23: 550, 32: 312, 64: 788,
}

// turnedLineOperations returns how many more twiddles take: two for each of the results, and the one half around is real.
func turnedLineOperations(radix int) int {
	operations := 2 * twiddleOperations * (radix / 2)
	if radix%2 == 0 {
		operations -= 4
	}
	return operations
}
