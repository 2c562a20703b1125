package simd

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// closures are the functions within a control-flow operation, with the values that they capture, which become inputs
// of the operation after its own.
type closures struct {
	functions []*Function
	captured  []*value
}

func (f *Function) closures(op compute.OpType, functions ...compute.Function) (closures, error) {
	var c closures
	seen := map[*value]bool{}
	for i, function := range functions {
		closure, ok := function.(*Function)
		if !ok || closure.parent != f || !closure.returned {
			return c, errors.Errorf("simd: %s: function %d: want a closure of the function it is used in, after its Return", op, i)
		}
		c.functions = append(c.functions, closure)
		for _, v := range closure.captured() {
			if !seen[v] {
				seen[v] = true
				c.captured = append(c.captured, v)
			}
		}
	}
	return c, nil
}

// rebuild makes the closures anew on another function.
func (c closures) rebuild(g compute.Function, captured []compute.Value) ([]compute.Function, error) {
	outer := make(map[*value]compute.Value, len(captured))
	for i, v := range c.captured {
		outer[v] = captured[i]
	}
	rebuilt := make([]compute.Function, len(c.functions))
	for i, function := range c.functions {
		target, err := g.Closure()
		if err != nil {
			return nil, err
		}
		var parameters []compute.Value
		for _, p := range function.parameters {
			parameter, err := target.Parameter(p.node.attributes.(parameterOf).name, p.shape, nil)
			if err != nil {
				return nil, err
			}
			parameters = append(parameters, parameter)
		}
		outputs, err := function.replayOnto(target, parameters, outer)
		if err != nil {
			return nil, err
		}
		if err := target.Return(outputs, nil); err != nil {
			return nil, err
		}
		rebuilt[i] = target
	}
	return rebuilt, nil
}

// recordControl appends a control-flow operation; build makes it on another function from rebuilt closures.
func (f *Function) recordControl(op compute.OpType, c closures, own []*value, outputs []shapes.Shape,
	build func(g compute.Function, functions []compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	replay := func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		functions, err := c.rebuild(g, in[len(own):])
		if err != nil {
			return nil, err
		}
		return build(g, functions, in[:len(own)])
	}
	inputs := append(append([]*value{}, own...), c.captured...)
	return asValues(f.newNode(op, nil, inputs, replay, outputs...).outputs), nil
}

func asValues(outputs []*value) []compute.Value {
	values := make([]compute.Value, len(outputs))
	for i, v := range outputs {
		values[i] = v
	}
	return values
}

func shapesOf(values []*value) []shapes.Shape {
	result := make([]shapes.Shape, len(values))
	for i, v := range values {
		result[i] = v.shape
	}
	return result
}

// sameShapes checks that a closure takes or gives what it must.
func sameShapes(op compute.OpType, what string, got, want []shapes.Shape) error {
	if len(got) != len(want) {
		return errors.Errorf("simd: %s: %s are %d, want %d", op, what, len(got), len(want))
	}
	for i := range got {
		if !got[i].Equal(want[i]) {
			return errors.Errorf("simd: %s: %s: number %d is %s, want %s", op, what, i, got[i], want[i])
		}
	}
	return nil
}

var predicate = []shapes.Shape{shapes.Make(dtypes.Bool)}

// Sort implements compute.Function.
func (f *Function) Sort(comparator compute.Function, axis int, isStable bool, inputs ...compute.Value) ([]compute.Value, error) {
	in, err := f.values(compute.OpTypeSort, inputs...)
	if err != nil {
		return nil, err
	}
	c, err := f.closures(compute.OpTypeSort, comparator)
	if err != nil {
		return nil, err
	}
	var want []shapes.Shape
	for _, v := range in {
		scalar := shapes.Make(v.shape.DType)
		want = append(want, scalar, scalar)
		if !v.shape.EqualDimensions(in[0].shape) {
			return nil, errors.Errorf("simd: Sort: inputs of shapes %s and %s, want one shape", in[0].shape, v.shape)
		}
	}
	if len(in) == 0 || axis < -in[0].shape.Rank() || axis >= in[0].shape.Rank() {
		return nil, errors.Errorf("simd: Sort: axis %d of %d inputs, want an axis of at least one input", axis, len(in))
	}
	if err := sameShapes(compute.OpTypeSort, "the comparator's parameters", shapesOf(c.functions[0].parameters), want); err != nil {
		return nil, err
	}
	if err := sameShapes(compute.OpTypeSort, "the comparator's outputs", shapesOf(c.functions[0].outputs), predicate); err != nil {
		return nil, err
	}
	return f.recordControl(compute.OpTypeSort, c, in, shapesOf(in),
		func(g compute.Function, functions []compute.Function, in []compute.Value) ([]compute.Value, error) {
			return g.Sort(functions[0], axis, isStable, in...)
		})
}

// While implements compute.Function.
func (f *Function) While(cond, body compute.Function, initialState ...compute.Value) ([]compute.Value, error) {
	in, err := f.values(compute.OpTypeWhile, initialState...)
	if err != nil {
		return nil, err
	}
	c, err := f.closures(compute.OpTypeWhile, cond, body)
	if err != nil {
		return nil, err
	}
	state := shapesOf(in)
	for _, check := range []struct {
		what string
		got  []*value
		want []shapes.Shape
	}{
		{"the condition's parameters", c.functions[0].parameters, state},
		{"the condition's outputs", c.functions[0].outputs, predicate},
		{"the body's parameters", c.functions[1].parameters, state},
		{"the body's outputs", c.functions[1].outputs, state},
	} {
		if err := sameShapes(compute.OpTypeWhile, check.what, shapesOf(check.got), check.want); err != nil {
			return nil, err
		}
	}
	return f.recordControl(compute.OpTypeWhile, c, in, state,
		func(g compute.Function, functions []compute.Function, in []compute.Value) ([]compute.Value, error) {
			return g.While(functions[0], functions[1], in...)
		})
}

// If implements compute.Function.
func (f *Function) If(pred compute.Value, trueBranch, falseBranch compute.Function) ([]compute.Value, error) {
	in, err := f.values(compute.OpTypeIf, pred)
	if err != nil {
		return nil, err
	}
	c, err := f.closures(compute.OpTypeIf, trueBranch, falseBranch)
	if err != nil {
		return nil, err
	}
	if err := sameShapes(compute.OpTypeIf, "the predicate", shapesOf(in), predicate); err != nil {
		return nil, err
	}
	outputs := shapesOf(c.functions[0].outputs)
	if err := sameShapes(compute.OpTypeIf, "the false branch's outputs", shapesOf(c.functions[1].outputs), outputs); err != nil {
		return nil, err
	}
	return f.recordControl(compute.OpTypeIf, c, in, outputs,
		func(g compute.Function, functions []compute.Function, in []compute.Value) ([]compute.Value, error) {
			return g.If(in[0], functions[0], functions[1])
		})
}
