package simd

import (
	"reflect"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// squareMaps returns feature maps n by n for a convolution along an axis.
func squareMaps(axis kernel.Axis, n, channels int) kernel.Circular {
	return kernel.Circular{Batch: 1, H: n, W: n, C: channels, Axis: axis, InStride: channels, OutStride: channels}
}

func TestFormsThatAreAskedForAreTaken(t *testing.T) {
	for _, n := range []int{1, 7, 448} {
		shape := squareMaps(kernel.Height, n, 16)
		if _, ok := fasterForm(shape, directly, false, false).(kernel.Circular); !ok {
			t.Errorf("length %d, asked directly: through the frequencies", n)
		}
		if _, ok := fasterForm(shape, throughFrequencies, false, false).(kernel.CircularFFT); !ok {
			t.Errorf("length %d, asked through the frequencies: directly", n)
		}
		if _, ok := fasterGradientForm(shape, directly).(kernel.CircularGradient); !ok {
			t.Errorf("gradient, length %d, asked directly: through the frequencies", n)
		}
		if _, ok := fasterGradientForm(shape, throughFrequencies).(kernel.CircularFFTGradient); !ok {
			t.Errorf("gradient, length %d, asked through the frequencies: directly", n)
		}
	}
}

func TestShortCircularConvolutionsAreDirectAndLongOnesGoThroughTheFrequencies(t *testing.T) {
	for _, axis := range []kernel.Axis{kernel.Height, kernel.Width} {
		for _, c := range []struct {
			length      int
			frequencies bool
		}{{7, false}, {224, true}, {448, true}, {509, true}, {4093, true}, {4096, true}} {
			shape := squareMaps(axis, c.length, 16)
			if _, frequencies := fasterForm(shape, anyAlgorithm, false, false).(kernel.CircularFFT); frequencies != c.frequencies {
				t.Errorf("length %d: through the frequencies is %v, want %v", c.length, frequencies, c.frequencies)
			}
			if _, frequencies := fasterGradientForm(shape, anyAlgorithm).(kernel.CircularFFTGradient); frequencies != c.frequencies {
				t.Errorf("length %d: the gradient through the frequencies is %v, want %v", c.length, frequencies, c.frequencies)
			}
		}
	}
}

// streamFrom has tensors written past the caches from other sizes on.
func streamFrom(t *testing.T, sizes costs.Streamed) {
	before := costs.Current
	table := *before()
	table.Streamed = sizes
	costs.Current = func() *costs.Table { return &table }
	t.Cleanup(func() { costs.Current = before })
}

// takeGradientsIn has both gradients take other times, in picoseconds for each element, directly and through the frequencies.
func takeGradientsIn(t *testing.T, direct, frequencies int) {
	before := costs.Current
	table := *before()
	table.Curves = slices.DeleteFunc(slices.Clone(table.Curves), func(c costs.Curve) bool { return c.Part == costs.Gradients })
	for _, axis := range []kernel.Axis{kernel.Height, kernel.Width} {
		always := func(time int) []int { return slices.Repeat([]int{time}, len(table.Lengths)) }
		table.Curves = append(table.Curves, costs.Curve{
			Part: costs.Gradients, Axis: costs.AxisName(axis), Channels: 16, Direct: always(direct), Frequencies: always(frequencies),
		})
	}
	costs.Current = func() *costs.Table { return &table }
	t.Cleanup(func() { costs.Current = before })
}

func TestLargeTensorsAreWrittenPastTheCaches(t *testing.T) {
	shape := kernel.Circular{Batch: 2, H: 32, W: 8, C: 16, InStride: 16, OutStride: 32}
	const bytes = 4 * 2 * 32 * 8 * 32
	for past := range 2 { // as many bytes as a tensor has, and one more
		streamFrom(t, costs.Streamed{Forward: bytes + past, Training: bytes + 1 - past, Gradients: bytes + past})
		forward := fasterForm(shape, throughFrequencies, false, false).(kernel.CircularFFT).Streamed
		training := fasterForm(shape, throughFrequencies, false, true).(kernel.CircularFFT).Streamed
		small := joinedGradients(shape, shape.InStride).Streamed
		gradients := joinedGradients(shape, shape.OutStride).Streamed
		if want := past == 0; forward != want || training == want || gradients != want || small {
			t.Errorf("from %d bytes on, tensors of %d: forward %t, in training %t, gradients %t, smaller ones %t", bytes+past, bytes, forward, training, gradients, small)
		}
	}
}

func TestTheSameFormIsChosenAgain(t *testing.T) {
	for n := 1; n <= 4096; n = n*9/8 + 1 {
		for _, channels := range []int{1, 6, 16, 40} {
			shape := squareMaps(kernel.Width, n, channels)
			if first, second := fasterForm(shape, anyAlgorithm, true, false), fasterForm(shape, anyAlgorithm, true, false); !reflect.DeepEqual(first, second) {
				t.Errorf("length %d, %d channels: %T, then %T", n, channels, first, second)
			}
		}
	}
}
