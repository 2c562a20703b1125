//go:build !amd64 || noasm

package kernel

func reduceBlock(r Reduction, x []float32) float32 { return reduceBlockGeneric(r, x) }

func reduceColumnBlock(r Reduction, dst, x []float32, rows, stride int) {
	reduceColumnBlockGeneric(r, dst, x, rows, stride)
}
