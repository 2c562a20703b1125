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
	own := Options{Classes: m.classes, ImageSize: [2]int{m.image, m.image}}
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
	sampling := newSampling(options.OutputStride)
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
			for j := range group.depth {
				spatial := nn.ConvConfig{Kernel: 3, Dilation: sampling.dilation, Padding: sampling.dilation}
				if j == 0 {
					spatial.Stride = sampling.step(group.stride)
				}
				size, dropPath := m.image/sampling.ownStride(), options.dropPath(feature-1, blocks)
				layers = append(layers, group.block(state.Path("features", feature), width, j, spatial, size, dropPath, options))
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
	return network{state: state, stages: stages, head: head, preprocessing: imageNet(options.ImageSize, m.resize)}
}

// block declares the block of this number in the group, from in channels: a dense layer to more channels, a convolution
// within each of them, and a dense layer back to few, without activation. Where input and output are alike the input is
// added. The convolution is the spatial one, or a circular one made for maps of the given size.
func (g invertedResiduals) block(path nn.Path, in, number int, spatial nn.ConvConfig, size int, dropPath nn.DropPath, options Options) nn.Layer {
	var layers nn.Sequential
	if first := g.depth - g.circular; number >= first {
		layers = g.global(path, in, nn.ParCConfig{
			Kernel:              size,
			NoPositionEmbedding: number > first || options.NoPositionEmbedding,
			Form:                options.Form,
		})
	} else {
		layers = g.local(path.In("conv"), in, spatial)
	}
	if spatial.Stride <= 1 && in == g.width {
		return nn.Residual(append(layers, dropPath))
	}
	return layers
}

// local declares the layers of a block with a depth-wise convolution of this geometry. Where the block is not wider inside, the first
// dense layer is left out.
func (g invertedResiduals) local(path nn.Path, in int, spatial nn.ConvConfig) nn.Sequential {
	var layers nn.Sequential
	inside := in * g.expansion
	if g.expansion > 1 {
		layers = append(layers, convReLU6(path.In(len(layers)), in, inside, nn.ConvConfig{Kernel: 1}))
	}
	spatial.Groups = inside
	layers = append(layers, convReLU6(path.In(len(layers)), inside, inside, spatial))
	return append(layers,
		nn.NewConv(path.In(len(layers)), inside, g.width, nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In(len(layers)+1), g.width),
	)
}

// global declares the layers of a block with circular convolutions. Only the first such block of a group has embeddings.
func (g invertedResiduals) global(path nn.Path, in int, config nn.ParCConfig) nn.Sequential {
	inside := in * g.expansion
	return nn.Sequential{
		convReLU6(path.In("pw_expand"), in, inside, nn.ConvConfig{Kernel: 1}),
		nn.NewParC(path, "gcc", inside, config),
		nn.NewBatchNorm(path.In("bn"), inside),
		nn.ReLU6{},
		nn.NewConv(path.In("pw_linear", 0), inside, g.width, nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In("pw_linear", 1), g.width),
	}
}

// convReLU6 declares a convolution without bias, its normalisation and activation.
func convReLU6(path nn.Path, in, out int, config nn.ConvConfig) nn.Sequential {
	config.NoBias = true
	return nn.Sequential{nn.NewConv(path.In(0), in, out, config), nn.NewBatchNorm(path.In(1), out), nn.ReLU6{}}
}
