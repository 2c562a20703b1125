//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

func moveWhereEqual(dst, left, x, y []float32) {
	switch level {
	case AVX512:
		asm.MoveWhereEqualAVX512(&dst[0], &left[0], &x[0], &y[0], len(dst))
	case AVX2:
		asm.MoveWhereEqualAVX2(&dst[0], &left[0], &x[0], &y[0], len(dst))
	default:
		moveWhereEqualGeneric(dst, left, x, y)
	}
}
