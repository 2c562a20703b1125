//go:build !amd64 || noasm

package kernel

func gatherVector(vectors, x []float32, pieces []piece, rows, stride int) bool { return false }

func scatterVector(x, vectors []float32, pieces []piece, rows, stride int) bool { return false }
