package simd

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Batch normalisation is recorded as the element-wise operations and reductions that it stands for; passes fuse them.

// BatchNormForInference implements compute.Function.
func (f *Function) BatchNormForInference(operand, scale, offset, mean, variance compute.Value, epsilon float32, featureAxis int) (compute.Value, error) {
	e, err := f.newFeatures(compute.OpTypeBatchNormForInference, operand, featureAxis, epsilon)
	if err != nil {
		return nil, err
	}
	factor := e.mul(e.rsqrt(e.add(variance, e.epsilon)), scale)
	return e.add(e.mul(e.sub(operand, e.spread(mean)), e.spread(factor)), e.spread(offset)), e.err
}

// BatchNormForTraining implements compute.Function. The variance is the biased one.
func (f *Function) BatchNormForTraining(operand, scale, offset compute.Value, epsilon float32, featureAxis int) (normalized, batchMean, batchVariance compute.Value, err error) {
	e, err := f.newFeatures(compute.OpTypeBatchNormForTraining, operand, featureAxis, epsilon)
	if err != nil {
		return nil, nil, nil, err
	}
	batchMean = e.mean(operand)
	centered := e.sub(operand, e.spread(batchMean))
	batchVariance = e.mean(e.mul(centered, centered))
	factor := e.mul(e.rsqrt(e.add(batchVariance, e.epsilon)), scale)
	return e.add(e.mul(centered, e.spread(factor)), e.spread(offset)), batchMean, batchVariance, e.err
}

// BatchNormGradient implements compute.Function.
func (f *Function) BatchNormGradient(operand, scale, mean, variance, gradOutput compute.Value, epsilon float32, featureAxis int) (gradOperand, gradScale, gradOffset compute.Value, err error) {
	e, err := f.newFeatures(compute.OpTypeBatchNormGradient, operand, featureAxis, epsilon)
	if err != nil {
		return nil, nil, nil, err
	}
	deviation := e.rsqrt(e.add(variance, e.epsilon))
	normalized := e.mul(e.sub(operand, e.spread(mean)), e.spread(deviation))
	gradOffset = e.sum(gradOutput)
	gradScale = e.sum(e.mul(gradOutput, normalized))
	inner := e.sub(gradOutput, e.add(e.spread(e.mul(gradOffset, e.share)), e.mul(normalized, e.spread(e.mul(gradScale, e.share)))))
	return e.mul(inner, e.spread(e.mul(scale, deviation))), gradScale, gradOffset, e.err
}

// features builds expressions over an operand and vectors with one value a feature, and keeps the first error.
type features struct {
	f       *Function
	shape   shapes.Shape
	axis    int
	others  []int
	epsilon compute.Value
	share   compute.Value // 1 / the number of values a feature
	err     error
}

func (f *Function) newFeatures(op compute.OpType, operand compute.Value, axis int, epsilon float32) (*features, error) {
	in, err := f.values(op, operand)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	if axis < 0 || axis >= shape.Rank() || shape.DType != dtypes.Float32 {
		return nil, errors.Errorf("simd: %s of %s over feature axis %d: want Float32 and one of its axes", op, shape, axis)
	}
	e := &features{f: f, shape: shape, axis: axis}
	count := 1
	for other, size := range shape.Dimensions {
		if other != axis {
			e.others = append(e.others, other)
			count *= size
		}
	}
	e.epsilon = e.number(epsilon)
	e.share = e.number(1 / float32(count))
	return e, nil
}

func (e *features) keep(v compute.Value, err error) compute.Value {
	if e.err == nil {
		e.err = err
	}
	return v
}

func (e *features) number(x float32) compute.Value { return e.keep(e.f.Constant([]float32{x})) }

func (e *features) add(a, b compute.Value) compute.Value { return e.binary(e.f.Add, a, b) }
func (e *features) sub(a, b compute.Value) compute.Value { return e.binary(e.f.Sub, a, b) }
func (e *features) mul(a, b compute.Value) compute.Value { return e.binary(e.f.Mul, a, b) }

func (e *features) binary(op func(a, b compute.Value) (compute.Value, error), a, b compute.Value) compute.Value {
	if e.err != nil {
		return nil
	}
	return e.keep(op(a, b))
}

func (e *features) rsqrt(a compute.Value) compute.Value {
	if e.err != nil {
		return nil
	}
	return e.keep(e.f.Rsqrt(a))
}

// sum adds up all values of each feature.
func (e *features) sum(a compute.Value) compute.Value {
	if e.err != nil {
		return nil
	}
	if len(e.others) == 0 {
		return a
	}
	return e.keep(e.f.ReduceSum(a, e.others...))
}

func (e *features) mean(a compute.Value) compute.Value { return e.mul(e.sum(a), e.share) }

// spread repeats a vector over the operand's shape.
func (e *features) spread(vector compute.Value) compute.Value {
	if e.err != nil {
		return nil
	}
	return e.keep(e.f.BroadcastInDim(vector, e.shape, []int{e.axis}))
}
