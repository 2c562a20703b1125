//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// multiplyAddsVector is MultiplyAdds in assembly; 0 where there is none for the level in use.
func multiplyAddsVector(n int) int {
	const chains = 12
	// Assembly cannot be preempted: a call takes some microseconds.
	const mostRounds = 1 << 13
	width, loop := lanes, asm.MultiplyAddsAVX512
	switch level {
	case Generic:
		return 0
	case AVX2:
		width, loop = lanes/2, asm.MultiplyAddsAVX2
	}
	rounds := max(1, ceilDivide(n, chains*width))
	for left := rounds; left > 0; left -= mostRounds {
		loop(min(left, mostRounds))
	}
	return rounds * chains * width
}
