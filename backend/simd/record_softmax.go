package simd

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// softmaxOf is the softmax of rows.
type softmaxOf struct{ rows, columns int }

// FusedSoftmax implements compute.Function, over the last axis of float32 values.
func (f *Function) FusedSoftmax(x compute.Value, axis int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeFusedSoftmax, x)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	if shape.DType != dtypes.Float32 || shape.Rank() == 0 || axis != shape.Rank()-1 || shape.Size() == 0 {
		return nil, notImplemented(compute.OpTypeFusedSoftmax)
	}
	columns := shape.Dimensions[axis]
	return f.record(compute.OpTypeFusedSoftmax, softmaxOf{shape.Size() / columns, columns}, shape,
		func(g compute.Function, in []compute.Value) (compute.Value, error) {
			return g.FusedSoftmax(in[0], axis)
		}, in...)
}
