package train

import (
	"math"
	"strings"
	"testing"
)

func TestRankCountsTheHigherLogits(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		label  int
		want   int
	}{
		{[]float32{3, 1, 2}, 0, 0},
		{[]float32{3, 1, 2}, 1, 2},
		{[]float32{3, 1, 2}, 2, 1},
		{[]float32{1, 1, 1}, 0, 0}, // of equal ones the first is the higher
		{[]float32{1, 1, 1}, 2, 2},
		{[]float32{nan, nan, nan}, 0, 2}, // nothing was learned, nothing is right
		{[]float32{1, nan, 0}, 0, 1},
	} {
		if got := rank(c.logits, c.label); got != c.want {
			t.Errorf("label %d of %v has rank %d, want %d", c.label, c.logits, got, c.want)
		}
	}
}

func TestMetricsCountTheFirstAndTheFirstFive(t *testing.T) {
	var m Metrics
	logits := []float32{6, 5, 4, 3, 2, 1, 0}
	for label := range logits {
		m.add(logits, label)
	}
	if m.Images != 7 || m.Top1 != 1 || m.Top5 != 5 {
		t.Errorf("%d images, %g first, %g among the first five, want 7, 1, 5", m.Images, m.Top1, m.Top5)
	}
}

func TestSoftmaxOfLargeLogits(t *testing.T) {
	probabilities := Softmax([]float32{1000, 1000 + float32(math.Log(3)), -1000})
	for i, want := range []float64{0.25, 0.75, 0} {
		if !(math.Abs(probabilities[i]-want) < 1e-4) {
			t.Errorf("probability %d is %g, want %g", i, probabilities[i], want)
		}
	}
}

func TestImagesOfAnotherSizeAreRefused(t *testing.T) {
	_, err := imageTensor(make([]float32, 2*8*8*3), 2, [2]int{16, 16})
	if err == nil || !strings.Contains(err.Error(), "384 values for 2 images of 16×16, expected 1536") {
		t.Errorf("error %v, want one with the sizes", err)
	}
}
