package nn

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

func TestActivationsFollowTheirDefinitions(t *testing.T) {
	x := []float32{-20, -3.5, -3, -2.5, -1, 0, 0.5, 2.5, 3, 3.5, 20}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for name, c := range map[string]struct {
		layer Layer
		y     func(x float64) float64
		slope func(x float64) float64
	}{
		"SiLU": {
			SiLU{},
			func(x float64) float64 { return x * sigmoid(x) },
			func(x float64) float64 { return sigmoid(x) * (1 + x*(1-sigmoid(x))) },
		},
		"HardSigmoid": {
			HardSigmoid{},
			func(x float64) float64 { return min(max(x+3, 0), 6) / 6 },
			func(x float64) float64 {
				if math.Abs(x) >= 3 {
					return 0
				}
				return 1. / 6
			},
		},
		"HardSwish": {
			HardSwish{},
			func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 },
			func(x float64) float64 {
				if math.Abs(x) >= 3 {
					return max(x, 0) / math.Abs(x)
				}
				return x/3 + 0.5
			},
		},
	} {
		eachBackend(t, name, func(t *testing.T, backend compute.Backend) {
			got := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
				y := c.layer.Apply(nil, x)
				return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.MulScalar(y, 2)), x)[0]}
			}, x)
			var y, byX []float64
			for _, x := range x {
				y = append(y, c.y(float64(x)))
				byX = append(byX, 2*c.slope(float64(x)))
			}
			wantClose(t, "output", got[0], y)
			wantClose(t, "gradient", got[1], byX)
		})
	}
}
