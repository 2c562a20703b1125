package simd

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

func init() { lowerings = append(lowerings, lowerMove) }

// lowerMove makes the operations that move elements of any type.
func lowerMove(p *planner, n *node) (bool, error) {
	if len(n.inputs) == 0 || len(n.outputs) != 1 || n.inputs[0].shape.DType.IsPacked() {
		return false, nil
	}
	from, to := n.inputs[0].shape, n.outputs[0].shape
	size := from.DType.SizeForDimensions(1)
	if to.Size() == 0 {
		_, moves := n.attributes.(sliceOf)
		return moves, nil
	}
	switch a := n.attributes.(type) {
	case transposeOf:
		return p.move(n, 0)(kernel.NewTranspose(size, from.Dimensions, a.permutation))
	case broadcastOf:
		return p.move(n, 0)(kernel.NewBroadcast(size, from.Dimensions, to.Dimensions, a.axes))
	case sliceOf:
		if n.op != compute.OpTypeSlice {
			return false, nil
		}
		return p.move(n, 0)(kernel.NewSlice(size, from.Dimensions, a.starts, a.limits, a.strides))
	case reverseOf:
		return p.move(n, 0)(kernel.NewReverse(size, from.Dimensions, a.axes))
	case padOf:
		if done, err := p.move(n, 1)(kernel.NewBroadcast(size, nil, to.Dimensions, nil)); err != nil {
			return done, err
		}
		low, high, interior := padding(a, from)
		return p.move(n, 0)(kernel.NewPad(size, from.Dimensions, low, high, interior))
	case concatOf:
		start := 0
		for i, input := range n.inputs {
			if input.shape.Size() > 0 {
				if done, err := p.move(n, i)(kernel.NewConcatenate(size, input.shape.Dimensions, a.axis, start, to.Dimensions[a.axis])); err != nil {
					return done, err
				}
			}
			start += input.shape.Dimensions[a.axis]
		}
		return true, nil
	}
	return false, nil
}

func padding(a padOf, from shapes.Shape) (low, high, interior []int) {
	low, high, interior = make([]int, from.Rank()), make([]int, from.Rank()), make([]int, from.Rank())
	for i, axis := range a.axes {
		low[i], high[i], interior[i] = axis.Start, axis.End, axis.Interior
	}
	return low, high, interior
}

// move makes the step of a copy from one of a node's inputs to its output.
func (p *planner) move(n *node, input int) func(c *kernel.StridedCopy, err error) (bool, error) {
	return func(c *kernel.StridedCopy, err error) (bool, error) {
		if err != nil {
			return false, err
		}
		from, to := p.at(n.inputs[input]), p.at(n.outputs[0])
		p.step(&task{units: c.Units(), work: from.size / 4, body: func(r *run, _ []float32, lo, hi int) {
			c.Run(unsafe.Pointer(unsafe.SliceData(r.bytes(to))), unsafe.Pointer(unsafe.SliceData(r.bytes(from))), lo, hi)
		}})
		return true, nil
	}
}
