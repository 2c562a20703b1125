package simd

import (
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// executable implements compute.Executable. Any number of goroutines may call Execute at a time.
type executable struct {
	backend *Backend
	name    string
	names   []string
	inputs  []shapes.Shape
	outputs []shapes.Shape
	plan    *plan
	runs    sync.Pool // of *run
	weights weightsCache
}

var _ compute.Executable = (*executable)(nil)

func newExecutable(b *Backend, name string, f *Function, p *plan) *executable {
	e := &executable{backend: b, name: name, inputs: shapesOf(f.parameters), outputs: shapesOf(f.outputs), plan: p}
	for _, parameter := range f.parameters {
		e.names = append(e.names, parameter.node.attributes.(parameterOf).name)
	}
	return e
}

// Finalize implements compute.Executable; memory is left to the collector.
func (e *executable) Finalize() { e.weights.drop(e.backend) }

// Inputs implements compute.Executable.
func (e *executable) Inputs() (names []string, inputShapes []shapes.Shape) { return e.names, e.inputs }

// Outputs implements compute.Executable.
func (e *executable) Outputs() []shapes.Shape { return e.outputs }

// Execute implements compute.Executable.
func (e *executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) (outputs []compute.Buffer, err error) {
	defer catch(&err)
	if device != 0 {
		return nil, errors.Errorf("simd: device %d does not exist, the only one is 0", device)
	}
	r, err := e.begin(inputs)
	if err != nil {
		return nil, err
	}
	defer e.end(r)
	weights, err := e.weights.acquire(r)
	if err != nil {
		return nil, err
	}
	defer e.weights.release(e.backend, weights)
	for _, s := range e.plan.steps {
		if err := s.run(r); err != nil {
			return nil, err
		}
	}
	outputs = make([]compute.Buffer, len(r.outputs))
	for i, buffer := range r.outputs {
		outputs[i] = buffer
	}
	for i, given := range donate {
		if given {
			if err := inputs[i].Finalize(); err != nil {
				return nil, err
			}
		}
	}
	return outputs, nil
}

// begin checks the inputs and gives a run its memory.
func (e *executable) begin(inputs []compute.Buffer) (*run, error) {
	if e.backend.IsFinalized() {
		return nil, errors.Errorf("simd: %q: the backend is finalized", e.name)
	}
	if len(inputs) != len(e.inputs) {
		return nil, errors.Errorf("simd: %q called with %d inputs, want %d", e.name, len(inputs), len(e.inputs))
	}
	r, ok := e.runs.Get().(*run)
	if !ok {
		r = &run{plan: e.plan, backend: e.backend, arena: e.backend.buffers.get(e.plan.arena)}
		r.parameters = make([]*Buffer, len(e.inputs))
		r.outputs = make([]*Buffer, len(e.outputs))
		for range e.backend.threads {
			r.scratch = append(r.scratch, memory.Floats(e.plan.scratch))
		}
	}
	for i, input := range inputs {
		buffer, ok := input.(*Buffer)
		switch {
		case !ok || buffer == nil || buffer.backend != e.backend:
			return nil, errors.Errorf("simd: %q: input %d (%s) is not a buffer of this backend", e.name, i, e.names[i])
		case !buffer.shape.Equal(e.inputs[i]):
			return nil, errors.Errorf("simd: %q: input %d (%s) is %s, want %s", e.name, i, e.names[i], buffer.shape, e.inputs[i])
		case buffer.data == nil && buffer.shape.Size() > 0:
			return nil, errors.Errorf("simd: %q: input %d (%s) is finalized or donated already", e.name, i, e.names[i])
		}
		r.parameters[i] = buffer
	}
	for i, shape := range e.outputs {
		r.outputs[i] = e.backend.newBuffer(shape)
	}
	return r, nil
}

// end keeps a run's memory for the next call.
func (e *executable) end(r *run) {
	clear(r.parameters)
	clear(r.outputs)
	r.weights = nil
	e.runs.Put(r)
}

// TemporaryBytes returns the memory in bytes that one call takes for everything between its inputs and its outputs, at
// the time when most of it is needed. What goroutines need to compute, and what is made of weights once, is not in it.
func (e *executable) TemporaryBytes() int { return e.plan.arena }
