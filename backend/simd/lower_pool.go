package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

func init() { lowerings = append(lowerings, lowerPool) }

var windowReductions = map[compute.ReduceOpType]kernel.Reduction{
	compute.ReduceOpSum: kernel.ReduceSum, compute.ReduceOpProduct: kernel.ReduceProduct,
	compute.ReduceOpMax: kernel.ReduceMax, compute.ReduceOpMin: kernel.ReduceMin,
}

// lowerPool makes pooling over the height and width of images, and the gradient of max pooling.
func lowerPool(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(windowOf)
	if !ok {
		return false, nil
	}
	pool, ok := imagePool(n, a)
	if !ok {
		return false, nil
	}
	in, to := p.locationsOf(n.inputs), p.at(n.outputs[0])
	work := n.inputs[0].shape.Size() * pool.Window[0] * pool.Window[1] / (pool.Stride[0] * pool.Stride[1])
	switch reduction, known := windowReductions[a.reduction]; {
	case n.op == compute.OpTypeReduceWindow && known:
		p.step(&task{units: pool.Units(), work: work, body: func(r *run, _ []float32, lo, hi int) {
			pool.Run(reduction, r.floats(to), r.floats(in[0]), lo, hi)
		}})
	case n.op == compute.OpTypeSelectAndScatterMax:
		p.step(&task{units: pool.GradientUnits(), work: 2 * work, scratch: pool.GradientScratchSize(),
			body: func(r *run, scratch []float32, lo, hi int) {
				pool.RunMaxGradient(r.floats(to), r.floats(in[1]), r.floats(in[0]), scratch, lo, hi)
			}})
	default:
		return false, nil
	}
	return true, nil
}

// imagePool describes windows over axes 1 and 2 of a float32 tensor [batch, height, width, channels], where they are
// such.
func imagePool(n *node, a windowOf) (*kernel.Pool, bool) {
	shape := n.inputs[0].shape
	if shape.Rank() != 4 || shape.DType != dtypes.Float32 || shape.Size() == 0 || n.outputs[0].shape.Size() == 0 {
		return nil, false
	}
	ones := []int{1, 1, 1, 1}
	window := orElse(a.dimensions, ones)
	strides := orElse(a.strides, window)
	paddings := a.paddings
	if len(paddings) == 0 {
		paddings = make([][2]int, 4)
	}
	for _, axis := range []int{0, 3} {
		if window[axis] != 1 || strides[axis] != 1 || paddings[axis] != [2]int{} {
			return nil, false
		}
	}
	if !slices.Equal(orElse(a.inputDilations, ones), ones) || !slices.Equal(orElse(a.dilations, ones), ones) {
		return nil, false
	}
	d := shape.Dimensions
	pool, err := kernel.NewPool(kernel.Pool{
		Batch: d[0], Height: d[1], Width: d[2], Channels: d[3],
		Window: [2]int{window[1], window[2]}, Stride: [2]int{strides[1], strides[2]},
		PadBefore: [2]int{paddings[1][0], paddings[2][0]}, PadAfter: [2]int{paddings[1][1], paddings[2][1]},
	})
	return pool, err == nil
}
