//go:build !amd64 || noasm

package kernel

// transposeBlocks reports that there is no assembly.
func transposeBlocks(dst, x *float32, rows, columns, dstStride, xStride int) bool { return false }
