package simd

import (
	"reflect"
	"testing"

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
