package models

// ConvNeXt (Liu et al., "A ConvNet for the 2020s", 2022, https://arxiv.org/abs/2201.03545) and its ParC form, in which
// circular convolutions take the place of the 7×7 kernels in the last blocks of the later stages (Yang et al.,
// "Fast-ParC", https://arxiv.org/abs/2210.04020).
//
// References: https://github.com/facebookresearch/ConvNeXt and https://github.com/hkzhang91/ParC-Net.

import (
	"fmt"

	"github.com/fastparc/fastparc/nn"
)

// convNeXt is a size of the family.
type convNeXt struct {
	// image is the height and width of the images that the size is made for, resize how much larger they are before
	// the centre is cut out.
	image  int
	resize float64
	// classes is the number of logits.
	classes int
	// patch is the size and stride of the stem's kernel. Each later stage halves the resolution.
	patch int
	// widths and depths are the channels and the number of blocks of each stage.
	widths, depths []int
	// circular is the number of blocks at the end of each stage that have circular convolutions.
	circular []int
	// kernel is the size of the local depth-wise kernels.
	kernel int
	// layerScale is what the factors of the residual branches begin with.
	layerScale float64
	// initial says how weights begin: with a spread that keeps the size of signals for short trainings.
	initial nn.Scheme
}

func convNeXtXT() convNeXt {
	return convNeXt{
		image: 224, resize: 256.0 / 224, classes: 1000, patch: 4,
		widths: []int{48, 96, 192, 384}, depths: []int{3, 3, 9, 3}, circular: []int{0, 0, 0, 0},
		kernel: 7, layerScale: 1e-6,
	}
}

func convNeXtT() convNeXt {
	c := convNeXtXT()
	c.widths = []int{96, 192, 384, 768}
	return c
}

// convNeXtC32 is made for images of 32×32. It is trained for few epochs, too few for residual branches to grow from
// almost nothing.
func convNeXtC32() convNeXt {
	return convNeXt{
		image: 32, resize: 1, classes: 10, patch: 2,
		widths: []int{48, 96, 192}, depths: []int{3, 3, 3}, circular: []int{0, 0, 0},
		kernel: 7, layerScale: 1, initial: nn.FanIn,
	}
}

// convNeXtScene is made for the generated scenes of package data: 48×48 pixels, four figures whose places lie 24 pixels
// apart, and as class the place of the odd one. It keeps one resolution, so that how far a position sees is up to the
// kernels alone: 20 pixels in the local form, all of the image's height or width in each block of the ParC form.
func convNeXtScene() convNeXt {
	return convNeXt{
		image: 48, resize: 1, classes: 4, patch: 4,
		widths: []int{48}, depths: []int{2}, circular: []int{0},
		kernel: 3, layerScale: 1, initial: nn.FanIn,
	}
}

// parc returns the size with circular convolutions in the given number of blocks at the end of each stage.
func (c convNeXt) parc(circular ...int) convNeXt {
	c.circular = circular
	return c
}

func init() {
	registry["convnext_t"] = convNeXtT()
	registry["convnext_t_parc"] = convNeXtT().parc(0, 0, 3, 1)
	registry["convnext_xt"] = convNeXtXT()
	registry["convnext_xt_parc"] = convNeXtXT().parc(0, 0, 3, 1)
	registry["convnext_c32"] = convNeXtC32()
	registry["convnext_c32_parc"] = convNeXtC32().parc(0, 1, 1)
	registry["convnext_scene"] = convNeXtScene()
	registry["convnext_scene_parc"] = convNeXtScene().parc(2)
}

// stride returns how much smaller than the image the maps of a stage are, by its own output stride.
func (c convNeXt) stride(stage int) int {
	return c.patch << stage
}

func (c convNeXt) complete(options Options) (Options, error) {
	own := Options{Classes: c.classes, ImageSize: [2]int{c.image, c.image}}
	var strides []int
	for stage := range c.depths {
		strides = append(strides, c.stride(stage))
	}
	return complete(options, own, strides...)
}

func (c convNeXt) build(options Options) network {
	state := &nn.State{Initial: c.initial}
	stages := make([]stage, len(c.depths))
	dilations := make([]int, len(c.depths))
	sampling := newSampling(options.OutputStride)
	for i := range c.depths {
		layers := c.downsample(state.Path("downsample_layers", i), i, sampling)
		stages[i] = stage{name: fmt.Sprintf("stages.%d", i), stride: sampling.stride, layers: layers}
		dilations[i] = sampling.dilation
	}
	blocks := 0
	for _, depth := range c.depths {
		blocks += depth
	}
	placement := placement{chosen: options.ParCBlocks}
	block := 0
	for i, depth := range c.depths {
		layers := nn.Sequential{stages[i].layers}
		for j := range depth {
			name := fmt.Sprintf("stages.%d.%d", i, j)
			circular := placement.place(Block{Name: name, Local: name + ".dwconv", Global: name + ".gcc"}, j >= depth-c.circular[i])
			layers = append(layers, c.block(state.Path(name), i, circular, dilations[i], options.dropPath(block, blocks), options))
			block++
		}
		stages[i].layers = layers
	}
	if options.FeatureNorms {
		for i, width := range c.widths {
			stages[i].norm = nn.NewLayerNorm(state.Path(fmt.Sprintf("norm%d", i)), width)
		}
	}
	width := c.widths[len(c.widths)-1]
	head := nn.Sequential{
		nn.GlobalMean{},
		nn.NewLayerNorm(state.Path("norm"), width),
		nn.NewLinear(state.Path("head"), width, options.Classes),
	}
	return network{state: state, stages: stages, head: head, blocks: placement.blocks, preprocessing: imageNet(options.ImageSize, c.resize)}
}

// downsample returns what stands before the blocks of a stage: the stem, or a convolution that halves the resolution.
func (c convNeXt) downsample(path nn.Path, stage int, sampling *sampling) nn.Sequential {
	if stage == 0 {
		return nn.Sequential{
			nn.NewConv(path.In(0), 3, c.widths[0], nn.ConvConfig{Kernel: c.patch, Stride: sampling.step(c.patch)}),
			nn.NewLayerNorm(path.In(1), c.widths[0]),
		}
	}
	halving := nn.ConvConfig{Kernel: 2, Dilation: sampling.dilation}
	halving.Stride = sampling.step(2)
	halving.Same = halving.Stride == 1
	return nn.Sequential{
		nn.NewLayerNorm(path.In(0), c.widths[stage-1]),
		nn.NewConv(path.In(1), c.widths[stage-1], c.widths[stage], halving),
	}
}

// block declares one residual block: positions are mixed within each channel by a depth-wise or circular convolution,
// then channels at each position by two dense layers.
func (c convNeXt) block(path nn.Path, stage int, circular bool, dilation int, dropPath nn.DropPath, options Options) nn.Layer {
	width := c.widths[stage]
	gamma := nn.NewLayerScale(path, width, c.layerScale)
	var spatial nn.Layer
	if circular {
		spatial = nn.NewParC(path, "gcc", width, nn.ParCConfig{
			Kernel:              options.circularSizes(c.stride(stage)),
			NoPositionEmbedding: options.NoPositionEmbedding,
			Form:                options.Form,
		})
	} else {
		spatial = nn.NewDepthwiseConv(path.In("dwconv"), width, c.kernel, dilation)
	}
	return nn.Residual{
		spatial,
		nn.NewLayerNorm(path.In("norm"), width),
		nn.NewLinear(path.In("pwconv1"), width, 4*width),
		nn.GELU{},
		nn.NewLinear(path.In("pwconv2"), 4*width, width),
		gamma,
		dropPath,
	}
}
