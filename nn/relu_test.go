package nn

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestRectifiersAreFlatAtTheirCorners(t *testing.T) {
	x := []float32{-7, -0.5, 0, 0.5, 5.5, 6, 7}
	for name, c := range map[string]struct {
		layer  Layer
		y, byX []float32
	}{
		"ReLU":  {ReLU{}, []float32{0, 0, 0, 0.5, 5.5, 6, 7}, []float32{0, 0, 0, 2, 2, 2, 2}},
		"ReLU6": {ReLU6{}, []float32{0, 0, 0, 0.5, 5.5, 6, 6}, []float32{0, 0, 0, 2, 2, 0, 0}},
	} {
		eachBackend(t, name, func(t *testing.T, backend compute.Backend) {
			got := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
				y := c.layer.Apply(nil, x)
				return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.MulScalar(y, 2)), x)[0]}
			}, x)
			if y := tensors.MustCopyFlatData[float32](got[0]); !slices.Equal(y, c.y) {
				t.Errorf("output %v, want %v", y, c.y)
			}
			if byX := tensors.MustCopyFlatData[float32](got[1]); !slices.Equal(byX, c.byX) {
				t.Errorf("gradient %v, want %v", byX, c.byX)
			}
		})
	}
}

func TestMaxPoolIgnoresItsPadding(t *testing.T) {
	eachBackend(t, "3×3", func(t *testing.T, backend compute.Backend) {
		x := tensors.FromFlatDataAndDimensions([]float32{
			-1, -2, -3, -4,
			-5, -6, -7, -8,
			-9, -10, -11, -12,
		}, 1, 3, 4, 1)
		got := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
			y := MaxPool{Window: 3, Stride: 2, Padding: 1}.Apply(nil, x)
			return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(y), x)[0]}
		}, x)
		wantClose(t, "output", got[0], []float64{-1, -2, -5, -6})
		wantClose(t, "gradient", got[1], []float64{1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0})
	})
}
