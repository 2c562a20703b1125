package kernel

import "unsafe"

// Sixteen channels are the unit of the spatial kernels: one 512-bit vector, or two of 256 bits. A block of fewer
// channels is copied to vectors of sixteen and back, so that the arithmetic has no tails.

// lanes is the number of channels in a block.
const lanes = 16

// packLanes copies the first used ≤ 16 floats of each of pixels pixels, stride floats apart from src[0] on, to
// consecutive vectors of sixteen; the other lanes become zero.
func packLanes(dst, src []float32, pixels, stride, used int) {
	if pixels == 0 {
		return
	}
	_, _ = dst[pixels*lanes-1], src[(pixels-1)*stride+used-1]
	if packLanesVector(dst, src, pixels, stride, used) {
		return
	}
	for i := range pixels {
		n := copy(dst[i*lanes:(i+1)*lanes], src[i*stride:i*stride+used])
		clear(dst[i*lanes+n : (i+1)*lanes])
	}
}

// unpackLanes is the way back: the first used lanes of consecutive vectors go to pixels stride floats apart.
func unpackLanes(dst, src []float32, pixels, stride, used int) {
	copyLanes(dst, src, pixels, stride, lanes, used)
}

// copyLanes copies used ≤ 16 floats of each of pixels pixels; strides count floats.
func copyLanes(dst, src []float32, pixels, dstStride, srcStride, used int) {
	if pixels == 0 || used == 0 {
		return
	}
	_, _ = dst[(pixels-1)*dstStride+used-1], src[(pixels-1)*srcStride+used-1]
	if copyLanesVector(dst, src, pixels, dstStride, srcStride, used) {
		return
	}
	for i := range pixels {
		copy(dst[i*dstStride:][:used], src[i*srcStride:])
	}
}

// streamLanes copies a vector of sixteen for each of pixels pixels past the caches: what does not fit there is written faster
// so, as the lines of the cache are not read first. Each must come to a multiple of 64 bytes. fence must follow.
func streamLanes(dst, src []float32, pixels, dstStride, srcStride int) {
	if pixels == 0 {
		return
	}
	_, _ = dst[(pixels-1)*dstStride+lanes-1], src[(pixels-1)*srcStride+lanes-1]
	if streamLanesVector(dst, src, pixels, dstStride, srcStride) {
		return
	}
	for i := range pixels {
		copy(dst[i*dstStride:][:lanes], src[i*srcStride:])
	}
}

// addLanes adds used ≤ 16 floats of each of pixels pixels to others; strides count floats.
func addLanes(dst, src []float32, pixels, dstStride, srcStride, used int) {
	if pixels == 0 || used == 0 {
		return
	}
	_, _ = dst[(pixels-1)*dstStride+used-1], src[(pixels-1)*srcStride+used-1]
	if addLanesVector(dst, src, pixels, dstStride, srcStride, used) {
		return
	}
	for i := range pixels {
		to := dst[i*dstStride:][:used]
		for l, v := range src[i*srcStride:][:used] {
			to[l] += v
		}
	}
}

// addPairLanes adds the rows of two lines, stride floats apart, to consecutive vectors.
func addPairLanes(sums, first, second []float32, rows, stride int) {
	if rows == 0 {
		return
	}
	last := (rows-1)*stride + lanes - 1
	_, _, _ = sums[rows*lanes-1], first[last], second[last]
	if addPairLanesVector(sums, first, second, rows, stride) {
		return
	}
	for i := range rows {
		sum, a, b := sums[i*lanes:][:lanes], first[i*stride:][:lanes], second[i*stride:][:lanes]
		for l := range sum {
			sum[l] += a[l] + b[l]
		}
	}
}

// aligned says whether a vector of sixteen lies where memory can be written past the caches.
func aligned(v []float32) bool { return uintptr(unsafe.Pointer(&v[0]))%(4*lanes) == 0 }

// blocksOf returns how many blocks of sixteen hold channels channels.
func blocksOf(channels int) int { return (channels + lanes - 1) / lanes }

// usedLanes returns how many of channels channels fall into a block.
func usedLanes(channels, block int) int { return min(lanes, channels-block*lanes) }

// mustHold panics where s has fewer than n floats: assembly does not look.
func mustHold(s []float32, n int) { _ = s[:n:len(s)] }
