package kernel

import "testing"

func TestMultiplyAddsDoesAtLeastAsManyAsAsked(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 191, 192, 193, 1 << 22} {
			if done := MultiplyAdds(n); done < n || done > n+2*192 || done < 1 {
				t.Errorf("MultiplyAdds(%d) did %d", n, done)
			}
		}
	})
}

func BenchmarkMultiplyAdds(b *testing.B) {
	for b.Loop() {
		done := MultiplyAdds(1 << 22)
		b.SetBytes(int64(2 * done)) // floating-point operations: MB/s stands for MFLOP/s
	}
}
