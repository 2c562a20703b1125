package simd

import (
	"unsafe"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

func init() { lowerings = append(lowerings, lowerFused) }

// lowerFused makes a fused node a kernel program.
func lowerFused(p *planner, n *node) (bool, error) {
	a, ok := n.attributes.(*fusedOf)
	if !ok {
		return false, nil
	}
	program, err := a.program(n)
	if err != nil {
		return false, err
	}
	in, out := p.locationsOf(n.inputs), p.locationsOf(n.outputs)
	partials := location{}
	if size := program.PartialSize(); size > 0 {
		partials = p.temporary(4 * size)
	}
	p.step(&task{
		units: program.Units(), work: a.elements * len(a.members), scratch: program.ScratchSize(),
		body: func(r *run, scratch []float32, lo, hi int) {
			memory := make([]kernel.Memory, len(in)+len(out))
			inputs, outputs := memory[:len(in)], memory[len(in):]
			r.pointers(inputs, in)
			r.pointers(outputs, out)
			program.Run(inputs, outputs, r.floats(partials), scratch, lo, hi)
		},
	})
	if partials.size > 0 {
		p.step(&task{units: 1, body: func(r *run, _ []float32, _, _ int) {
			outputs := make([]kernel.Memory, len(out))
			r.pointers(outputs, out)
			program.Combine(outputs, r.floats(partials))
		}})
	}
	return true, nil
}

func (p *planner) locationsOf(values []*value) []location {
	locations := make([]location, len(values))
	for i, v := range values {
		locations[i] = p.at(v)
	}
	return locations
}

// pointers fills in where values begin.
func (r *run) pointers(memory []kernel.Memory, locations []location) {
	for i, l := range locations {
		memory[i] = unsafe.Pointer(unsafe.SliceData(r.bytes(l)))
	}
}

// program builds the kernel program of a fused node.
func (a *fusedOf) program(n *node) (*kernel.Program, error) {
	b := kernel.NewProgram(a.elements)
	inputs := make([]kernel.Value, len(n.inputs))
	for i, input := range n.inputs {
		if input.shape.DType == dtypes.Bool {
			inputs[i] = b.BoolInput(a.patterns[i])
		} else {
			inputs[i] = b.Input(a.patterns[i])
		}
	}
	computed := map[*value]kernel.Value{}
	operand := func(v *value) kernel.Value {
		if c, constant := scalarConstant(v); constant {
			return b.Constant(c)
		}
		if i, outside := a.operands[v]; outside {
			return inputs[i]
		}
		return computed[root(v)]
	}
	for _, member := range a.members {
		if isReduction(member) {
			continue
		}
		var in []kernel.Value
		for _, v := range member.inputs {
			in = append(in, operand(v))
		}
		computed[member.outputs[0]] = elementwise[member.op](b, in)
	}
	for _, result := range a.results {
		member := result.node
		switch {
		case isReduction(member):
			a.reduce(b, member, operand(member.inputs[0]))
		case result.shape.DType == dtypes.Bool:
			b.BoolOutput(computed[result])
		default:
			b.Output(computed[result])
		}
	}
	program, err := b.Done()
	return program, errors.WithMessagef(err, "fusing %d operations over %s", len(a.members), shapes.Make(dtypes.Float32, a.elements))
}

func (a *fusedOf) reduce(b *kernel.ProgramBuilder, member *node, v kernel.Value) {
	columns, alongRows, _ := reducedColumns(member)
	if alongRows {
		b.ReduceRows(reductions[member.op], v, columns)
	} else {
		b.ReduceColumns(reductions[member.op], v, columns)
	}
}
