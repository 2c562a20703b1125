package models

// MobileNetV2 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
// https://arxiv.org/abs/1801.04381) and its ParC form, in which circular convolutions take the place of depth-wise ones
// in the last blocks of the later groups (Yang et al., "Fast-ParC", https://arxiv.org/abs/2210.04020).
//
// References: torchvision and https://github.com/hkzhang91/ParC-Net.

import (
	"fmt"

	"github.com/fastparc/fastparc/nn"
)

// mobileNetV2 is a size of the family.
type mobileNetV2 struct {
	// image is the height and width of the images that the size is made for, resize how much larger they are before
	// the centre is cut out.
	image  int
	resize float64
	// classes is the number of logits.
	classes int
	// stem and last are the channels of the first and the last convolution, stride the step of the first.
	stem, last, stride int
	// stages are the groups of blocks between the feature maps.
	stages [][]invertedResiduals
}

// invertedResiduals is a group of blocks of one width.
type invertedResiduals struct {
	// expansion is how many times wider a block is inside.
	expansion int
	// width and depth are the channels and the number of the blocks.
	width, depth int
	// stride is the step of the first block.
	stride int
	// circular is the number of blocks at the end that have circular convolutions.
	circular int
}

// mobileNetV2Full returns the size that was published first, of width 1.
func mobileNetV2Full() mobileNetV2 {
	return mobileNetV2{
		image: 224, resize: 256.0 / 224, classes: 1000, stem: 32, last: 1280, stride: 2,
		stages: [][]invertedResiduals{
			{{expansion: 1, width: 16, depth: 1, stride: 1}, {expansion: 6, width: 24, depth: 2, stride: 2}},
			{{expansion: 6, width: 32, depth: 3, stride: 2}},
			{{expansion: 6, width: 64, depth: 4, stride: 2}, {expansion: 6, width: 96, depth: 3, stride: 1}},
			{{expansion: 6, width: 160, depth: 3, stride: 2}, {expansion: 6, width: 320, depth: 1, stride: 1}},
		},
	}
}

// parc returns the size with circular convolutions in the last blocks of the groups of 64, 96 and 160 channels.
func (m mobileNetV2) parc() mobileNetV2 {
	m.stages[2][0].circular = 2
	m.stages[2][1].circular = 1
	m.stages[3][0].circular = 1
	return m
}

// c32 returns the size for images of 32×32: two strides fewer at the beginning.
func (m mobileNetV2) c32() mobileNetV2 {
	m.image, m.resize, m.classes, m.stride = 32, 1, 10, 1
	m.stages[0][1].stride = 1
	return m
}

func init() {
	registry["mobilenetv2"] = mobileNetV2Full()
	registry["mobilenetv2_parc"] = mobileNetV2Full().parc()
	registry["mobilenetv2_c32"] = mobileNetV2Full().c32()
	registry["mobilenetv2_c32_parc"] = mobileNetV2Full().c32().parc()
}

func (m mobileNetV2) complete(options Options) (Options, error) {
	var strides []int
	stride := m.stride
	for _, groups := range m.stages {
		for _, group := range groups {
			stride *= group.stride
		}
		strides = append(strides, stride)
	}
	own := Options{Classes: m.classes, ImageSize: [2]int{m.image, m.image}, Dropout: 0.2}
	return complete(options, own, strides...)
}

func (m mobileNetV2) build(options Options) network {
	state := &nn.State{Initial: nn.FanOut}
	blocks := 0
	for _, groups := range m.stages {
		for _, group := range groups {
			blocks += group.depth
		}
	}
	var stages []stage
	feature, width := 0, 3
	sampling, placement := newSampling(options.OutputStride), &placement{chosen: options.ParCBlocks}
	for i, groups := range m.stages {
		var layers nn.Sequential
		first := feature
		if i == 0 {
			stem := nn.ConvConfig{Kernel: 3, Stride: sampling.step(m.stride), Padding: 1}
			layers = append(layers, convReLU6(state.Path("features", feature), 3, m.stem, stem))
			width = m.stem
			feature++
		}
		for _, group := range groups {
			embedded := false // only the first circular block of a group has embeddings
			for j := range group.depth {
				block := invertedResidual{in: width, out: group.width, inside: width * group.expansion, dropPath: options.dropPath(feature-1, blocks)}
				block.spatial = nn.ConvConfig{Kernel: 3, Dilation: sampling.dilation, Padding: sampling.dilation, Groups: block.inside}
				halves := j == 0 && group.stride > 1
				if halves {
					block.spatial.Stride = sampling.step(group.stride)
				}
				name := fmt.Sprintf("features.%d", feature)
				if !halves && placement.place(block.place(name), j >= group.depth-group.circular) {
					block.circular = &nn.ParCConfig{
						Kernel:              options.circularSizes(sampling.ownStride()),
						NoPositionEmbedding: embedded || options.NoPositionEmbedding,
						Form:                options.Form,
					}
					embedded = true
				}
				layers = append(layers, block.declare(state.Path(name)))
				width = group.width
				feature++
			}
		}
		if i == len(m.stages)-1 {
			layers = append(layers, convReLU6(state.Path("features", feature), width, m.last, nn.ConvConfig{Kernel: 1}))
			feature++
		}
		stages = append(stages, stage{name: fmt.Sprintf("features.%d-%d", first, feature-1), stride: sampling.stride, layers: layers})
	}
	head := nn.Sequential{
		nn.GlobalMean{},
		nn.Dropout(options.Dropout),
		nn.NewLinear(state.Path("classifier", 1), m.last, options.Classes),
	}
	return network{state: state, stages: stages, head: head, blocks: placement.blocks, preprocessing: imageNet(options.ImageSize, m.resize)}
}

// invertedResidual is a block: a dense layer to more channels, a convolution within each of them, and a dense layer back to
// few, without activation. Where input and output are alike the input is added. Where the block is not wider inside, the
// first dense layer is left out.
type invertedResidual struct {
	// in, inside and out are the numbers of channels that enter the block, inside it, and that leave it.
	in, inside, out int
	// spatial is the convolution within channels.
	spatial nn.ConvConfig
	// circular is the circular convolution that takes its place, or nil.
	circular *nn.ParCConfig
	dropPath nn.DropPath
}

func (b invertedResidual) declare(path nn.Path) nn.Layer {
	var layers nn.Sequential
	if b.circular != nil {
		layers = b.global(path)
	} else {
		layers = b.local(path.In("conv"))
	}
	if b.spatial.Stride <= 1 && b.in == b.out {
		return nn.Residual(append(layers, b.dropPath))
	}
	return layers
}

// local declares the layers with the spatial convolution.
func (b invertedResidual) local(path nn.Path) nn.Sequential {
	var layers nn.Sequential
	if b.inside > b.in {
		layers = append(layers, convReLU6(path.In(0), b.in, b.inside, nn.ConvConfig{Kernel: 1}))
	}
	layers = append(layers, convReLU6(path.In(len(layers)), b.inside, b.inside, b.spatial))
	return append(layers,
		nn.NewConv(path.In(len(layers)), b.inside, b.out, nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In(len(layers)+1), b.out),
	)
}

// global declares the layers with circular convolutions.
func (b invertedResidual) global(path nn.Path) nn.Sequential {
	var layers nn.Sequential
	if b.inside > b.in {
		layers = append(layers, convReLU6(path.In("pw_expand"), b.in, b.inside, nn.ConvConfig{Kernel: 1}))
	}
	return append(layers,
		nn.NewParC(path, "gcc", b.inside, *b.circular),
		nn.NewBatchNorm(path.In("bn"), b.inside),
		nn.ReLU6{},
		nn.NewConv(path.In("pw_linear", 0), b.inside, b.out, nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In("pw_linear", 1), b.out),
	)
}

// place returns what the block of this name is called in both forms.
func (b invertedResidual) place(name string) Block {
	wider := 0
	block := Block{Name: name, Global: name + ".gcc"}
	if b.inside > b.in {
		wider = 1
		block.Renamed = append(block.Renamed, [2]string{name + ".conv.0", name + ".pw_expand"})
	}
	local := func(layer int) string { return fmt.Sprintf("%s.conv.%d", name, wider+layer) }
	block.Local = local(0) + ".0"
	block.Renamed = append(block.Renamed,
		[2]string{local(0) + ".1", name + ".bn"},
		[2]string{local(1), name + ".pw_linear.0"},
		[2]string{local(2), name + ".pw_linear.1"},
	)
	return block
}

// convReLU6 declares a convolution without bias, its normalisation and activation.
func convReLU6(path nn.Path, in, out int, config nn.ConvConfig) nn.Sequential {
	config.NoBias = true
	return nn.Sequential{nn.NewConv(path.In(0), in, out, config), nn.NewBatchNorm(path.In(1), out), nn.ReLU6{}}
}
