package simd

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Builder implements compute.Builder by recording.
type Builder struct {
	notimplemented.Builder
	backend  *Backend
	name     string
	main     *Function
	names    map[string]bool
	compiled bool
}

var _ compute.Builder = (*Builder)(nil)

func newBuilder(backend *Backend, name string) *Builder {
	b := &Builder{Builder: notimplemented.Builder{ErrFn: notImplemented}, backend: backend, name: name}
	b.main = newFunction(b, nil, compute.MainName)
	b.names = map[string]bool{compute.MainName: true}
	return b
}

// notImplemented is the error for operations that GoMLX can decompose or that no backend here has.
func notImplemented(op compute.OpType) error {
	return errors.Wrapf(compute.ErrNotImplemented, "simd: operation %s", op)
}

// Name implements compute.Builder.
func (b *Builder) Name() string { return b.name }

// Main implements compute.Builder.
func (b *Builder) Main() compute.Function { return b.main }

// NewFunction implements compute.Builder.
func (b *Builder) NewFunction(name string) (compute.Function, error) {
	if name == "" || b.names[name] {
		return nil, errors.Errorf("simd: function name %q: want one that is neither empty nor taken", name)
	}
	b.names[name] = true
	return newFunction(b, nil, name), nil
}

// OpShape implements compute.Builder.
func (b *Builder) OpShape(v compute.Value) (shapes.Shape, error) { return b.main.Shape(v) }

// DistributedSPMD implements compute.Builder: there is one device.
func (b *Builder) DistributedSPMD(devices int) error {
	if devices != 1 {
		return errors.Errorf("simd: %d devices asked for, there is 1", devices)
	}
	return nil
}

// DeviceAssignment implements compute.Builder.
func (b *Builder) DeviceAssignment(devices ...compute.DeviceNum) error {
	if len(devices) != 1 || devices[0] != 0 {
		return errors.Errorf("simd: devices %v asked for, there is only device 0", devices)
	}
	return nil
}

// Compile implements compute.Builder.
func (b *Builder) Compile() (compute.Executable, error) {
	if b.compiled {
		return nil, errors.Errorf("simd: computation %q is compiled already", b.name)
	}
	if !b.main.returned {
		return nil, errors.Errorf("simd: computation %q: Return must be called on the main function before Compile", b.name)
	}
	b.compiled = true
	g := newGraph(b.main)
	optimize(b.backend, g)
	p, err := newPlan(b.backend, g)
	if err != nil {
		return nil, errors.WithMessagef(err, "simd: planning %q", b.name)
	}
	return newExecutable(b.backend, b.name, b.main, p), nil
}
