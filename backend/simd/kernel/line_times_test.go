package kernel

import (
	"fmt"
	"testing"
)

func TestRadicesTakeTheLeastTime(t *testing.T) {
	for _, l := range []Level{AVX2, AVX512} {
		times := lineTimesOf(l)
		least := map[int]float64{1: 0} // of lengths, one radix after the other
		for n := 2; n <= 1024; n++ {
			for _, radix := range blockRadices[1:] {
				if before, ok := least[n/radix]; n%radix == 0 && ok {
					if time, ok := least[n]; !ok || before+times.block[radix] < time {
						least[n] = before + times.block[radix]
					}
				}
			}
			if want, ok := least[n]; ok {
				product, time := 1, 0.0
				for _, radix := range times.radices(n) {
					product, time = product*radix, time+times.block[radix]
				}
				if product != n || fmt.Sprintf("%.6f", time) != fmt.Sprintf("%.6f", want) {
					t.Errorf("%s, N = %d: radices %v, whose product is %d, take %.2f, want %.2f", l, n, times.radices(n), product, time, want)
				}
			}
		}
	}
}
