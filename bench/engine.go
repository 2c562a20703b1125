package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/gradient"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/parc"
)

// Ours is the name of this project's engine among the libraries.
const Ours = "fastparc"

// engine is a computation compiled by this project's engine, with its inputs on the device.
type engine struct {
	executable compute.Executable
	buffers    []compute.Buffer   // that it owns
	inputs     [][]compute.Buffer // sets of them that calls take in turn
	next       int
	outputs    []string
}

// layer is what a user writes: it takes its variables from the scope.
type layer func(scope *model.Scope, x *graph.Node) *graph.Node

// ours returns this project's contenders. The engine is opened with the work's threads and belongs to the caller.
func (w Work) ours(backend compute.Backend, operands []operand, choiceOnly bool) (entrants []entrant, err error) {
	forms := []parc.Form{parc.Spatial, parc.FFT, parc.Auto}
	if choiceOnly {
		forms = forms[2:]
	}
	for _, form := range forms {
		operator := func(scope *model.Scope, x *graph.Node) *graph.Node {
			return parc.New(scope, x).Axis(w.Axis).KernelSize(w.Length()).Form(form).Names("kernel", "embedding", "bias").Done()
		}
		e, err := w.compile(backend, operands, operator)
		if err != nil {
			return nil, err
		}
		entrants = append(entrants, entrant{e, Ours, form.String(), circular})
	}
	if choiceOnly {
		return entrants, nil
	}
	depthwise := func(scope *model.Scope, x *graph.Node) *graph.Node {
		var state nn.State
		return nn.NewDepthwiseConv(state.Path(), w.Channels, localSize, 1).Apply(scope, x)
	}
	e, err := w.compile(backend, operands, depthwise)
	return append(entrants, entrant{e, Ours, string(local), local}), err
}

// compile builds the layer's graph for the work, and gives it the operands that its variables are named after.
func (w Work) compile(backend compute.Backend, operands []operand, apply layer) (e *engine, err error) {
	defer func() {
		if reason := recover(); reason != nil { // graphs report errors so
			err = fmt.Errorf("%s: %v", w, reason)
		}
	}()
	e = &engine{outputs: []string{"y"}}
	store := model.NewStore()
	g := graph.NewGraph(backend, "bench")
	images := shapes.Make(dtypes.Float32, w.Batch, w.Height, w.Width, w.Channels)
	x := graph.Parameter(g, "x", images)
	outputs := []*graph.Node{apply(store.RootScope(), x)}
	if w.Training {
		v := graph.Parameter(g, "v", images)
		names, wrt := []string{"x"}, []*graph.Node{x}
		for variable := range store.IterVariables() {
			names, wrt = append(names, operandOf(variable.Path())), append(wrt, variable.NodeValue(g))
		}
		outputs = append(outputs, gradients(outputs[0], v, wrt)...)
		for _, name := range names {
			e.outputs = append(e.outputs, "gradient of "+name)
		}
	}
	if err := g.Compile(outputs...); err != nil {
		return nil, err
	}
	e.executable = g.Executable()
	return e, e.setInputs(backend, operands, w.Training)
}

// gradients returns the gradients by wrt of a loss whose gradient by y is v.
func gradients(y, v *graph.Node, wrt []*graph.Node) []*graph.Node {
	zero := graph.ScalarZero(y.Graph(), dtypes.Float32)
	loss := gradient.Custom(zero, []*graph.Node{y}, func(*graph.Node) []*graph.Node { return []*graph.Node{v} })
	return graph.Gradient(loss, wrt...)
}

// operandOf returns the name of the operand that a variable holds.
func operandOf(path string) string {
	name := strings.TrimPrefix(path, model.ScopeSeparator)
	if name == "weight" { // of a depth-wise layer
		return "local"
	}
	return name
}

// setInputs puts the operands on the device. While training the weights are new at every step: there are two sets of
// their buffers then, so that no call finds its own weights prepared.
func (e *engine) setInputs(backend compute.Backend, operands []operand, training bool) error {
	names, shapes := e.executable.Inputs()
	e.inputs = make([][]compute.Buffer, 1)
	if training {
		e.inputs = make([][]compute.Buffer, 2)
	}
	for i, name := range names {
		at := slices.IndexFunc(operands, func(o operand) bool { return o.name == operandOf(name) })
		isWeight := strings.HasPrefix(name, model.ScopeSeparator)
		var buffer compute.Buffer
		for s := range e.inputs {
			if s == 0 || isWeight {
				var err error
				if buffer, err = backend.BufferFromFlatData(0, operands[at].values, shapes[i]); err != nil {
					return err
				}
				e.buffers = append(e.buffers, buffer)
			}
			e.inputs[s] = append(e.inputs[s], buffer)
		}
	}
	return nil
}

// call is what a user of the engine waits for: inputs are on the device, outputs come to be there.
func (e *engine) call() ([]compute.Buffer, error) {
	e.next++
	return e.executable.Execute(e.inputs[e.next%len(e.inputs)], nil, 0)
}

// compute implements contender.
func (e *engine) compute() (results, error) {
	buffers, err := e.call()
	if err != nil {
		return nil, err
	}
	values := results{}
	for i, buffer := range buffers {
		flat := make([]float32, e.executable.Outputs()[i].Size())
		if err := buffer.ToFlatData(flat); err != nil {
			return nil, err
		}
		values[e.outputs[i]] = flat
	}
	return values, finalize(buffers)
}

// burst implements contender. Giving the outputs back is part of a call.
func (e *engine) burst(b burst) ([]float64, error) {
	return b.do(func() error {
		outputs, err := e.call()
		if err != nil {
			return err
		}
		return finalize(outputs)
	})
}

// close frees the executable and its inputs.
func (e *engine) close() error {
	e.executable.Finalize()
	return finalize(e.buffers)
}

func finalize(buffers []compute.Buffer) error {
	for _, buffer := range buffers {
		if err := buffer.Finalize(); err != nil {
			return err
		}
	}
	return nil
}

// openEngine opens the engine with a number of threads.
func openEngine(count int) (compute.Backend, error) {
	return simd.New(fmt.Sprintf("threads=%d", count))
}
