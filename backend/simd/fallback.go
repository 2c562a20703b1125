package simd

import (
	"strconv"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// fallback runs one node, for which there is no kernel here, on GoMLX's Go backend.
type fallback struct {
	op         compute.OpType
	executable compute.Executable
	inputs     []location
	shapes     []shapes.Shape
	outputs    []location
}

// compileAlone makes an executable of the Go backend from one node; its inputs become parameters.
func compileAlone(backend compute.Backend, n *node) (executable compute.Executable, err error) {
	defer catch(&err)
	if n.replay == nil {
		return nil, errors.Errorf("simd: %s has neither a kernel nor a form for the Go backend", n.op)
	}
	builder := backend.Builder(n.op.String())
	main := builder.Main()
	in := make([]compute.Value, len(n.inputs))
	for i, input := range n.inputs {
		if in[i], err = main.Parameter("x"+strconv.Itoa(i), input.shape, nil); err != nil {
			return nil, err
		}
	}
	out, err := n.replay(main, in)
	if err != nil {
		return nil, err
	}
	if err := main.Return(out, nil); err != nil {
		return nil, err
	}
	return builder.Compile()
}

func (s *fallback) run(r *run) (err error) {
	defer catch(&err)
	in := make([]compute.Buffer, len(s.inputs))
	donate := make([]bool, len(s.inputs))
	for i, l := range s.inputs {
		buffer, flat, err := r.backend.fallback.NewSharedBuffer(0, s.shapes[i])
		if err != nil {
			return err
		}
		copy(dtypes.UnsafeByteSliceFromAny(flat), r.bytes(l))
		in[i], donate[i] = buffer, true
	}
	out, err := s.executable.Execute(in, donate, 0)
	if err != nil {
		return errors.WithMessagef(err, "simd: %s on the Go backend", s.op)
	}
	for i, buffer := range out {
		flat, err := buffer.Data()
		if err != nil {
			return err
		}
		copy(r.bytes(s.outputs[i]), dtypes.UnsafeByteSliceFromAny(flat))
		if err := buffer.Finalize(); err != nil {
			return err
		}
	}
	return nil
}

// catch turns a panic into an error: the Go backend reports some bad arguments by panicking.
func catch(err *error) {
	if p := recover(); p != nil {
		if e, ok := p.(error); ok {
			*err = errors.WithStack(errors.WithMessage(e, "simd"))
			return
		}
		*err = errors.Errorf("simd: %v", p)
	}
}
