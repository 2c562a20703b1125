//go:build !amd64 || noasm

package kernel

func (s *blockStage) runVector(kind blockKind, b *blockRun, row, step, part, count int) bool {
	return false
}
