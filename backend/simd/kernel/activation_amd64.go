//go:build !noasm

package kernel

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

// finishVector is finish at the current level, or reports that the level has no routine for f.
func (f Activation) finishVector(c, residual []float32, row, rows, columns int) bool {
	if f.inTile() || level == Generic {
		return false
	}
	y, r := unsafe.SliceData(c), unsafe.SliceData(residual)
	if level == AVX512 {
		f.finishAVX512(y, r, row, rows, columns)
	} else {
		f.finishAVX2(y, r, row, rows, columns)
	}
	return true
}

func (f Activation) finishAVX512(c, residual *float32, row, rows, columns int) {
	switch f {
	case GELU:
		asm.FinishGELUAVX512(c, residual, row, rows, columns)
	case SiLU:
		asm.FinishSiLUAVX512(c, residual, row, rows, columns)
	case HardSwish:
		asm.FinishHardSwishAVX512(c, residual, row, rows, columns)
	case HardSigmoid:
		asm.FinishHardSigmoidAVX512(c, residual, row, rows, columns)
	case Sigmoid:
		asm.FinishSigmoidAVX512(c, residual, row, rows, columns)
	case Tanh:
		asm.FinishTanhAVX512(c, residual, row, rows, columns)
	}
}

func (f Activation) finishAVX2(c, residual *float32, row, rows, columns int) {
	switch f {
	case GELU:
		asm.FinishGELUAVX2(c, residual, row, rows, columns)
	case SiLU:
		asm.FinishSiLUAVX2(c, residual, row, rows, columns)
	case HardSwish:
		asm.FinishHardSwishAVX2(c, residual, row, rows, columns)
	case HardSigmoid:
		asm.FinishHardSigmoidAVX2(c, residual, row, rows, columns)
	case Sigmoid:
		asm.FinishSigmoidAVX2(c, residual, row, rows, columns)
	case Tanh:
		asm.FinishTanhAVX2(c, residual, row, rows, columns)
	}
}
