package models

// ResNet (He et al., "Deep Residual Learning for Image Recognition", 2015, https://arxiv.org/abs/1512.03385), with the
// stride on the 3×3 convolution, and its ParC form, in which dense circular convolutions take the place of the 3×3 ones
// in the last blocks of the later stages (Yang et al., "Fast-ParC", https://arxiv.org/abs/2210.04020).
//
// References: torchvision and https://github.com/hkzhang91/ParC-Net.

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/nn"
)

// resNet is a size of the family.
type resNet struct {
	// image is the height and width of the images that the size is made for, resize how much larger they are before
	// the centre is cut out.
	image  int
	resize float64
	// classes is the number of logits.
	classes int
	// width is the number of channels of the stem and inside the blocks of the first stage. Each later stage doubles it.
	width int
	// depths is the number of blocks of each stage, circular how many at its end have circular convolutions.
	depths, circular []int
	// small leaves out what shrinks images before the first stage: the stem is a 3×3 convolution.
	small bool
}

func resNet50() resNet {
	return resNet{
		image: 224, resize: 256.0 / 224, classes: 1000,
		width: 64, depths: []int{3, 4, 6, 3}, circular: []int{0, 0, 0, 0},
	}
}

// resNetC32 is made for images of 32×32.
func resNetC32() resNet {
	return resNet{
		image: 32, resize: 1, classes: 10,
		width: 16, depths: []int{3, 3, 3}, circular: []int{0, 0, 0}, small: true,
	}
}

// parc returns the size with circular convolutions in the given number of blocks at the end of each stage.
func (r resNet) parc(circular ...int) resNet {
	r.circular = circular
	return r
}

func init() {
	registry["resnet50"] = resNet50()
	registry["resnet50_parc"] = resNet50().parc(0, 0, 3, 1)
	registry["resnet_c32"] = resNetC32()
	registry["resnet_c32_parc"] = resNetC32().parc(0, 1, 1)
}

// stride returns how much smaller than the image the maps of a stage are, by its own output stride.
func (r resNet) stride(stage int) int {
	if r.small {
		return 1 << stage
	}
	return 4 << stage
}

func (r resNet) complete(options Options) (Options, error) {
	own := Options{Classes: r.classes, ImageSize: [2]int{r.image, r.image}}
	var strides []int
	for stage := range r.depths {
		strides = append(strides, r.stride(stage))
	}
	return complete(options, own, strides...)
}

func (r resNet) build(options Options) network {
	state := &nn.State{Initial: nn.FanOut}
	blocks := 0
	for _, depth := range r.depths {
		blocks += depth
	}
	var stages []stage
	block, in := 0, r.width
	layers := r.stem(state)
	sampling := newSampling(options.OutputStride)
	sampling.step(r.stride(0))
	placement := placement{chosen: options.ParCBlocks}
	for i, depth := range r.depths {
		for j := range depth {
			b := bottleneck{in: in, width: r.width << i, stride: 1, dilation: sampling.dilation, dropPath: options.dropPath(block, blocks)}
			if i > 0 && j == 0 {
				b.stride = sampling.step(2)
			}
			name := fmt.Sprintf("layer%d.%d", i+1, j)
			local := i > 0 && j == 0
			if !local && placement.place(Block{Name: name, Local: name + ".conv2", Global: name + ".parc"}, j >= depth-r.circular[i]) {
				b.circular = &nn.ParCConfig{
					Kernel:              options.circularSizes(r.stride(i)),
					Dense:               true,
					NoPositionEmbedding: options.NoPositionEmbedding,
					Form:                options.Form,
				}
			}
			layers = append(layers, b.declare(state.Path(name)))
			in = b.out()
			block++
		}
		stages = append(stages, stage{name: fmt.Sprintf("layer%d", i+1), stride: sampling.stride, layers: layers})
		layers = nil
	}
	head := nn.Sequential{nn.GlobalMean{}, nn.NewLinear(state.Path("fc"), in, options.Classes)}
	return network{state: state, stages: stages, head: head, blocks: placement.blocks, preprocessing: imageNet(options.ImageSize, r.resize)}
}

// stem declares what stands before the first block.
func (r resNet) stem(state *nn.State) nn.Sequential {
	config := nn.ConvConfig{Kernel: 7, Stride: 2, Padding: 3, NoBias: true}
	if r.small {
		config = nn.ConvConfig{Kernel: 3, Padding: 1, NoBias: true}
	}
	layers := nn.Sequential{
		nn.NewConv(state.Path("conv1"), 3, r.width, config),
		nn.NewBatchNorm(state.Path("bn1"), r.width),
		nn.ReLU{},
	}
	if !r.small {
		layers = append(layers, nn.MaxPool{Window: 3, Stride: 2, Padding: 1})
	}
	return layers
}

// bottleneck is a block: a dense layer to few channels, a convolution of them, and a dense layer to many.
type bottleneck struct {
	// in and width are the numbers of channels that enter it, and inside.
	in, width int
	// stride is the step of the 3×3 convolution, dilation the distance between its taps.
	stride, dilation int
	// circular is the circular convolution that takes the place of the 3×3 one, or nil.
	circular *nn.ParCConfig
	dropPath nn.DropPath
}

// out is the number of channels that leave the block.
func (b bottleneck) out() int {
	return 4 * b.width
}

func (b bottleneck) declare(path nn.Path) nn.Layer {
	branch := nn.Sequential{
		nn.NewConv(path.In("conv1"), b.in, b.width, nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In("bn1"), b.width),
		nn.ReLU{},
	}
	if b.circular != nil {
		branch = append(branch, nn.NewParC(path, "parc", b.width, *b.circular))
	} else {
		spatial := nn.ConvConfig{Kernel: 3, Stride: b.stride, Dilation: b.dilation, Padding: b.dilation, NoBias: true}
		branch = append(branch, nn.NewConv(path.In("conv2"), b.width, b.width, spatial))
	}
	branch = append(branch,
		nn.NewBatchNorm(path.In("bn2"), b.width),
		nn.ReLU{},
		nn.NewConv(path.In("conv3"), b.width, b.out(), nn.ConvConfig{Kernel: 1, NoBias: true}),
		nn.NewBatchNorm(path.In("bn3"), b.out()),
		b.dropPath,
	)
	var shortcut nn.Sequential
	if b.stride > 1 || b.in != b.out() {
		shortcut = nn.Sequential{
			nn.NewConv(path.In("downsample", 0), b.in, b.out(), nn.ConvConfig{Kernel: 1, Stride: b.stride, NoBias: true}),
			nn.NewBatchNorm(path.In("downsample", 1), b.out()),
		}
	}
	return bottleneckLayers{branch, shortcut}
}

// bottleneckLayers rectifies the sum of what its branch and its shortcut make of the input.
type bottleneckLayers struct {
	branch, shortcut nn.Sequential
}

// Apply implements [nn.Layer].
func (b bottleneckLayers) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	sum := graph.Add(b.branch.Apply(scope, x), b.shortcut.Apply(scope, x))
	return nn.ReLU{}.Apply(scope, sum)
}
