package kernel

// MultiplyAdds returns the number of multiply-adds of the convolution as its plan performs them, for the channels and
// lines that there are. Real additions and multiplications that are not fused into one operation count as one each.
func (c CircularFFT) MultiplyAdds() int {
	n := c.length()
	lines := c.Batch * c.H * c.W / n
	if a := c.angle(); a != nil {
		return lines * c.C * (signalOperations(a.plan) + turnOperations*n)
	}
	return ceilDivide(lines, 2) * c.C * signalOperations(fftPlanOf(n))
}

// signalOperations returns the number of operations on a complex signal: its transform, the product with the kernel's
// spectrum, and the way back.
func signalOperations(plan *fftPlan) int {
	operations := 4 * plan.n
	for _, stage := range plan.stages {
		each := butterflyOperations[stage.radix]
		if stage.twiddles != nil {
			each += twiddleOperations * (stage.radix - 1)
		}
		operations += 2 * plan.n / stage.radix * each
	}
	return operations
}

// butterflyOperations is the number of operations of a butterfly without twiddles, by radix; a twiddle takes
// twiddleOperations more, as a row of the filter does.
var butterflyOperations = [maxRadix + 1]int{2: 4, 3: 14, 4: 16, 5: 36, 7: 66, 8: 52, 9: 100, 11: 150, 13: 204, 16: 144}

const twiddleOperations = 4

// turnOperations is the number of operations on a value of a line alone, as it becomes a signal and is taken back.
const turnOperations = 2 + 4
