//go:build !amd64 || noasm

package kernel

func (c *correlation) runVector(out, start, a place, add []float32, b place) bool { return false }

func packLanesVector(dst, src []float32, pixels, stride, used int) bool { return false }

func copyLanesVector(dst, src []float32, pixels, dstStride, srcStride, used int) bool { return false }

func streamLanesVector(dst, src []float32, pixels, dstStride, srcStride int) bool {
	return false
}

func fence() {}

func addLanesVector(dst, src []float32, pixels, dstStride, srcStride, used int) bool { return false }

func addPairLanesVector(sums, first, second []float32, rows, stride int) bool { return false }
