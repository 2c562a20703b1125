package kernel

import "testing"

// eachLevel runs f once a level that this processor has, with dispatch set to it.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := level
	defer func() { level = before }()
	for l := Generic; l <= supported(); l++ {
		level = l
		t.Run(l.String(), f)
	}
}

// mostOfLevels returns the largest of the sizes that the levels of this processor need: plans differ from one to the next.
func mostOfLevels(size func() int) (most int) {
	before := level
	defer func() { level = before }()
	for l := Generic; l <= supported(); l++ {
		level = l
		most = max(most, size())
	}
	return most
}

func TestChooseLevel(t *testing.T) {
	for _, c := range []struct {
		asked      string
		best, want Level
	}{
		{"", AVX512, AVX512}, {"generic", AVX512, Generic}, {"avx2", AVX512, AVX2}, {"avx512", AVX2, AVX2}, {"mmx", AVX2, AVX2},
	} {
		if got := chooseLevel(c.asked, c.best); got != c.want {
			t.Errorf("chooseLevel(%q, %s) = %s, want %s", c.asked, c.best, got, c.want)
		}
	}
}
