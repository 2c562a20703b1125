package resample

import (
	"image"
	"math"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// OpenCV gives a window of the picture resized to width×height as OpenCV's INTER_LINEAR does: each output pixel mixes
// its four nearest neighbours, however much the picture shrinks. The window must lie within the resized picture.
func OpenCV(source *rgb.Image, width, height int, window image.Rectangle) *rgb.Image {
	columns := newNeighbours(source.Width, width, window.Min.X, window.Max.X)
	rows := newNeighbours(source.Height, height, window.Min.Y, window.Max.Y)
	result := rgb.New(window.Dx(), window.Dy())
	upper, lower := make([]int32, 3*window.Dx()), make([]int32, 3*window.Dx())
	upperRow, lowerRow := -1, -1
	for y, n := range rows {
		if n.first == lowerRow {
			upper, lower = lower, upper
			upperRow, lowerRow = lowerRow, upperRow
		}
		if n.first != upperRow {
			mixColumns(source.Row(n.first), upper, columns)
			upperRow = n.first
		}
		if n.second != lowerRow {
			mixColumns(source.Row(n.second), lower, columns)
			lowerRow = n.second
		}
		out := result.Row(y)
		for i := range out {
			// OpenCV's rounding: each product loses its low bits on its own.
			sum := n.firstWeight*(upper[i]>>4)>>16 + n.secondWeight*(lower[i]>>4)>>16
			out[i] = uint8(min(max((sum+2)>>2, 0), 255))
		}
	}
	return result
}

// neighbours are the two inputs of an output position; their weights have 11 fraction bits and sum to one.
type neighbours struct {
	first, second             int
	firstWeight, secondWeight int32
}

// newNeighbours gives the neighbours of the outputs from begin to end, of out in all.
func newNeighbours(in, out, begin, end int) []neighbours {
	const one = 1 << 11
	scale := 1 / (float64(out) / float64(in))
	result := make([]neighbours, end-begin)
	for i := range result {
		position := float32((float64(begin+i)+0.5)*scale - 0.5)
		first := int(math.Floor(float64(position)))
		fraction := position - float32(first)
		if first < 0 {
			first, fraction = 0, 0
		}
		if first >= in-1 {
			first, fraction = in-1, 0
		}
		result[i] = neighbours{
			first:        first,
			second:       min(first+1, in-1),
			firstWeight:  int32(math.RoundToEven(float64((1 - fraction) * one))),
			secondWeight: int32(math.RoundToEven(float64(fraction * one))),
		}
	}
	return result
}

func mixColumns(in []uint8, out []int32, columns []neighbours) {
	for x, n := range columns {
		for channel := range 3 {
			out[3*x+channel] = n.firstWeight*int32(in[3*n.first+channel]) + n.secondWeight*int32(in[3*n.second+channel])
		}
	}
}
