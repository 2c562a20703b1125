package simd

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

//go:generate go run ./internal/recordgen

// node is one recorded operation.
type node struct {
	function   *Function
	op         compute.OpType
	inputs     []*value
	outputs    []*value
	attributes any    // what the operation needs beside its inputs; the type says what the node computes
	replay     replay // builds the operation on another backend; nil where there is nothing to replay
}

// value is one output of a node; it is what a compute.Value is here.
type value struct {
	node  *node
	index int
	shape shapes.Shape
}

// replay builds an operation on another function, from that function's values for the node's inputs.
type replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)

// replayOne is a replay with one output, as most operations have.
type replayOne func(g compute.Function, in []compute.Value) (compute.Value, error)

func (r replayOne) many() replay {
	return func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		out, err := r(g, in)
		return []compute.Value{out}, err
	}
}

// Attributes of nodes. A pass or a kernel recognises an operation by op and reads the rest here.
type (
	parameterOf struct {
		name  string
		index int
	}
	constantOf  struct{ data []byte }
	broadcastOf struct{ axes []int }
	transposeOf struct{ permutation []int }
	reduceOf    struct{ axes []int }
	sliceOf     struct{ starts, limits, strides []int }
	concatOf    struct{ axis int }
	reverseOf   struct{ axes []int }
	padOf       struct{ axes []compute.PadAxis }
	fftOf       struct {
		kind   compute.FFTType
		length []int
	}
	dotOf struct {
		lhsContracting, lhsBatch, rhsContracting, rhsBatch []int
	}
	convolutionOf struct {
		axes                               compute.ConvolveAxesConfig
		strides                            []int
		paddings                           [][2]int
		inputDilations, kernelDilations    []int
		channelGroupCount, batchGroupCount int
	}
	windowOf struct {
		reduction                                      compute.ReduceOpType
		dimensions, strides, inputDilations, dilations []int
		paddings                                       [][2]int
	}
)

// newNode appends a node with outputs of the given shapes.
func (f *Function) newNode(op compute.OpType, attributes any, inputs []*value, replay replay, outputs ...shapes.Shape) *node {
	n := &node{function: f, op: op, inputs: inputs, attributes: attributes, replay: replay}
	for i, shape := range outputs {
		n.outputs = append(n.outputs, &value{node: n, index: i, shape: shape})
	}
	f.nodes = append(f.nodes, n)
	return n
}

// record appends a node with one output.
func (f *Function) record(op compute.OpType, attributes any, shape shapes.Shape, r replayOne, inputs ...*value) (compute.Value, error) {
	return f.newNode(op, attributes, inputs, r.many(), shape).outputs[0], nil
}

// values checks that the arguments of an operation may be used in this function: they are its own or of a function
// around it.
func (f *Function) values(op fmt.Stringer, arguments ...compute.Value) ([]*value, error) {
	if f.returned {
		return nil, errors.Errorf("simd: %s: function %q has returned already", op, f.name)
	}
	values := make([]*value, len(arguments))
	for i, argument := range arguments {
		v, ok := argument.(*value)
		if !ok || v == nil {
			return nil, errors.Errorf("simd: %s: operand %d is a %T, want a value of this backend", op, i, argument)
		}
		if !v.node.function.encloses(f) {
			return nil, errors.Errorf("simd: %s: operand %d belongs to another function (%q)", op, i, v.node.function.name)
		}
		values[i] = v
	}
	return values, nil
}

func (f *Function) recordUnary(op compute.OpType, x compute.Value, r replayOne) (compute.Value, error) {
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	shape, err := unaryShape(op, in[0].shape)
	if err != nil {
		return nil, err
	}
	return f.record(op, nil, shape, r, in...)
}

// unaryShape adds to shapeinference what it leaves out: the tests for special values and the parts of complex numbers.
func unaryShape(op compute.OpType, operand shapes.Shape) (shapes.Shape, error) {
	shape := operand.Clone()
	switch op {
	case compute.OpTypeIsFinite, compute.OpTypeIsNaN:
		if !operand.DType.IsFloat() && !operand.DType.IsComplex() {
			return shape, errors.Errorf("simd: %s of %s: want floating-point values", op, operand)
		}
		shape.DType = dtypes.Bool
		return shape, nil
	case compute.OpTypeReal, compute.OpTypeImag, compute.OpTypeAbs:
		if operand.DType.IsComplex() {
			shape.DType = realOf(operand.DType)
			return shape, nil
		}
	}
	return shapeinference.UnaryOp(op, operand)
}

// realOf is the type of a complex number's parts.
func realOf(d dtypes.DType) dtypes.DType {
	if d == dtypes.Complex128 || d == dtypes.Float64 {
		return dtypes.Float64
	}
	return dtypes.Float32
}

func (f *Function) recordBinary(op compute.OpType, lhs, rhs compute.Value, r replayOne) (compute.Value, error) {
	in, err := f.values(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	infer := shapeinference.BinaryOp
	if shapeinference.ComparisonOperations.Has(op) {
		infer = shapeinference.ComparisonOp
	}
	shape, err := infer(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	for axis := range shape.Dimensions {
		// An axis of one element repeats to none beside an empty one, which shapeinference takes the other way round.
		for _, operand := range in {
			if operand.shape.Rank() == shape.Rank() && operand.shape.Dimensions[axis] == 0 {
				shape = shape.Clone()
				shape.Dimensions[axis] = 0
			}
		}
	}
	return f.record(op, nil, shape, r, in...)
}

func (f *Function) recordReduce(op compute.OpType, x compute.Value, axes []int, r replayOne) (compute.Value, error) {
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		for axis := range in[0].shape.Rank() {
			axes = append(axes, axis)
		}
	}
	shape, err := shapeinference.Reduce(in[0].shape, axes)
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(axes)
	slices.Sort(sorted)
	return f.record(op, reduceOf{sorted}, shape, r, in...)
}
