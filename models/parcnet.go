package models

// ParC-Net (Zhang et al., "ParC-Net: Position Aware Circular Convolution with Merits from ConvNets and Transformer",
// 2022, https://arxiv.org/abs/2203.03952), called EdgeFormer before. It has MobileViT's frame, with circular convolutions
// for attention.
//
// Reference: https://github.com/hkzhang91/ParC-Net.

import "github.com/fastparc/fastparc/nn"

// parcNet is a size of the family.
type parcNet struct {
	mobileFrame
	// inner are the channels of the ParC-MetaFormer blocks of each of the last three stages.
	inner [3]int
	// add says that what they made is added to their input, which the other sizes put beside it.
	add bool
}

func parcNetS() parcNet {
	return parcNet{
		mobileFrame: mobileFrame{
			stem: 16, kernel: 3, widths: [5]int{32, 64, 96, 128, 160}, depths: [3]int{2, 4, 3}, expansion: 4, residual: true,
		},
		inner: [3]int{192, 256, 320},
	}
}

func parcNetXS() parcNet {
	p := parcNetS()
	p.depths, p.inner, p.add = [3]int{2, 3, 2}, [3]int{96, 128, 160}, true
	return p
}

func parcNetH() parcNet {
	p := parcNetS()
	p.stem, p.kernel = 48, 5
	p.widths, p.depths, p.inner = [5]int{96, 144, 216, 288, 432}, [3]int{3, 9, 3}, [3]int{324, 432, 432}
	return p
}

func init() {
	registry["parcnet_s"] = parcNetS()
	registry["parcnet_xs"] = parcNetXS()
	registry["parcnet_h"] = parcNetH()
}

func (p parcNet) build(options Options) network {
	return p.mobileFrame.build(options, p.global)
}

// global declares what follows the downsampling in a stage: a 3×3 convolution in groups, blocks that see the whole map,
// and another 3×3 convolution of what they made of the input together with the input.
func (p parcNet) global(path nn.Path, stage int, dropPath func(block int) nn.DropPath, options Options) nn.Layer {
	width, inner := p.widths[2+stage], p.inner[stage]
	groups := greatestCommonDivisor(width, inner)
	local, global := path.In("dim_adaptive"), path.In("spatial_global_rep")
	layers := nn.Sequential{
		convSiLU(local.In(0), width, inner, nn.ConvConfig{Kernel: 3, Padding: 1, Groups: groups}),
		nn.NewConv(local.In(1, "block", "conv"), inner, inner, nn.ConvConfig{Kernel: 1, NoBias: true}),
	}
	for block := range p.depths[stage] {
		layers = append(layers, p.metaFormer(global.In(block), inner, dropPath(block), options, nn.ParCConfig{
			Kernel:              options.circularSizes(8 << stage),
			NoPositionEmbedding: block > 0 || options.NoPositionEmbedding,
			Form:                options.Form,
		}))
	}
	layers = append(layers,
		nn.NewBatchNorm(global.In(p.depths[stage]), inner),
		convSiLU(path.In("channel_adaptive"), inner, width, nn.ConvConfig{Kernel: 1, Groups: groups}),
	)
	fusion, together := path.In("local_global_fusion"), nn.ConvConfig{Kernel: 3, Padding: 1}
	if p.add {
		return nn.Sequential{nn.Residual(layers), convSiLU(fusion, width, width, together)}
	}
	return nn.Sequential{concatenation{layers: layers, inFront: true}, convSiLU(fusion, 2*width, width, together)}
}

// metaFormer declares one ParC-MetaFormer block: circular convolutions mix positions, then two dense layers and channel
// attention mix channels.
func (p parcNet) metaFormer(path nn.Path, width int, dropPath nn.DropPath, options Options, config nn.ParCConfig) nn.Layer {
	spatial, ffn := nn.NewSerialParC(path, width, config), path.In("ffn")
	return nn.Sequential{
		nn.Residual{spatial, dropPath},
		nn.Residual{
			nn.NewBatchNorm(ffn.In(0), width),
			nn.NewConv(ffn.In(1), width, 2*width, nn.ConvConfig{Kernel: 1}),
			nn.HardSwish{},
			nn.NewConv(ffn.In(4), 2*width, width, nn.ConvConfig{Kernel: 1}),
			nn.Dropout(options.BlockDropout),
			nn.NewChannelAttention(path.In("ca"), width),
			dropPath,
		},
	}
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
