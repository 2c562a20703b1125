//go:build !amd64 || noasm

package kernel

func (s *fftStage) runVector(kind butterflyKind, out, in *complexRows, f *factorRows, ahead *complexRows, lo, hi int) bool {
	return false
}

func finiteVector(re, im *vector) (all, done bool) { return false, false }
