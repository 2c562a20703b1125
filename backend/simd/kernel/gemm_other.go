//go:build !amd64 || noasm

package kernel

func (p *gemmPanel) runVector() bool { return false }

func packColumnsVector(dst, src []float32, srcRow, k, rows int) bool { return false }
