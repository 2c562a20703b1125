//go:build !amd64 || noasm

package kernel

func (s *fftStage) runVector(kind butterflyKind, out, in complexRows, f factorRows) bool {
	return false
}
