package nn

import "github.com/gomlx/gomlx/core/graph"

// Resize interpolates feature maps [batch, height, width, channels] bilinearly to another height and width. Pixels are
// areas and the borders of the maps stay where they are, as with PyTorch's align_corners=False; nothing is averaged
// where maps shrink. GoMLX's interpolation has no gradient for maps of three pixels or fewer.
func Resize(x *graph.Node, height, width int) *graph.Node {
	if from := x.Shape().Dim(1); from != height {
		y := graph.DotGeneral(graph.ConstAs(x, bilinear(from, height)), []int{1}, nil, x, []int{1}, nil)
		x = graph.TransposeAllAxes(y, 1, 0, 2, 3)
	}
	if from := x.Shape().Dim(2); from != width {
		y := graph.DotGeneral(graph.ConstAs(x, bilinear(from, width)), []int{1}, nil, x, []int{2}, nil)
		x = graph.TransposeAllAxes(y, 1, 2, 0, 3)
	}
	return x
}

// bilinear returns, for each of to pixels, the weights of the pixels that it is interpolated from.
func bilinear(from, to int) [][]float64 {
	rows := make([][]float64, to)
	for i := range rows {
		rows[i] = make([]float64, from)
		source := max((float64(i)+0.5)*float64(from)/float64(to)-0.5, 0)
		whole := int(source)
		fraction := source - float64(whole)
		rows[i][whole] += 1 - fraction
		rows[i][min(whole+1, from-1)] += fraction
	}
	return rows
}
