//go:build !noasm

package kernel

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel/asm"
)

func TestLineStageInPartsIsTheSame(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		before := maxLineNumbers
		defer func() { maxLineNumbers = before }()
		r := seeded(t)
		for _, radix := range []int{1, 7, 8, 16, 64} {
			for _, rest := range []int{4, 5, 7, radix} {
				for _, half := range []bool{false, radix > 7} {
					t.Run(fmt.Sprintf("%d·%d, half %t", radix, rest, half), func(t *testing.T) {
						s := newLineStage(radix*rest, radix, half)
						size, numbers := radix*rest*lanes, radix*rest
						if half {
							numbers = 1 + r.IntN(numbers/2)
						}
						lines := [2][]float32{normal(r, make([]float32, size)), normal(r, make([]float32, size))}
						way := func(most int) (work complexRows, out [2][]float32) {
							maxLineNumbers = most
							work = complexRows{make([]float32, s.rows()*lanes), make([]float32, s.rows()*lanes), lanes}
							var run lineRun
							run.over(s, work, lanes, numbers)
							run.set(lines[0], lines[1])
							run.forward(&asm.Transfers{})
							out = [2][]float32{make([]float32, size), make([]float32, size)}
							run.set(out[0], out[1])
							run.back(&asm.Transfers{})
							return work, out
						}
						work, out := way(before)
						parts, outOfParts := way(2 * radix)
						if !slices.Equal(work.re, parts.re) || !slices.Equal(work.im, parts.im) {
							t.Error("results of two butterflies at a time differ")
						}
						if !slices.Equal(out[0], outOfParts[0]) || !slices.Equal(out[1], outOfParts[1]) {
							t.Error("lines of two butterflies at a time differ")
						}
					})
				}
			}
		}
	})
}
