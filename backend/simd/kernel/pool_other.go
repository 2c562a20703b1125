//go:build !amd64 || noasm

package kernel

func moveWhereEqual(dst, left, x, y []float32) { moveWhereEqualGeneric(dst, left, x, y) }
