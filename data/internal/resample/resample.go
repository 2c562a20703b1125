// Package resample resizes pictures as the two libraries do that the published preprocessing pipelines were made with:
// PIL, which widens its filter when it shrinks a picture, and OpenCV, which does not. Both work in fixed point, and the
// rounding is theirs, so that results agree to the grey level.
package resample

import (
	"image"
	"math"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Filter is a resampling kernel: its value at a distance (in pixels of the coarser grid) from its centre, zero beyond Support.
type Filter struct {
	Support float64
	At      func(distance float64) float64
}

// Bilinear is the triangle filter.
var Bilinear = Filter{Support: 1, At: func(x float64) float64 {
	return max(0, 1-math.Abs(x))
}}

// Bicubic is Keys's cubic convolution kernel with a = -1/2.
var Bicubic = Filter{Support: 2, At: func(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}}

// precision is the number of fraction bits of a weight: 8 bits of pixel, 2 of overshoot and these fill 32.
const precision = 32 - 8 - 2

// Antialiased gives a window of the picture resized to width×height as PIL's Image.resize does: first along rows, then
// along columns, rounded to 8 bits in between. The filter is as wide as the scale when shrinking. The window must lie
// within the resized picture; only what it needs is computed. The result may share the source's pixels.
func Antialiased(source *rgb.Image, width, height int, window image.Rectangle, filter Filter) *rgb.Image {
	rows := newWeights(source.Height, height, window.Min.Y, window.Max.Y, filter)
	keepsHeight := height == source.Height
	top, bottom := rows[0].first, rows[len(rows)-1].end()
	source = source.Sub(0, top, source.Width, bottom-top)
	if width == source.Width {
		source = source.Sub(window.Min.X, 0, window.Dx(), source.Height)
	} else {
		source = alongRows(source, newWeights(source.Width, width, window.Min.X, window.Max.X, filter))
	}
	if keepsHeight {
		return source
	}
	return alongColumns(source, top, rows)
}

// weights are what the inputs from first on count for one output, with precision fraction bits.
type weights struct {
	first int
	taps  []int32
}

func (w weights) end() int { return w.first + len(w.taps) }

// newWeights gives the weights of the outputs from first to last, of out in all.
func newWeights(in, out, first, last int, filter Filter) []weights {
	result := make([]weights, last-first)
	if in == out { // A pass that keeps its size changes nothing.
		for i := range result {
			result[i] = weights{first + i, []int32{1 << precision}}
		}
		return result
	}
	scale := float64(in) / float64(out)
	widening := max(scale, 1)
	support := filter.Support * widening
	for i := range result {
		center := (float64(first+i) + 0.5) * scale
		begin := max(int(center-support+0.5), 0)
		end := min(int(center+support+0.5), in)
		values := make([]float64, end-begin)
		sum := 0.0
		for j := range values {
			values[j] = filter.At((float64(begin+j) - center + 0.5) * (1 / widening))
			sum += values[j]
		}
		taps := make([]int32, len(values))
		for j, value := range values {
			scaled := value / sum * (1 << precision)
			taps[j] = int32(scaled + math.Copysign(0.5, scaled))
		}
		result[i] = weights{begin, taps}
	}
	return result
}

func alongRows(source *rgb.Image, columns []weights) *rgb.Image {
	const half = 1 << (precision - 1)
	result := rgb.New(len(columns), source.Height)
	for y := range source.Height {
		in, out := source.Row(y), result.Row(y)
		for x, column := range columns {
			red, green, blue := int32(half), int32(half), int32(half)
			pixels := in[3*column.first:]
			for _, weight := range column.taps {
				red += weight * int32(pixels[0])
				green += weight * int32(pixels[1])
				blue += weight * int32(pixels[2])
				pixels = pixels[3:]
			}
			out[3*x], out[3*x+1], out[3*x+2] = clip(red), clip(green), clip(blue)
		}
	}
	return result
}

// alongColumns mixes rows of a source whose row 0 is row top of what the weights refer to.
func alongColumns(source *rgb.Image, top int, rows []weights) *rgb.Image {
	result := rgb.New(source.Width, len(rows))
	sums := make([]int32, 3*source.Width)
	for y, row := range rows {
		for i := range sums {
			sums[i] = 1 << (precision - 1)
		}
		for j, weight := range row.taps {
			for i, value := range source.Row(row.first + j - top)[:len(sums)] {
				sums[i] += weight * int32(value)
			}
		}
		out := result.Row(y)
		for i, sum := range sums {
			out[i] = clip(sum)
		}
	}
	return result
}

func clip(sum int32) uint8 {
	return uint8(min(max(sum>>precision, 0), 255))
}
