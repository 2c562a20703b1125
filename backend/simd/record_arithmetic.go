package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Operations with arithmetic whose methods are not generated: products, convolutions, windows, indices, transforms.

// DotGeneral implements compute.Function.
func (f *Function) DotGeneral(lhs compute.Value, lhsContractingAxes, lhsBatchAxes []int, rhs compute.Value,
	rhsContractingAxes, rhsBatchAxes []int, config compute.DotGeneralConfig) (compute.Value, error) {
	in, err := f.values(compute.OpTypeDotGeneral, lhs, rhs)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.DotGeneral(in[0].shape, lhsContractingAxes, lhsBatchAxes, in[1].shape, rhsContractingAxes, rhsBatchAxes, config)
	if err != nil {
		return nil, err
	}
	a := dotOf{slices.Clone(lhsContractingAxes), slices.Clone(lhsBatchAxes), slices.Clone(rhsContractingAxes), slices.Clone(rhsBatchAxes)}
	return f.record(compute.OpTypeDotGeneral, a, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DotGeneral(in[0], a.lhsContracting, a.lhsBatch, in[1], a.rhsContracting, a.rhsBatch, config)
	}, in...)
}

// ConvGeneral implements compute.Function.
func (f *Function) ConvGeneral(input, kernel compute.Value, axes compute.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inputDilations, kernelDilations []int, channelGroupCount, batchGroupCount int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeConvGeneral, input, kernel)
	if err != nil {
		return nil, err
	}
	spatial := in[0].shape.Rank() - 2
	ones := slices.Repeat([]int{1}, max(spatial, 0))
	a := convolutionOf{axes.Clone(), orElse(strides, ones), slices.Clone(paddings), orElse(inputDilations, ones),
		orElse(kernelDilations, ones), max(channelGroupCount, 1), max(batchGroupCount, 1)}
	if len(a.paddings) == 0 {
		a.paddings = make([][2]int, max(spatial, 0))
	}
	shape, err := shapeinference.ConvGeneral(in[0].shape, in[1].shape, axes, a.strides, a.paddings, a.inputDilations,
		a.kernelDilations, a.channelGroupCount, a.batchGroupCount)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeConvGeneral, a, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvGeneral(in[0], in[1], a.axes, a.strides, a.paddings, a.inputDilations, a.kernelDilations,
			a.channelGroupCount, a.batchGroupCount)
	}, in...)
}

// orElse returns a copy of list, or of standard where list is empty.
func orElse(list, standard []int) []int {
	if len(list) == 0 {
		return slices.Clone(standard)
	}
	return slices.Clone(list)
}

// ReduceWindow implements compute.Function.
func (f *Function) ReduceWindow(input compute.Value, reductionType compute.ReduceOpType, windowDimensions, strides,
	inputDilations, windowDilations []int, paddings [][2]int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeReduceWindow, input)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ReduceWindow(in[0].shape, windowDimensions, strides, inputDilations, windowDilations, paddings)
	if err != nil {
		return nil, err
	}
	a := windowOf{reductionType, slices.Clone(windowDimensions), slices.Clone(strides), slices.Clone(inputDilations),
		slices.Clone(windowDilations), slices.Clone(paddings)}
	return f.record(compute.OpTypeReduceWindow, a, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ReduceWindow(in[0], a.reduction, a.dimensions, a.strides, a.inputDilations, a.dilations, a.paddings)
	}, in...)
}

// SelectAndScatterMax implements compute.Function.
func (f *Function) SelectAndScatterMax(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMax, compute.ReduceOpMax, operand, source, windowDimensions, windowStrides, paddings,
		compute.Function.SelectAndScatterMax)
}

// SelectAndScatterMin implements compute.Function.
func (f *Function) SelectAndScatterMin(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMin, compute.ReduceOpMin, operand, source, windowDimensions, windowStrides, paddings,
		compute.Function.SelectAndScatterMin)
}

func (f *Function) selectAndScatter(op compute.OpType, reduction compute.ReduceOpType, operand, source compute.Value,
	dimensions, strides []int, paddings [][2]int,
	method func(g compute.Function, operand, source compute.Value, dimensions, strides []int, paddings [][2]int) (compute.Value, error)) (compute.Value, error) {
	in, err := f.values(op, operand, source)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.SelectAndScatter(in[0].shape, in[1].shape, dimensions, strides, paddings)
	if err != nil {
		return nil, err
	}
	a := windowOf{reduction: reduction, dimensions: slices.Clone(dimensions), strides: slices.Clone(strides), paddings: slices.Clone(paddings)}
	return f.record(op, a, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return method(g, in[0], in[1], a.dimensions, a.strides, a.paddings)
	}, in...)
}

// ArgMinMax implements compute.Function.
func (f *Function) ArgMinMax(x compute.Value, axis int, outputDType dtypes.DType, isMin bool) (compute.Value, error) {
	in, err := f.values(compute.OpTypeArgMinMax, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ArgMinMax(in[0].shape, axis, outputDType)
	if err != nil {
		return nil, err
	}
	return f.record(compute.OpTypeArgMinMax, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ArgMinMax(in[0], axis, outputDType, isMin)
	}, in...)
}

// Gather implements compute.Function.
func (f *Function) Gather(operand, startIndices compute.Value, indexVectorAxis int, offsetOutputAxes, collapsedSliceAxes,
	startIndexMap, sliceSizes []int, indicesAreSorted bool) (compute.Value, error) {
	in, err := f.values(compute.OpTypeGather, operand, startIndices)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Gather(in[0].shape, in[1].shape, indexVectorAxis, offsetOutputAxes, collapsedSliceAxes,
		startIndexMap, sliceSizes, indicesAreSorted)
	if err != nil {
		return nil, err
	}
	offsetOutputAxes, collapsedSliceAxes = slices.Clone(offsetOutputAxes), slices.Clone(collapsedSliceAxes)
	startIndexMap, sliceSizes = slices.Clone(startIndexMap), slices.Clone(sliceSizes)
	return f.record(compute.OpTypeGather, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Gather(in[0], in[1], indexVectorAxis, offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes, indicesAreSorted)
	}, in...)
}

// scatterMethod is what ScatterSum, ScatterMax and ScatterMin of compute.Function have in common.
type scatterMethod func(g compute.Function, operand, scatterIndices, updates compute.Value, indexVectorAxis int,
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error)

// ScatterSum implements compute.Function.
func (f *Function) ScatterSum(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes,
	scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterSum, compute.Function.ScatterSum, operand, scatterIndices, updates, indexVectorAxis,
		updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
}

// ScatterMax implements compute.Function.
func (f *Function) ScatterMax(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes,
	scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMax, compute.Function.ScatterMax, operand, scatterIndices, updates, indexVectorAxis,
		updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
}

// ScatterMin implements compute.Function.
func (f *Function) ScatterMin(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes,
	scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMin, compute.Function.ScatterMin, operand, scatterIndices, updates, indexVectorAxis,
		updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
}

func (f *Function) scatter(op compute.OpType, method scatterMethod, operand, scatterIndices, updates compute.Value, indexVectorAxis int,
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	in, err := f.values(op, operand, scatterIndices, updates)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Scatter(in[0].shape, in[1].shape, in[2].shape, indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes)
	if err != nil {
		return nil, err
	}
	updateWindowAxes, insertedWindowAxes = slices.Clone(updateWindowAxes), slices.Clone(insertedWindowAxes)
	scatterAxesToOperandAxes = slices.Clone(scatterAxesToOperandAxes)
	return f.record(op, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return method(g, in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes,
			indicesAreSorted, uniqueIndices)
	}, in...)
}

// Complex implements compute.Function.
func (f *Function) Complex(real, imaginary compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeComplex, real, imaginary)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.BinaryOp(compute.OpTypeAdd, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	if shape.DType != dtypes.Float32 {
		return nil, errors.Errorf("simd: Complex of %s: want Float32 parts", shape.DType)
	}
	shape = shape.Clone()
	shape.DType = dtypes.Complex64
	return f.record(compute.OpTypeComplex, nil, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Complex(in[0], in[1])
	}, in...)
}

// FFT implements compute.Function: a transform over the last len(fftLength) axes, as XLA defines it.
func (f *Function) FFT(operand compute.Value, fftType compute.FFTType, fftLength []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeFFT, operand)
	if err != nil {
		return nil, err
	}
	shape, err := fftShape(in[0].shape, fftType, fftLength)
	if err != nil {
		return nil, err
	}
	length := slices.Clone(fftLength)
	return f.record(compute.OpTypeFFT, fftOf{fftType, length}, shape, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FFT(in[0], fftType, length)
	}, in...)
}

// fftShape returns the shape of a transform. A real transform keeps length/2+1 frequencies of its last axis.
func fftShape(operand shapes.Shape, kind compute.FFTType, length []int) (shapes.Shape, error) {
	first := operand.Rank() - len(length)
	from, to := dtypes.Complex64, dtypes.Complex64
	if kind == compute.FFTForwardReal {
		from = dtypes.Float32
	}
	if kind == compute.FFTInverseReal {
		to = dtypes.Float32
	}
	if len(length) == 0 || first < 0 || operand.DType != from {
		return shapes.Invalid(), errors.Errorf("simd: FFT %s of lengths %v over shape %s: want at least one length, no more than there are axes, of %s values",
			kind, length, operand, from)
	}
	result := operand.Clone()
	result.DType = to
	for i, n := range length {
		have, want := operand.Dimensions[first+i], n
		if i == len(length)-1 && kind == compute.FFTInverseReal {
			want = n/2 + 1
		}
		if n < 1 || have != want {
			return shapes.Invalid(), errors.Errorf("simd: FFT %s of lengths %v over shape %s: axis %d has %d values, want %d",
				kind, length, operand, first+i, have, want)
		}
		result.Dimensions[first+i] = n
	}
	if kind == compute.FFTForwardReal {
		result.Dimensions[operand.Rank()-1] = length[len(length)-1]/2 + 1
	}
	return result, nil
}
