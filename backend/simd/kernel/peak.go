package kernel

import "runtime"

// MultiplyAdds does at least n float32 multiply-adds as fast as the processor can, in registers and without depending
// on each other, and returns their number: the limit that benchmarks compare kernels with.
func MultiplyAdds(n int) int {
	if done := multiplyAddsVector(n); done > 0 {
		return done
	}
	const chains = 8
	var sums [chains]float32
	rounds := max(1, ceilDivide(n, chains))
	for r := range rounds {
		a := float32(r)
		for i := range sums {
			sums[i] += a * a
		}
	}
	runtime.KeepAlive(&sums) // or the compiler leaves them out
	return rounds * chains
}
