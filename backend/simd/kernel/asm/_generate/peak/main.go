// Command peak writes loops of independent multiply-adds in registers, to measure what the processor can do at most.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// chains is the number of sums that a loop adds to: more than the two units of a processor times their latency.
const chains = 12

func main() {
	ConstraintExpr("amd64,!noasm")
	write("AVX2", func() VecVirtual { return YMM() })
	write("AVX512", func() VecVirtual { return ZMM() })
	Generate()
}

func write(level string, vector func() VecVirtual) {
	name := "MultiplyAdds" + level
	TEXT(name, NOSPLIT, "func(rounds int)")
	Doc(name + " does rounds ≥ 1 times twelve vector multiply-adds that do not depend on each other.")
	rounds := Load(Param("rounds"), GP64())
	var sums []VecVirtual
	for range chains {
		sum := vector()
		VXORPS(sum, sum, sum)
		sums = append(sums, sum)
	}
	a := vector()
	VXORPS(a, a, a)
	Label("round")
	for _, sum := range sums {
		VFMADD231PS(a, a, sum)
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}
