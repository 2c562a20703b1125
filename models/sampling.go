package models

// sampling follows, from the image towards the last map, how much smaller than the image the maps are. Steps beyond the
// output stride that a model is to keep are not taken; kernels behind them are dilated instead, so that their taps keep
// their distances in the image (Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017,
// https://arxiv.org/abs/1706.05587).
type sampling struct {
	// outputStride is the largest stride.
	outputStride int
	// stride and dilation are those of the current maps.
	stride, dilation int
}

// newSampling returns the sampling of images, before the first layer.
func newSampling(outputStride int) *sampling {
	return &sampling{outputStride: outputStride, stride: 1, dilation: 1}
}

// step returns the step that a convolution takes whose own is this one. The convolution itself keeps the dilation of the
// maps that it reads, as timm and torchvision have it.
func (s *sampling) step(own int) int {
	if s.stride*own > s.outputStride {
		s.dilation *= own
		return 1
	}
	s.stride *= own
	return own
}

// ownStride returns how much smaller than the image the maps would be without a limit.
func (s *sampling) ownStride() int {
	return s.stride * s.dilation
}
