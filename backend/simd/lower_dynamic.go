package simd

import (
	"encoding/binary"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func init() { lowerings = append(lowerings, lowerDynamic) }

// lowerDynamic makes slices whose starts are known only when the plan runs, which the Go backend does not have.
func lowerDynamic(p *planner, n *node) (bool, error) {
	switch n.op {
	case compute.OpTypeDynamicSlice:
		from, to := p.at(n.inputs[0]), p.at(n.outputs[0])
		b := p.block(n.inputs[0].shape, n.outputs[0].shape, n.inputs[1:])
		b.eachRow(p, func(r *run, inBlock, inWhole int) {
			copy(r.bytes(to)[inBlock:inBlock+b.row], r.bytes(from)[inWhole:])
		})
	case compute.OpTypeDynamicUpdateSlice:
		from, to := p.at(n.inputs[1]), p.at(n.outputs[0])
		b := p.block(n.outputs[0].shape, n.inputs[1].shape, n.inputs[2:])
		p.step(copyStep{p.at(n.inputs[0]), to})
		b.eachRow(p, func(r *run, inBlock, inWhole int) {
			copy(r.bytes(to)[inWhole:inWhole+b.row], r.bytes(from)[inBlock:])
		})
	default:
		return false, nil
	}
	return true, nil
}

// block is a part of a whole tensor, as large along each axis as its size says, that lies where its starts say. It is
// made of rows that are contiguous in both. Strides and rows count bytes.
type block struct {
	starts []start
	sizes  []int // of the axes that rows are numbered along
	stride []int // of every axis of the whole
	row    int
	rows   int
}

// start is where a block begins along an axis: an integer, kept within the whole.
type start struct {
	at    location
	dtype dtypes.DType
	last  int
}

func (p *planner) block(whole, part shapes.Shape, starts []*value) *block {
	b := &block{stride: make([]int, whole.Rank()), row: whole.DType.Size()}
	stride := b.row
	for axis := whole.Rank() - 1; axis >= 0; axis-- {
		b.stride[axis] = stride
		stride *= whole.Dimensions[axis]
	}
	inner := whole.Rank()
	for contiguous := true; inner > 0 && contiguous; inner-- {
		b.row *= part.Dimensions[inner-1]
		contiguous = part.Dimensions[inner-1] == whole.Dimensions[inner-1]
	}
	b.sizes = part.Dimensions[:inner]
	b.rows = product(b.sizes)
	for axis, v := range starts {
		b.starts = append(b.starts, start{p.at(v), v.shape.DType, whole.Dimensions[axis] - part.Dimensions[axis]})
	}
	return b
}

// eachRow makes the step that visits all rows with their places in the block and in the whole.
func (b *block) eachRow(p *planner, visit func(r *run, inBlock, inWhole int)) {
	if b.row == 0 || b.rows == 0 {
		return
	}
	each := max(1, 4*elementsEach/b.row)
	p.step(&task{
		units: (b.rows + each - 1) / each, work: b.rows * b.row / 4,
		body: func(r *run, _ []float32, lo, hi int) {
			origin := 0
			for axis, s := range b.starts {
				origin += s.in(r) * b.stride[axis]
			}
			for row := lo * each; row < min(hi*each, b.rows); row++ {
				inWhole, rest := origin, row
				for axis := len(b.sizes) - 1; axis >= 0; axis-- {
					inWhole += rest % b.sizes[axis] * b.stride[axis]
					rest /= b.sizes[axis]
				}
				visit(r, row*b.row, inWhole)
			}
		},
	})
}

// in returns the start in a run: from 0 to the last at which the block lies within the whole.
func (s start) in(r *run) int {
	var bits uint64
	b := r.bytes(s.at)
	switch len(b) {
	case 1:
		bits = uint64(b[0])
	case 2:
		bits = uint64(binary.NativeEndian.Uint16(b))
	case 4:
		bits = uint64(binary.NativeEndian.Uint32(b))
	default:
		bits = binary.NativeEndian.Uint64(b)
	}
	negative := !s.dtype.IsUnsigned() && bits>>(8*len(b)-1) != 0
	if negative {
		return 0
	}
	return int(min(bits, uint64(s.last)))
}
