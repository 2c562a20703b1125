package models

// MobileViT (Mehta and Rastegari, "MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer",
// 2021, https://arxiv.org/abs/2110.02178).
//
// Reference: https://github.com/apple/ml-cvnets.

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/nn"
)

// mobileViT is a size of the family.
type mobileViT struct {
	mobileFrame
	// inner are the channels of the transformers of each of the last three stages.
	inner [3]int
}

func mobileViTS() mobileViT {
	return mobileViT{
		mobileFrame{stem: 16, kernel: 3, widths: [5]int{32, 64, 96, 128, 160}, depths: [3]int{2, 4, 3}, expansion: 4},
		[3]int{144, 192, 240},
	}
}

func mobileViTXS() mobileViT {
	return mobileViT{
		mobileFrame{stem: 16, kernel: 3, widths: [5]int{32, 48, 64, 80, 96}, depths: [3]int{2, 4, 3}, expansion: 4},
		[3]int{96, 120, 144},
	}
}

func mobileViTXXS() mobileViT {
	return mobileViT{
		mobileFrame{stem: 16, kernel: 3, widths: [5]int{16, 24, 48, 64, 80}, depths: [3]int{2, 4, 3}, expansion: 2},
		[3]int{64, 80, 96},
	}
}

func init() {
	registry["mobilevit_s"] = mobileViTS()
	registry["mobilevit_xs"] = mobileViTXS()
	registry["mobilevit_xxs"] = mobileViTXXS()
}

func (m mobileViT) build(options Options) network {
	return m.mobileFrame.build(options, m.global)
}

// global declares what follows the downsampling in a stage: a 3×3 convolution, transformers that see the whole map, and
// another 3×3 convolution of the input beside what they made of it.
func (m mobileViT) global(path nn.Path, stage int, dropPath func(block int) nn.DropPath, options Options) nn.Layer {
	width, inner := m.widths[2+stage], m.inner[stage]
	local, global := path.In("local_rep"), path.In("global_rep")
	layers := nn.Sequential{
		convSiLU(local.In("conv_3x3"), width, width, nn.ConvConfig{Kernel: 3, Padding: 1}),
		nn.NewConv(local.In("conv_1x1", "block", "conv"), width, inner, nn.ConvConfig{Kernel: 1, NoBias: true}),
	}
	var transformers nn.Sequential
	for block := range m.depths[stage] {
		transformers = append(transformers, m.transformer(global.In(block), inner, dropPath(block), options))
	}
	transformers = append(transformers, m.norm(global.In(len(transformers)), inner))
	return nn.Sequential{
		concatenation{layers: append(layers,
			nn.Patches{Size: 2, Layers: transformers},
			convSiLU(path.In("conv_proj"), inner, width, nn.ConvConfig{Kernel: 1}),
		)},
		convSiLU(path.In("fusion"), 2*width, width, nn.ConvConfig{Kernel: 3, Padding: 1}),
	}
}

// transformer declares one block: attention mixes positions, then two dense layers mix channels.
func (m mobileViT) transformer(path nn.Path, width int, dropPath nn.DropPath, options Options) nn.Layer {
	const heads = 4
	dropout := nn.Dropout(options.BlockDropout)
	attention, dense := path.In("pre_norm_mha"), path.In("pre_norm_ffn")
	return nn.Sequential{
		nn.Residual{m.norm(attention.In(0), width), nn.NewAttention(attention.In(1), width, heads), dropout, dropPath},
		nn.Residual{
			m.norm(dense.In(0), width),
			nn.NewLinear(dense.In(1), width, 2*width),
			nn.SiLU{},
			nn.NewLinear(dense.In(4), 2*width, width),
			dropout,
			dropPath,
		},
	}
}

func (mobileViT) norm(path nn.Path, width int) nn.Layer {
	return nn.NewLayerNorm(path, width).Epsilon(1e-5)
}

// mobileFrame is what ParC-Net shares with MobileViT: two stages of MobileNetV2 blocks, three that begin with one and go
// on in the family's own way, and the head.
type mobileFrame struct {
	// stem and kernel are the channels and the kernel of the first convolution.
	stem, kernel int
	// widths are the channels of each stage, depths the number of the family's own blocks in the last three.
	widths [5]int
	depths [3]int
	// expansion is how many times wider a MobileNetV2 block is inside.
	expansion int
	// residual says that the last downsampling block has a second name, "residual", in PyTorch's state_dict. It stands
	// there before the stages that follow the first two.
	residual bool
}

// mobileImage is the height and width of the images that the families were trained with.
const mobileImage = 256

func (f mobileFrame) complete(options Options) (Options, error) {
	own := Options{Classes: 1000, ImageSize: [2]int{mobileImage, mobileImage}, Dropout: 0.1, BlockDropout: 0.1}
	return complete(options, own, 4, 8, 16, 32)
}

// globalStage declares the part of one of the last three stages that is the family's own; dropPath gives the
// probability for each of its blocks.
type globalStage func(path nn.Path, stage int, dropPath func(block int) nn.DropPath, options Options) nn.Layer

func (f mobileFrame) build(options Options, global globalStage) network {
	state := &nn.State{Initial: nn.FanOutKernels}
	before, blocks := 4, 4+f.depths[0]+f.depths[1]+f.depths[2]
	same, halved := nn.ConvConfig{Stride: 1}, nn.ConvConfig{Stride: 2}
	first := nn.Sequential{
		convSiLU(state.Path("conv_1"), 3, f.stem, nn.ConvConfig{Kernel: f.kernel, Stride: 2, Padding: f.kernel / 2}),
		f.block(state.Path("layer_1", 0), f.stem, f.widths[0], same, options.dropPath(0, blocks)),
		f.block(state.Path("layer_2", 0), f.widths[0], f.widths[1], halved, 0),
		f.block(state.Path("layer_2", 1), f.widths[1], f.widths[1], same, options.dropPath(2, blocks)),
		f.block(state.Path("layer_2", 2), f.widths[1], f.widths[1], same, options.dropPath(3, blocks)),
	}
	stages := []stage{{name: "layer_1-2", stride: 4, layers: first}}
	sampling := newSampling(options.OutputStride)
	sampling.step(4)
	// Behind steps that are not taken the reference dilates these convolutions alone, not the rest of the stage.
	var steps [3]nn.ConvConfig
	for i := range steps {
		steps[i].Dilation = sampling.dilation
		steps[i].Stride = sampling.step(2)
		stages = append(stages, stage{name: fmt.Sprintf("layer_%d", 3+i), stride: sampling.stride})
	}
	var downsample [3]nn.Layer
	if f.residual {
		downsample[2] = f.block(state.Path("layer_5", 0).Alias("residual"), f.widths[3], f.widths[4], steps[2], 0)
	}
	for i, depth := range f.depths {
		path := state.Path(stages[1+i].name)
		if downsample[i] == nil {
			downsample[i] = f.block(path.In(0), f.widths[1+i], f.widths[2+i], steps[i], 0)
		}
		dropPath := func(block int) nn.DropPath { return options.dropPath(before+block, blocks) }
		stages[1+i].layers = nn.Sequential{downsample[i], global(path.In(1), i, dropPath, options)}
		before += depth
	}
	width := f.widths[4]
	last := min(4*width, 960)
	head := nn.Sequential{
		convSiLU(state.Path("conv_1x1_exp"), width, last, nn.ConvConfig{Kernel: 1}),
		nn.GlobalMean{},
		nn.Dropout(options.Dropout),
		nn.NewLinear(state.Path("classifier", "fc"), last, options.Classes),
	}
	return network{state: state, stages: stages, head: head, preprocessing: openCV(options.ImageSize)}
}

// block declares a MobileNetV2 block: a dense layer to more channels, a 3×3 convolution within each of them, with the
// given stride and dilation, and a dense layer back to few, without activation. Where input and output are alike the
// input is added.
func (f mobileFrame) block(path nn.Path, in, out int, spatial nn.ConvConfig, dropPath nn.DropPath) nn.Layer {
	path, inside := path.In("block"), in*f.expansion
	spatial.Kernel, spatial.Padding, spatial.Groups = 3, max(spatial.Dilation, 1), inside
	layers := nn.Sequential{
		convSiLU(path.In("exp_1x1"), in, inside, nn.ConvConfig{Kernel: 1}),
		convSiLU(path.In("conv_3x3"), inside, inside, spatial),
		convNorm(path.In("red_1x1"), inside, out, nn.ConvConfig{Kernel: 1}),
	}
	if spatial.Stride == 1 && in == out {
		return nn.Residual(append(layers, dropPath))
	}
	return layers
}

// convSiLU declares a convolution without bias, its normalisation and activation.
func convSiLU(path nn.Path, in, out int, config nn.ConvConfig) nn.Sequential {
	return append(convNorm(path, in, out, config), nn.SiLU{})
}

// convNorm declares a convolution without bias and its normalisation.
func convNorm(path nn.Path, in, out int, config nn.ConvConfig) nn.Sequential {
	config.NoBias = true
	path = path.In("block")
	return nn.Sequential{nn.NewConv(path.In("conv"), in, out, config), nn.NewBatchNorm(path.In("norm"), out)}
}

// concatenation puts what its layers make of the input behind the channels of the input, or in front of them.
type concatenation struct {
	layers  nn.Sequential
	inFront bool
}

// Apply implements [nn.Layer].
func (c concatenation) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	parts := []*graph.Node{x, c.layers.Apply(scope, x)}
	if c.inFront {
		parts[0], parts[1] = parts[1], parts[0]
	}
	return graph.Concatenate(parts, -1)
}
