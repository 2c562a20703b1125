// Package parts writes copies of a few floats without masks: masked stores are slow on some processors that have AVX2.
package parts

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Copy writes code that copies lanes < 2·most floats, the largest parts first, each a power of two of at most eight or
// sixteen. Labels begin with a name. It changes none of the registers.
func Copy(name string, dst, src, lanes reg.Register, most int) {
	at := GP64()
	XORQ(at, at)
	x := YMM()
	for size := most; size > 0; size /= 2 {
		skip := fmt.Sprintf("%s%d", name, size)
		TESTQ(U32(size), lanes)
		JZ(LabelRef(skip))
		from, to := Mem{Base: src, Index: at, Scale: 4}, Mem{Base: dst, Index: at, Scale: 4}
		switch size {
		case 16:
			y := YMM()
			VMOVUPS(from, x)
			VMOVUPS(from.Offset(32), y)
			VMOVUPS(x, to)
			VMOVUPS(y, to.Offset(32))
		case 8:
			VMOVUPS(from, x)
			VMOVUPS(x, to)
		case 4:
			VMOVUPS(from, x.AsX())
			VMOVUPS(x.AsX(), to)
		case 2:
			VMOVSD(from, x.AsX())
			VMOVSD(x.AsX(), to)
		case 1:
			VMOVSS(from, x.AsX())
			VMOVSS(x.AsX(), to)
		}
		ADDQ(Imm(uint64(size)), at)
		Label(skip)
	}
}
