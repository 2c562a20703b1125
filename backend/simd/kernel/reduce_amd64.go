//go:build !noasm

package kernel

// This file sends reductions to their assembly routines.

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

var rowRoutines = [...][2]func(x *float32, n int) float32{
	ReduceSum:     {asm.SumRowAVX2, asm.SumRowAVX512},
	ReduceMax:     {asm.MaxRowAVX2, asm.MaxRowAVX512},
	ReduceMin:     {asm.MinRowAVX2, asm.MinRowAVX512},
	ReduceProduct: {asm.ProductRowAVX2, asm.ProductRowAVX512},
}

var columnRoutines = [...][2]func(dst, x *float32, rows, columns, stride int){
	ReduceSum:     {asm.SumColumnsAVX2, asm.SumColumnsAVX512},
	ReduceMax:     {asm.MaxColumnsAVX2, asm.MaxColumnsAVX512},
	ReduceMin:     {asm.MinColumnsAVX2, asm.MinColumnsAVX512},
	ReduceProduct: {asm.ProductColumnsAVX2, asm.ProductColumnsAVX512},
}

func reduceBlock(r Reduction, x []float32) float32 {
	if level == Generic || len(x) == 0 {
		return reduceBlockGeneric(r, x)
	}
	return rowRoutines[r][level-AVX2](&x[0], len(x))
}

func reduceColumnBlock(r Reduction, dst, x []float32, rows, stride int) {
	if level == Generic {
		reduceColumnBlockGeneric(r, dst, x, rows, stride)
		return
	}
	columnRoutines[r][level-AVX2](&dst[0], &x[0], rows, len(dst), stride)
}
