// Command gemm writes the matrix-product kernels: the register tiles, the packing of transposed rows, and the
// activations that run on a finished tile.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm/generate/vecmath"
)

func main() {
	Constraints(buildtags.Constraints{
		buildtags.Any(buildtags.Term("amd64")), buildtags.Any(buildtags.Not("noasm")),
	})
	for _, s := range []set{
		{name: "AVX512", vector: vecmath.AVX512, rows: 14},
		{name: "AVX2", vector: vecmath.AVX2, rows: 6},
	} {
		s.gemm()
		s.packColumns()
		s.activations()
	}
	Generate()
}

// set is an instruction set and the register tile that fits it: rows by two vectors of columns.
type set struct {
	name   string
	vector vecmath.Vector
	rows   int
}

// register returns the vector register with the given number.
func (s set) register(i int) vectorRegister {
	if s.vector == vecmath.AVX512 {
		return zmm[i]
	}
	return ymm[i]
}
