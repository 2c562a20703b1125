//go:build !noasm

package kernel

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// runVector computes the panel at the current level, or reports that the level is pure Go.
func (p *gemmPanel) runVector() bool {
	a, b, c := unsafe.SliceData(p.a), unsafe.SliceData(p.b), unsafe.SliceData(p.c)
	scale, bias, residual := unsafe.SliceData(p.scale), unsafe.SliceData(p.bias), unsafe.SliceData(p.residual)
	switch level {
	case AVX512:
		asm.GemmAVX512(a, p.aRow, p.aCol, p.aTile, b, p.bRow, p.k, c, p.cRow, p.rows, p.columns, scale, bias, residual, p.options)
	case AVX2:
		asm.GemmAVX2(a, p.aRow, p.aCol, p.aTile, b, p.bRow, p.k, c, p.cRow, p.rows, p.columns, scale, bias, residual, p.options)
	default:
		return false
	}
	return true
}

// packColumnsVector is packColumns with the current level's width, or reports that the level is pure Go.
func packColumnsVector(dst, src []float32, srcRow, k, rows int) bool {
	switch level {
	case AVX512:
		asm.PackColumnsAVX512(unsafe.SliceData(dst), unsafe.SliceData(src), srcRow, k, rows)
	case AVX2:
		asm.PackColumnsAVX2(unsafe.SliceData(dst), unsafe.SliceData(src), srcRow, k, rows)
	default:
		return false
	}
	return true
}
