//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// runVector computes the sums in assembly, and says whether there is any for the level in use.
func (c *correlation) runVector(out, start, a place, add []float32, b place) bool {
	if level == Generic {
		return false
	}
	shape := c.shape()
	o, s, x, y := &out.slice[out.at], &start.slice[start.at], &a.slice[a.at], &b.slice[b.at]
	slides := level == AVX512 && c.bOut == -c.bStep
	switch {
	case c.narrow && slides:
		asm.CorrelateSlideThreeAVX512(o, s, x, y, &shape)
	case c.narrow && level == AVX512:
		asm.CorrelateThreeAVX512(o, s, x, y, &shape)
	case c.narrow:
		asm.CorrelateThreeAVX2(o, s, x, y, &shape)
	case slides && add != nil:
		asm.CorrelateSlideAddAVX512(o, s, x, &add[0], y, &shape)
	case slides:
		asm.CorrelateSlideAVX512(o, s, x, y, &shape)
	case level == AVX512 && add != nil:
		asm.CorrelateAddAVX512(o, s, x, &add[0], y, &shape)
	case level == AVX512:
		asm.CorrelateAVX512(o, s, x, y, &shape)
	case add != nil:
		asm.CorrelateAddAVX2(o, s, x, &add[0], y, &shape)
	default:
		asm.CorrelateAVX2(o, s, x, y, &shape)
	}
	return true
}

// packLanesVector is packLanes in assembly, and says whether there is any for the level in use.
func packLanesVector(dst, src []float32, pixels, stride, used int) bool {
	switch level {
	case AVX512:
		asm.PackLanesAVX512(&dst[0], &src[0], pixels, stride, used)
	case AVX2:
		asm.PackLanesAVX2(&dst[0], &src[0], pixels, stride, used)
	default:
		return false
	}
	return true
}

// copyLanesVector is copyLanes in assembly, and says whether there is any for the level in use.
func copyLanesVector(dst, src []float32, pixels, dstStride, srcStride, used int) bool {
	switch level {
	case AVX512:
		asm.CopyLanesAVX512(&dst[0], &src[0], pixels, dstStride, srcStride, used)
	case AVX2:
		asm.CopyLanesAVX2(&dst[0], &src[0], pixels, dstStride, srcStride, used)
	default:
		return false
	}
	return true
}

// streamLanesVector is streamLanes in assembly, and says whether there is any for the level in use.
func streamLanesVector(dst, src []float32, pixels, dstStride, srcStride int) bool {
	switch level {
	case AVX512:
		asm.StreamLanesAVX512(&dst[0], &src[0], pixels, dstStride, srcStride)
	case AVX2:
		asm.StreamLanesAVX2(&dst[0], &src[0], pixels, dstStride, srcStride)
	default:
		return false
	}
	return true
}

// addLanesVector is addLanes in assembly, and says whether there is any for the level in use.
func addLanesVector(dst, src []float32, pixels, dstStride, srcStride, used int) bool {
	switch level {
	case AVX512:
		asm.AddLanesAVX512(&dst[0], &src[0], pixels, dstStride, srcStride, used)
	case AVX2:
		asm.AddLanesAVX2(&dst[0], &src[0], pixels, dstStride, srcStride, used)
	default:
		return false
	}
	return true
}

// addPairLanesVector is addPairLanes in assembly, and says whether there is any for the level in use.
func addPairLanesVector(sums, first, second []float32, rows, stride int) bool {
	switch level {
	case AVX512:
		asm.AddPairLanesAVX512(&sums[0], &first[0], &second[0], rows, stride)
	case AVX2:
		asm.AddPairLanesAVX2(&sums[0], &first[0], &second[0], rows, stride)
	default:
		return false
	}
	return true
}

// fence lets all that reads memory later see what streamLanes wrote before.
func fence() { asm.Fence() }
