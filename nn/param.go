package nn

// What a network learns: names, shapes and layouts of its parameters, here and in PyTorch.

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// State lists the parameters of a network in the order in which its layers declared them, which is the order of
// PyTorch's state_dict. The zero State is empty and ready to use.
type State struct {
	// FanIn makes weights begin with the deviation 1/√n, n being the number of inputs of an output, and embeddings with
	// the deviation 1 (as ParC-Net's do), so that signals keep their size: small networks that are trained for few epochs
	// do not get away from beginnings near zero. By default both begin with 0.02, as ConvNeXt's do.
	FanIn bool

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
}

// In returns the place below p with the given segments, names or numbers.
func (p Path) In(segments ...any) Path {
	for _, segment := range segments {
		p.prefix += fmt.Sprint(segment) + "."
	}
	return p
}

// Param declares a parameter at p.
func (p Path) Param(name string, layout Layout, initial Initializer) *Param {
	param := &Param{Name: p.prefix + name, Layout: layout, initial: initial}
	p.state.params = append(p.state.params, param)
	return param
}

// weight declares what a layer multiplies its inputs by.
func (p Path) weight(name string, layout Layout) *Param {
	deviation := smallDeviation
	if p.state.FanIn {
		deviation = 1 / math.Sqrt(float64(shapeSize(layout.Torch[1:])))
	}
	return p.Param(name, layout, Normal(deviation))
}

// embedding declares what is added to a layer's inputs.
func (p Path) embedding(name string, layout Layout) *Param {
	deviation := smallDeviation
	if p.state.FanIn {
		deviation = 1
	}
	return p.Param(name, layout, Normal(deviation))
}

const smallDeviation = 0.02

// Param is one array of learned values.
type Param struct {
	// Name is the parameter's name in PyTorch's state_dict, such as stages.0.1.gamma.
	Name string
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
	path := model.JoinPath(scope.Scope(), p.VariablePath())
	shape := shapes.Make(x.DType(), p.Layout.Shape...)
	variable := scope.Store().VariableWithShape(path, shape, p.initial(scope))
	countParameters(x.Graph(), p)
	return variable.NodeValue(x.Graph())
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
