package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute/dtypes"
)

func init() { lowerings = append(lowerings, lowerReduction) }

// lowerReduction makes a float32 reduction over any axes: one kernel for each run of axes that stand together, the
// last run first.
func lowerReduction(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(reduceOf)
	reduction, known := reductions[n.op]
	if !ok || !known || n.inputs[0].shape.DType != dtypes.Float32 || n.inputs[0].shape.Size() == 0 {
		return false, nil
	}
	dimensions := slices.Clone(n.inputs[0].shape.Dimensions)
	from := p.at(n.inputs[0])
	axes := slices.DeleteFunc(slices.Clone(a.axes), func(axis int) bool { return dimensions[axis] == 1 })
	if len(axes) == 0 {
		p.step(copyStep{from, p.at(n.outputs[0])})
	}
	for len(axes) > 0 {
		first := len(axes) - 1
		for first > 0 && axes[first-1] == axes[first]-1 {
			first--
		}
		outer, middle, inner := product(dimensions[:axes[first]]), 1, product(dimensions[axes[len(axes)-1]+1:])
		for _, axis := range axes[first:] {
			middle *= dimensions[axis]
			dimensions[axis] = 1
		}
		axes = axes[:first]
		to := p.at(n.outputs[0])
		if len(axes) > 0 {
			to = p.temporary(4 * outer * inner)
		}
		if err := p.reduce(reduction, outer, middle, inner, from, to); err != nil {
			return false, err
		}
		from = to
	}
	return true, nil
}

func product(sizes []int) int {
	result := 1
	for _, size := range sizes {
		result *= size
	}
	return result
}

// reduce makes the steps of a reduction of [outer, middle, inner] to [outer, inner].
func (p *planner) reduce(reduction kernel.Reduction, outer, middle, inner int, from, to location) error {
	k, err := kernel.NewAxisReduction(reduction, outer, middle, inner)
	if err != nil {
		return err
	}
	partials := location{}
	if size := k.PartialSize(); size > 0 {
		partials = p.temporary(4 * size)
	}
	p.step(&task{units: k.Units(), work: outer * middle * inner / 4, body: func(r *run, _ []float32, lo, hi int) {
		k.Run(r.floats(to), r.floats(from), r.floats(partials), lo, hi)
	}})
	if partials.size > 0 {
		p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
			k.Combine(r.floats(to), r.floats(partials))
		}})
	}
	return nil
}
