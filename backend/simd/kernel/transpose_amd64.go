//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// transposeBlocks transposes in assembly and reports whether it did. rows and columns are multiples of 8.
func transposeBlocks(dst, x *float32, rows, columns, dstStride, xStride int) bool {
	if level == Generic {
		return false
	}
	asm.TransposeAVX2(dst, x, rows, columns, dstStride, xStride)
	return true
}
