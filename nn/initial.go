package nn

// Values that parameters begin with.

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Scheme says with which deviation around 0 the weights and embeddings of a network begin.
type Scheme int

const (
	// Small begins with 0.02, as ConvNeXt does.
	Small Scheme = iota
	// FanIn begins with 1/√n, n being the number of inputs of an output, and embeddings with 1 (as ParC-Net's do), so that
	// signals keep their size: small networks that are trained for few epochs do not get away from beginnings near zero.
	FanIn
	// FanOut begins kernels with √(2/n), n being the number of output channels times the taps of a kernel, so that gradients keep their size through rectifiers (He et al., "Delving Deep into Rectifiers"), dense layers with
	// 0.01 and embeddings with 0.02, as MobileNetV2 and ResNet do.
	FanOut
	// FanOutKernels begins kernels as FanOut does and all else with 0.02, as MobileViT and ParC-Net do.
	FanOutKernels
)

// weight returns the deviation of a weight with this shape in PyTorch.
func (s Scheme) weight(torch []int) float64 {
	kernel := len(torch) > 2
	switch {
	case s == FanIn:
		return 1 / math.Sqrt(float64(shapeSize(torch[1:])))
	case (s == FanOut || s == FanOutKernels) && kernel:
		return math.Sqrt(2 / float64(torch[0]*shapeSize(torch[2:])))
	case s == FanOut:
		return 0.01
	}
	return smallDeviation
}

// embedding returns the deviation of embeddings.
func (s Scheme) embedding() float64 {
	if s == FanIn {
		return 1
	}
	return smallDeviation
}

const smallDeviation = 0.02

// Initializer gives the first values of a parameter, random ones from the generator of scope's store.
type Initializer func(scope *model.Scope) model.VariableInitializer

// Constant begins with one value everywhere.
func Constant(value float64) Initializer {
	return func(*model.Scope) model.VariableInitializer {
		return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
			return graph.BroadcastToDims(graph.Scalar(g, shape.DType, value), shape.Dimensions...)
		}
	}
}

// Normal begins with values of a normal distribution around 0. Where references say "truncated normal" for the
// deviation 0.02 they cut at ±2, a hundred deviations away: this is the same.
func Normal(deviation float64) Initializer {
	return func(scope *model.Scope) model.VariableInitializer {
		return initializer.RandomNormalFn(scope, deviation)
	}
}
