package simd

import (
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// Function implements compute.Function by recording. Operations that it does not have, the fused ones among them,
// answer compute.ErrNotImplemented, upon which GoMLX decomposes them.
type Function struct {
	notimplemented.Function
	builder    *Builder
	parent     *Function
	name       string
	nodes      []*node
	parameters []*value
	outputs    []*value
	returned   bool
}

var _ compute.Function = (*Function)(nil)

func newFunction(b *Builder, parent *Function, name string) *Function {
	return &Function{Function: notimplemented.Function{ErrFn: notImplemented}, builder: b, parent: parent, name: name}
}

// Name implements compute.Function.
func (f *Function) Name() string { return f.name }

// Builder implements compute.Function.
func (f *Function) Builder() compute.Builder { return f.builder }

// Parent implements compute.Function.
func (f *Function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

// Closure implements compute.Function.
func (f *Function) Closure() (compute.Function, error) { return newFunction(f.builder, f, ""), nil }

// encloses says whether inner is f or a closure within it.
func (f *Function) encloses(inner *Function) bool {
	for ; inner != nil; inner = inner.parent {
		if inner == f {
			return true
		}
	}
	return false
}

// Parameter implements compute.Function.
func (f *Function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	if sharding != nil {
		return nil, errors.Errorf("simd: parameter %q: sharding is not supported, there is one device", name)
	}
	if !f.builder.backend.Capabilities().DTypes[shape.DType] || shape.IsDynamic() {
		return nil, errors.Errorf("simd: parameter %q: shape %s: want a supported data type and fixed dimensions", name, shape)
	}
	n := f.newNode(compute.OpTypeParameter, parameterOf{name, len(f.parameters)}, nil, nil, shape.Clone())
	f.parameters = append(f.parameters, n.outputs[0])
	return n.outputs[0], nil
}

// Constant implements compute.Function.
func (f *Function) Constant(flat any, dims ...int) (compute.Value, error) {
	t := reflect.TypeOf(flat)
	if t == nil || t.Kind() != reflect.Slice {
		return nil, errors.Errorf("simd: constant is a %T, want a slice", flat)
	}
	shape := shapes.Make(dtypes.FromGoType(t.Elem()), dims...)
	data, err := flatBytes(flat, shape)
	if err != nil {
		return nil, errors.WithMessage(err, "simd: constant")
	}
	return f.constant(shape, data), nil
}

// constant appends a constant with a copy of the data.
func (f *Function) constant(shape shapes.Shape, data []byte) *value {
	kept := memory.Bytes(len(data))
	copy(kept, data)
	replay := func(g compute.Function, _ []compute.Value) (compute.Value, error) {
		return g.Constant(flatView(shape.DType, kept, shape.Size()), shape.Dimensions...)
	}
	return f.newNode(compute.OpTypeConstant, constantOf{kept}, nil, replayOne(replay).many(), shape).outputs[0]
}

// Shape implements compute.Function.
func (f *Function) Shape(v compute.Value) (shapes.Shape, error) {
	own, ok := v.(*value)
	if !ok || own == nil {
		return shapes.Invalid(), errors.Errorf("simd: shape of a %T, want a value of this backend", v)
	}
	return own.shape, nil
}

// Return implements compute.Function.
func (f *Function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	for _, sharding := range shardings {
		if sharding != nil {
			return errors.New("simd: Return: sharding is not supported, there is one device")
		}
	}
	if len(outputs) == 0 {
		return errors.Errorf("simd: Return: function %q: want at least one output", f.name)
	}
	values, err := f.values(namedOperation("Return"), outputs...)
	if err != nil {
		return err
	}
	f.outputs = values
	f.returned = true
	return nil
}

// namedOperation lets messages name what is no compute.OpType.
type namedOperation string

func (n namedOperation) String() string { return string(n) }

// Call implements compute.Function: the called function's operations are recorded in place of the call.
func (f *Function) Call(called compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	callee, ok := called.(*Function)
	if !ok || callee.builder != f.builder || !callee.returned {
		return nil, errors.New("simd: Call: want a function of the same builder that has returned")
	}
	if _, err := f.values(compute.OpTypeCall, inputs...); err != nil {
		return nil, err
	}
	if len(inputs) != len(callee.parameters) {
		return nil, errors.Errorf("simd: Call of %q with %d inputs, want %d", callee.name, len(inputs), len(callee.parameters))
	}
	return callee.replayOnto(f, inputs, nil)
}

// replayOnto builds the function's operations on another function. The outer map gives that function's values for
// values captured from around a closure.
func (f *Function) replayOnto(g compute.Function, parameters []compute.Value, outer map[*value]compute.Value) ([]compute.Value, error) {
	known := make(map[*value]compute.Value, len(f.nodes))
	for v, target := range outer {
		known[v] = target
	}
	for i, p := range f.parameters {
		known[p] = parameters[i]
	}
	for _, n := range f.nodes {
		if n.op == compute.OpTypeParameter {
			continue
		}
		in := make([]compute.Value, len(n.inputs))
		for i, input := range n.inputs {
			in[i] = known[input]
		}
		out, err := n.replay(g, in)
		if err != nil {
			return nil, errors.WithMessagef(err, "simd: replaying %s", n.op)
		}
		for i, v := range n.outputs {
			known[v] = out[i]
		}
	}
	out := make([]compute.Value, len(f.outputs))
	for i, v := range f.outputs {
		out[i] = known[v]
	}
	return out, nil
}

// captured returns the values from around a closure that it or a closure within it uses.
func (f *Function) captured() []*value {
	var found []*value
	use := func(v *value) {
		if v.node.function != f && !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	for _, n := range f.nodes {
		for _, v := range n.inputs {
			use(v)
		}
	}
	for _, v := range f.outputs {
		use(v)
	}
	return found
}
