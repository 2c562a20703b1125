package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Linear is a dense layer with bias on the last axis of arrays of any rank: a 1×1 convolution on images.
type Linear struct {
	weight, bias *Param
}

// NewLinear declares a dense layer from in to out channels: weight [out, in] and bias.
func NewLinear(path Path, in, out int) *Linear {
	return &Linear{
		weight: path.weight("weight", Matrix(in, out)),
		bias:   path.Param("bias", Vector(out), Constant(0)),
	}
}

// Apply implements [Layer].
func (l *Linear) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	weight := l.weight.Node(scope, x)
	y := graph.DotGeneral(x, []int{-1}, nil, weight, []int{0}, nil)
	countMACs(y, weight.Shape().Dim(0))
	return addBias(y, l.bias.Node(scope, x))
}
