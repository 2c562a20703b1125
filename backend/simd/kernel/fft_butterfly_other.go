//go:build !amd64 || noasm

package kernel

func (s *fftStage) runVector(kind butterflyKind, out, in complexRows, f factorRows) bool {
	return false
}

func copyLanesVector(dst, src []float32, pixels, dstStride, srcStride, used int) bool { return false }
