package nn

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/parc"
)

// SerialParC sees the whole image with two circular convolutions one after the other on each half of the channels: the
// first half along the height and then the width, the second half along the width and then the height. It is the
// spatial part of the ParC-MetaFormer block (Zhang et al., "ParC-Net: Position Aware Circular Convolution with Merits
// from ConvNets and Transformer"). A batch normalisation stands between the first embedding and the first convolution.
type SerialParC struct {
	first, second [2]*circularConv
	embeddings    [2]*Param
	norms         [2]*BatchNorm
}

// NewSerialParC declares the convolutions of half the channels each, without bias: meta_kernel_1_H, …_1_W, …_2_H and
// …_2_W, the embeddings meta_pe_1_H, … unless config leaves them out, and the normalisations pre_Norm_1 and pre_Norm_2.
// The number of channels must be even, and kernels are not dense.
func NewSerialParC(path Path, channels int, config ParCConfig) *SerialParC {
	if channels%2 != 0 {
		panic(fmt.Errorf("nn: ParC on %d channels, want an even number to halve", channels))
	}
	half := channels / 2
	conv := func(name string, axis parc.Axis) *circularConv {
		// PyTorch's own beginning of convolutions: uniform up to 1/√K.
		initial := Normal(1 / math.Sqrt(3*float64(config.along(axis))))
		return &circularConv{
			options: parc.Options{Axis: axis, Form: config.Form},
			weight:  path.Param("meta_kernel_"+name, kernelAlong(axis, config.along(axis), half), initial),
		}
	}
	s := &SerialParC{}
	s.first = [2]*circularConv{conv("1_H", parc.Height), conv("1_W", parc.Width)}
	height, width := conv("2_H", parc.Height), conv("2_W", parc.Width)
	s.second = [2]*circularConv{width, height}
	if !config.NoPositionEmbedding {
		embedding := func(name string, axis parc.Axis) *Param {
			return path.Param("meta_pe_"+name, embeddingAlong(axis, config.along(axis), half), Normal(1))
		}
		s.embeddings = [2]*Param{embedding("1_H", parc.Height), embedding("1_W", parc.Width)}
		height.embedding, width.embedding = embedding("2_H", parc.Height), embedding("2_W", parc.Width)
	}
	s.norms = [2]*BatchNorm{NewBatchNorm(path.In("pre_Norm_1"), half), NewBatchNorm(path.In("pre_Norm_2"), half)}
	return s
}

// Apply implements [Layer].
func (s *SerialParC) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	halves := graph.Split(x, -1, 2)
	for i, half := range halves {
		if embedding := s.embeddings[i]; embedding != nil {
			half = parc.Embed(half, embedding.Node(scope, half), s.first[i].options)
		}
		half = s.norms[i].Apply(scope, half)
		halves[i] = s.second[i].Apply(scope, s.first[i].Apply(scope, half))
	}
	return graph.Concatenate(halves, -1)
}
