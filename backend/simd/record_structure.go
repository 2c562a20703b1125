package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Operations that move, make or convert values without arithmetic.

// Identity implements compute.Function.
func (f *Function) Identity(x compute.Value) (compute.Value, error) { return f.identity(x, nil) }

func (f *Function) identity(x compute.Value, attributes any) (compute.Value, error) {
	in, err := f.values(compute.OpTypeIdentity, x)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeIdentity, attributes, in[0].shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Identity(in[0])
	}, in...)
}

// barrierOf marks an identity that stands for an optimization barrier.
type barrierOf struct{}

func isBarrier(n *node) bool {
	_, ok := n.attributes.(barrierOf)
	return ok
}

// OptimizationBarrier implements compute.Function. It is the identity, as passes here keep values as they are; but within
// the operator, behind its concatenation or its Fourier transforms, it says that these are how it is to be computed.
func (f *Function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	results := make([]compute.Value, len(operands))
	for i, operand := range operands {
		result, err := f.identity(operand, barrierOf{})
		if err != nil {
			return nil, err
		}
		results[i] = result
	}
	return results, nil
}

// SchedulingBarrier implements compute.Function. There are no side effects to order, so it is the identity.
func (f *Function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	if _, err := f.values(compute.OpTypeSchedulingBarrier, dependencies...); err != nil {
		return nil, err
	}
	return f.Identity(operand)
}

// AllReduce implements compute.Function: over the one device there is, it is the identity.
func (f *Function) AllReduce(operands []compute.Value, _ compute.ReduceOpType, replicaGroups [][]int) ([]compute.Value, error) {
	for _, group := range replicaGroups {
		if len(group) > 1 {
			return nil, errors.Errorf("simd: AllReduce over the devices %v, there is only one", group)
		}
	}
	return f.OptimizationBarrier(operands...)
}

// Reshape implements compute.Function.
func (f *Function) Reshape(x compute.Value, dimensions ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeReshape, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Reshape(in[0].shape, dimensions)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeReshape, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reshape(in[0], shape.Dimensions...)
	}, in...)
}

// Transpose implements compute.Function.
func (f *Function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeTranspose, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Transpose(in[0].shape, permutation)
	if err != nil {
		return nil, err
	}
	permutation = slices.Clone(permutation)
	return f.record(compute.OpTypeTranspose, transposeOf{permutation}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Transpose(in[0], permutation...)
	}, in...)
}

// BroadcastInDim implements compute.Function.
func (f *Function) BroadcastInDim(x compute.Value, outputShape shapes.Shape, broadcastAxes []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeBroadcastInDim, x)
	if err != nil {
		return nil, err
	}
	if err := shapeinference.BroadcastInDim(in[0].shape, outputShape, broadcastAxes, nil); err != nil {
		return nil, err
	}
	shape := outputShape.Clone()
	shape.DType = in[0].shape.DType
	axes := slices.Clone(broadcastAxes)
	return f.record(compute.OpTypeBroadcastInDim, broadcastOf{axes}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BroadcastInDim(in[0], shape, axes)
	}, in...)
}

// Slice implements compute.Function.
func (f *Function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeSlice, x)
	if err != nil {
		return nil, err
	}
	if len(strides) == 0 {
		strides = slices.Repeat([]int{1}, in[0].shape.Rank())
	}
	shape, err := shapeinference.Slice(in[0].shape, starts, limits, strides)
	if err != nil {
		return nil, err
	}
	a := sliceOf{slices.Clone(starts), slices.Clone(limits), slices.Clone(strides)}
	return f.record(compute.OpTypeSlice, a, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Slice(in[0], a.starts, a.limits, a.strides)
	}, in...)
}

// Concatenate implements compute.Function.
func (f *Function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeConcatenate, operands...)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Concatenate(shapesOf(in), axis)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeConcatenate, concatOf{axis}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Concatenate(axis, in...)
	}, in...)
}

// Reverse implements compute.Function.
func (f *Function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeReverse, x)
	if err != nil {
		return nil, err
	}
	for _, axis := range axes {
		if axis < 0 || axis >= in[0].shape.Rank() {
			return nil, errors.Errorf("simd: Reverse: axis %d of shape %s does not exist", axis, in[0].shape)
		}
	}
	axes = slices.Clone(axes)
	return f.record(compute.OpTypeReverse, reverseOf{axes}, in[0].shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reverse(in[0], axes...)
	}, in...)
}

// Pad implements compute.Function.
func (f *Function) Pad(x, fillValue compute.Value, axesConfig ...compute.PadAxis) (compute.Value, error) {
	in, err := f.values(compute.OpTypePad, x, fillValue)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Pad(in[0].shape, axesConfig...)
	if err != nil {
		return nil, err
	}
	axes := slices.Clone(axesConfig)
	return f.record(compute.OpTypePad, padOf{axes}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Pad(in[0], in[1], axes...)
	}, in...)
}

// Iota implements compute.Function.
func (f *Function) Iota(shape shapes.Shape, iotaAxis int) (compute.Value, error) {
	if _, err := f.values(compute.OpTypeIota); err != nil {
		return nil, err
	}
	if !shape.DType.IsInt() && !shape.DType.IsFloat() || iotaAxis < 0 || iotaAxis >= shape.Rank() {
		return nil, errors.Errorf("simd: Iota along axis %d of shape %s: want a number type and one of its axes", iotaAxis, shape)
	}
	return f.record(compute.OpTypeIota, nil, shape, func(g compute.Function, _ []compute.Value) (compute.Value, error) {
		return g.Iota(shape, iotaAxis)
	})
}

// ConvertDType implements compute.Function.
func (f *Function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	in, err := f.values(compute.OpTypeConvertDType, x)
	if err != nil {
		return nil, err
	}
	if in[0].shape.DType == dtype {
		return in[0], nil
	}
	if dtype == dtypes.Complex64 && in[0].shape.DType == dtypes.Float32 {
		zero := f.constant(shapes.Make(dtypes.Float32), make([]byte, 4))
		return f.Complex(x, zero)
	}
	shape := in[0].shape.Clone()
	shape.DType = dtype
	return f.record(compute.OpTypeConvertDType, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvertDType(in[0], dtype)
	}, in...)
}

// Bitcast implements compute.Function.
func (f *Function) Bitcast(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	in, err := f.values(compute.OpTypeBitcast, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Bitcast(in[0].shape, dtype)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeBitcast, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Bitcast(in[0], dtype)
	}, in...)
}

// Where implements compute.Function.
func (f *Function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeWhere, condition, onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Where(in[0].shape, in[1].shape, in[2].shape)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeWhere, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Where(in[0], in[1], in[2])
	}, in...)
}

// Clamp implements compute.Function.
func (f *Function) Clamp(low, x, high compute.Value) (compute.Value, error) {
	raised, err := f.Max(low, x)
	if err != nil {
		return nil, err
	}
	return f.Min(raised, high)
}

// DynamicSlice implements compute.Function.
func (f *Function) DynamicSlice(operand compute.Value, startIndices []compute.Value, sliceDims []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeDynamicSlice, append([]compute.Value{operand}, startIndices...)...)
	if err != nil {
		return nil, err
	}
	if err := checkBlock(compute.OpTypeDynamicSlice, in[0].shape, sliceDims, in[1:]); err != nil {
		return nil, err
	}
	shape, err := shapeinference.DynamicSlice(in[0].shape, sliceDims)
	if err != nil {
		return nil, err
	}
	dims := slices.Clone(sliceDims)
	return f.record(compute.OpTypeDynamicSlice, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicSlice(in[0], in[1:], dims)
	}, in...)
}

// DynamicUpdateSlice implements compute.Function.
func (f *Function) DynamicUpdateSlice(operand, update compute.Value, startIndices []compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeDynamicUpdateSlice, append([]compute.Value{operand, update}, startIndices...)...)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.DynamicUpdateSlice(in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	if err := checkBlock(compute.OpTypeDynamicUpdateSlice, in[0].shape, in[1].shape.Dimensions, in[2:]); err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeDynamicUpdateSlice, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicUpdateSlice(in[0], in[1], in[2:])
	}, in...)
}

// checkBlock checks a block of a tensor whose start is known when it runs: it must fit, and have one integer scalar an
// axis for a start.
func checkBlock(op compute.OpType, whole shapes.Shape, sizes []int, starts []*value) error {
	if len(sizes) != whole.Rank() || len(starts) != whole.Rank() {
		return errors.Errorf("simd: %s: %d sizes and %d start indices for shape %s, want one an axis", op, len(sizes), len(starts), whole)
	}
	for axis, start := range starts {
		if sizes[axis] < 0 || sizes[axis] > whole.Dimensions[axis] {
			return errors.Errorf("simd: %s: size %d along axis %d of shape %s, want 0 to %d", op, sizes[axis], axis, whole, whole.Dimensions[axis])
		}
		if !start.shape.IsScalar() || !start.shape.DType.IsInt() || start.shape.DType.IsPacked() {
			return errors.Errorf("simd: %s: start index %d is %s, want an integer scalar", op, axis, start.shape)
		}
	}
	return nil
}

// RNGBitGenerator implements compute.Function.
func (f *Function) RNGBitGenerator(state compute.Value, shape shapes.Shape) (newState, values compute.Value, err error) {
	in, err := f.values(compute.OpTypeRNGBitGenerator, state)
	if err != nil {
		return nil, nil, err
	}
	if !in[0].shape.Equal(compute.RNGStateShape) {
		return nil, nil, errors.Errorf("simd: RNGBitGenerator: state is %s, want %s", in[0].shape, compute.RNGStateShape)
	}
	n := f.newNode(compute.OpTypeRNGBitGenerator, nil, in, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		newState, values, err := g.RNGBitGenerator(in[0], shape)
		return []compute.Value{newState, values}, err
	}, compute.RNGStateShape, shape)
	return n.outputs[0], n.outputs[1], nil
}
