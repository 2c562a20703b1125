package simd

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/pkg/errors"
)

// layerNormOf is a layer normalisation of rows. Inputs: x, gamma and beta.
type layerNormOf struct {
	rows, columns int
	epsilon       float32
}

// FusedLayerNorm implements compute.Function, over the last axes of float32 values.
func (f *Function) FusedLayerNorm(x compute.Value, axes []int, epsilon float64, gamma, beta compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeFusedLayerNorm, x)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	first := shape.Rank() - len(axes)
	for i, axis := range axes {
		if axis != first+i && axis != i-len(axes) {
			return nil, notImplemented(compute.OpTypeFusedLayerNorm)
		}
	}
	if shape.DType != dtypes.Float32 || len(axes) == 0 || shape.Size() == 0 {
		return nil, notImplemented(compute.OpTypeFusedLayerNorm)
	}
	columns := product(shape.Dimensions[first:])
	for _, part := range []struct {
		name  string
		value compute.Value
		other float32
	}{{"gamma", gamma, 1}, {"beta", beta, 0}} {
		v, err := f.layerNormVector(part.value, columns, part.other)
		if err != nil {
			return nil, errors.WithMessage(err, part.name)
		}
		in = append(in, v)
	}
	n := f.newNode(compute.OpTypeFusedLayerNorm, layerNormOf{shape.Size() / columns, columns, float32(epsilon)}, in,
		func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
			out, err := g.FusedLayerNorm(in[0], axes, epsilon, in[1], in[2])
			return []compute.Value{out}, err
		}, shape)
	return n.outputs[0], nil
}

// layerNormVector checks a scale or shift, or makes a constant one where there is none.
func (f *Function) layerNormVector(v compute.Value, columns int, other float32) (*value, error) {
	if v == nil {
		made, err := f.Constant(slices.Repeat([]float32{other}, columns), columns)
		if err != nil {
			return nil, err
		}
		return made.(*value), nil
	}
	in, err := f.values(compute.OpTypeFusedLayerNorm, v)
	if err != nil {
		return nil, err
	}
	if in[0].shape.Size() != columns || in[0].shape.DType != dtypes.Float32 {
		return nil, errors.Errorf("simd: FusedLayerNorm over %d values with a vector of shape %s", columns, in[0].shape)
	}
	return in[0], nil
}
