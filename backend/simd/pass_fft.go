package simd

import (
	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// transformOf is a Fourier transform along one axis.
type transformOf struct {
	kind  compute.FFTType
	shape kernel.FFT
}

// splitTransforms makes transforms over several axes one for each axis. Of a real transform the last axis is the real
// one: it comes first on the way forward and last on the way back.
func splitTransforms(b *rewriter, n *node) []*value {
	a, ok := n.attributes.(fftOf)
	if !ok {
		return nil
	}
	v := n.inputs[0]
	last := v.shape.Rank() - 1
	first := v.shape.Rank() - len(a.length)
	if a.kind == compute.FFTForwardReal {
		v = b.transform(v, a.kind, last, a.length[len(a.length)-1])
	}
	between := a.kind
	switch a.kind {
	case compute.FFTForwardReal:
		between = compute.FFTForward
	case compute.FFTInverseReal:
		between = compute.FFTInverse
	}
	for i, length := range a.length {
		if axis := first + i; axis < last || between == a.kind {
			v = b.transform(v, between, axis, length)
		}
	}
	if a.kind == compute.FFTInverseReal {
		v = b.transform(v, a.kind, last, a.length[len(a.length)-1])
	}
	return []*value{v}
}

func (b *rewriter) transform(v *value, kind compute.FFTType, axis, length int) *value {
	shape := v.shape.Clone()
	outer, inner := 1, 1
	for i, size := range shape.Dimensions {
		switch {
		case i < axis:
			outer *= size
		case i > axis:
			inner *= size
		}
	}
	shape.DType = dtypes.Complex64
	switch kind {
	case compute.FFTForwardReal:
		shape.Dimensions[axis] = length/2 + 1
	case compute.FFTInverseReal:
		shape = shapes.Make(dtypes.Float32, shape.Dimensions...)
		shape.Dimensions[axis] = length
	}
	return b.make(compute.OpTypeInvalid, transformOf{kind, kernel.FFT{Outer: outer, N: length, Inner: inner}}, shape, nil, v)
}
