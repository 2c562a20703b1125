package nn

// What a network learns and measures: names, shapes and layouts of its parameters, here and in PyTorch.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// State lists the parameters of a network in the order in which its layers declared them, which is the order of
// PyTorch's state_dict. The zero State is empty and ready to use.
type State struct {
	// Initial says how weights and embeddings begin.
	Initial Scheme

	params []*Param
}

// Params returns the parameters declared so far.
func (s *State) Params() []*Param {
	return s.params
}

// Path returns the place in the state whose names begin with the given segments.
func (s *State) Path(segments ...any) Path {
	return Path{state: s}.In(segments...)
}

// Path is a place in a [State]: the beginning of the names that a layer declares.
type Path struct {
	state  *State
	prefix string
	alias  string
}

// In returns the place below p with the given segments, names or numbers.
func (p Path) In(segments ...any) Path {
	for _, segment := range segments {
		p.prefix += fmt.Sprint(segment) + "."
		if p.alias != "" {
			p.alias += fmt.Sprint(segment) + "."
		}
	}
	return p
}

// Alias returns the same place with a second name in PyTorch's state_dict: that of a module which is registered twice.
func (p Path) Alias(name string) Path {
	p.alias = name + "."
	return p
}

// Param declares a parameter at p.
func (p Path) Param(name string, layout Layout, initial Initializer) *Param {
	return p.declare(Learned, name, layout, initial)
}

// statistic declares what a layer measures while training, one value for each channel.
func (p Path) statistic(name string, channels int, initial float64) *Param {
	return p.declare(Measured, name, Vector(channels), Constant(initial))
}

// counter declares a number that a layer counts while training.
func (p Path) counter(name string) *Param {
	return p.declare(Counted, name, Layout{}, Constant(0))
}

// weight declares what a layer multiplies its inputs by.
func (p Path) weight(name string, layout Layout) *Param {
	return p.Param(name, layout, Normal(p.state.Initial.weight(layout.Torch)))
}

// embedding declares what is added to a layer's inputs.
func (p Path) embedding(name string, layout Layout) *Param {
	return p.Param(name, layout, Normal(p.state.Initial.embedding()))
}

func (p Path) declare(kind Kind, name string, layout Layout, initial Initializer) *Param {
	param := &Param{Name: p.prefix + name, Kind: kind, Layout: layout, initial: initial}
	if p.alias != "" {
		param.Alias = p.alias + name
	}
	p.state.params = append(p.state.params, param)
	return param
}

// Kind says where the values of a parameter come from.
type Kind int

const (
	// Learned values follow the gradient of the loss.
	Learned Kind = iota
	// Measured values are taken from the batches while training, such as running means. No optimizer touches them.
	Measured
	// Counted is a whole number without axes, of type int64, that goes up while training.
	Counted
)

// Param is one array of the state.
type Param struct {
	// Name is the parameter's name in PyTorch's state_dict, such as stages.0.1.gamma.
	Name string
	// Alias is a second name of the same parameter in PyTorch's state_dict, or empty.
	Alias string
	// Kind says where its values come from.
	Kind Kind
	// Layout is its shape here and in PyTorch.
	Layout Layout

	initial Initializer
}

// VariablePath returns the path of the parameter's variable below a scope: its name with slashes for dots.
func (p *Param) VariablePath() string {
	return strings.ReplaceAll(p.Name, ".", model.ScopeSeparator)
}

// Node returns the parameter's value in the graph of x, with the data type of x.
func (p *Param) Node(scope *model.Scope, x *graph.Node) *graph.Node {
	return p.variable(scope, x).NodeValue(x.Graph())
}

// variable returns the parameter's variable, with the data type of x or, where it is counted, int64.
func (p *Param) variable(scope *model.Scope, x *graph.Node) *model.Variable {
	dtype := x.DType()
	if p.Kind == Counted {
		dtype = dtypes.Int64
	}
	path := model.JoinPath(scope.Scope(), p.VariablePath())
	variable := scope.Store().VariableWithShape(path, shapes.Make(dtype, p.Layout.Shape...), p.initial(scope))
	if p.Kind == Learned {
		countParameters(x.Graph(), p)
	} else {
		variable.SetTrainable(false)
	}
	return variable
}

// Layout says how an array of PyTorch's is laid out here: its axes are permuted, and the result is seen in another
// shape of as many elements.
type Layout struct {
	// Torch is the shape in PyTorch.
	Torch []int
	// Axes lists PyTorch's axes in the order in which they stand here.
	Axes []int
	// Shape is the shape here, after permuting.
	Shape []int
}

// Vector is the layout of a parameter with one value for each channel.
func Vector(channels int) Layout {
	return Layout{Torch: []int{channels}, Axes: []int{0}, Shape: []int{channels}}
}

// Matrix is the layout of a dense layer's weight: [out, in] in PyTorch, [in, out] here.
func Matrix(in, out int) Layout {
	return Layout{Torch: []int{out, in}, Axes: []int{1, 0}, Shape: []int{in, out}}
}

// Kernel is the layout of a convolution's kernel: [out, in, height, width] in PyTorch, [height, width, in, out] here,
// where in is the number of input channels of one group.
func Kernel(height, width, in, out int) Layout {
	return Layout{
		Torch: []int{out, in, height, width},
		Axes:  []int{2, 3, 1, 0},
		Shape: []int{height, width, in, out},
	}
}

// As returns the layout with another shape here, of as many elements.
func (l Layout) As(shape ...int) Layout {
	l.Shape = shape
	return l
}

// FromTorch returns values, in PyTorch's order, in the order used here.
func (l Layout) FromTorch(values []float32) []float32 {
	result := make([]float32, len(values))
	i := 0
	l.eachTorchOffset(func(offset int) {
		result[i] = values[offset]
		i++
	})
	return result
}

// ToTorch returns values, in the order used here, in PyTorch's order.
func (l Layout) ToTorch(values []float32) []float32 {
	result := make([]float32, len(values))
	i := 0
	l.eachTorchOffset(func(offset int) {
		result[offset] = values[i]
		i++
	})
	return result
}

// eachTorchOffset calls visit with the place in PyTorch's array of each element, in the order used here.
func (l Layout) eachTorchOffset(visit func(offset int)) {
	strides := make([]int, len(l.Torch))
	stride := 1
	for axis, size := range slices.Backward(l.Torch) {
		strides[axis] = stride
		stride *= size
	}
	var walk func(depth, offset int)
	walk = func(depth, offset int) {
		if depth == len(l.Axes) {
			visit(offset)
			return
		}
		axis := l.Axes[depth]
		for range l.Torch[axis] {
			walk(depth+1, offset)
			offset += strides[axis]
		}
	}
	walk(0, 0)
}
