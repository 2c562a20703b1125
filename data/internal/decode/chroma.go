package decode

import (
	"image"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// toRGB converts one pixel from luma and the two chroma values.
type toRGB func(luma, blue, red int32) (r, g, b uint8)

// fromYCbCr converts to RGB with chroma interpolated where it is stored at half the resolution, as libjpeg's "fancy
// upsampling" does: a triangle filter, three parts of the nearer sample and one of the farther along each halved axis.
// (Go's own conversion repeats each sample, which leaves blocks of 2×2.) Other ratios are repeated, as there.
func fromYCbCr(source *image.YCbCr, result *rgb.Image, convert toRGB) {
	up := newUpsampler(source)
	blue, red := make([]uint8, up.width*up.across), make([]uint8, up.width*up.across)
	for y := range result.Height {
		up.row(source.Cb, y, blue)
		up.row(source.Cr, y, red)
		luma, row := source.Y[y*source.YStride:], result.Row(y)
		for x := range result.Width {
			row[3*x], row[3*x+1], row[3*x+2] = convert(int32(luma[x]), int32(blue[x]), int32(red[x]))
		}
	}
}

// upsampler brings rows of a chroma plane to the luma's width.
type upsampler struct {
	width, height, stride int // of the chroma plane
	across, down          int // luma samples to a chroma sample
	smooth                bool
	sums                  []int32
}

func newUpsampler(source *image.YCbCr) *upsampler {
	up := &upsampler{across: 1, down: 1, stride: source.CStride}
	switch source.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		up.across = 2
	case image.YCbCrSubsampleRatio420:
		up.across, up.down = 2, 2
	case image.YCbCrSubsampleRatio440:
		up.down = 2
	case image.YCbCrSubsampleRatio411:
		up.across = 4
	case image.YCbCrSubsampleRatio410:
		up.across, up.down = 4, 2
	}
	up.width = (source.Rect.Dx() + up.across - 1) / up.across
	up.height = (source.Rect.Dy() + up.down - 1) / up.down
	// libjpeg repeats samples in planes too narrow for its loop.
	up.smooth = up.across <= 2 && (up.across == 1 || up.width > 2)
	up.sums = make([]int32, up.width)
	return up
}

// row writes the chroma of luma row y, width·across samples.
func (up *upsampler) row(plane []uint8, y int, out []uint8) {
	near := y / up.down
	in := plane[near*up.stride:][:up.width]
	switch {
	case !up.smooth:
		for i := range out {
			out[i] = in[i/up.across]
		}
	case up.down == 1 && up.across == 1:
		copy(out, in)
	case up.down == 1:
		for i, value := range in {
			up.sums[i] = int32(value)
		}
		widen(up.sums, out, 1, 2, 2)
	default:
		far := near - 1 + 2*(y%2)
		beside := plane[min(max(far, 0), up.height-1)*up.stride:][:up.width]
		for i, value := range in {
			up.sums[i] = 3*int32(value) + int32(beside[i])
		}
		if up.across == 2 {
			widen(up.sums, out, 8, 7, 4)
			return
		}
		for i, sum := range up.sums {
			out[i] = uint8((sum + 1 + int32(y%2)) >> 2)
		}
	}
}

// widen doubles a row: each output is (3·nearer + farther + bias) >> shift, with the nearer in the farther's place at
// the ends. The two biases, for even and odd outputs, keep the rounding from drifting one way.
func widen(in []int32, out []uint8, even, odd int32, shift uint) {
	last := len(in) - 1
	for i, near := range in {
		out[2*i] = uint8((3*near + in[max(i-1, 0)] + even) >> shift)
		out[2*i+1] = uint8((3*near + in[min(i+1, last)] + odd) >> shift)
	}
}

// fullRange is JFIF's conversion in libjpeg's 16-bit fixed point.
func fullRange(luma, blue, red int32) (r, g, b uint8) {
	const half = 1 << 15
	blue, red = blue-128, red-128
	return clip(luma + (91881*red+half)>>16),
		clip(luma + (-22554*blue-46802*red+half)>>16),
		clip(luma + (116130*blue+half)>>16)
}

// videoRange is the conversion of WebP, whose luma runs from 16 to 235, in libwebp's 14-bit fixed point.
func videoRange(luma, blue, red int32) (r, g, b uint8) {
	luma = luma * 19077 >> 8
	return clip((luma + red*26149>>8 - 14234) >> 6),
		clip((luma - blue*6419>>8 - red*13320>>8 + 8708) >> 6),
		clip((luma + blue*33050>>8 - 17685) >> 6)
}

// fromWebP converts a decoded WebP picture: lossy ones come as video-range planes, with or without alpha.
func fromWebP(source image.Image) *rgb.Image {
	bounds := source.Bounds()
	var planes *image.YCbCr
	switch source := source.(type) {
	case *image.YCbCr:
		planes = source
	case *image.NYCbCrA:
		planes = &source.YCbCr
	default:
		return fromImage(source, bounds.Dx(), bounds.Dy())
	}
	result := rgb.New(bounds.Dx(), bounds.Dy())
	fromYCbCr(planes, result, videoRange)
	return result
}

func clip(value int32) uint8 {
	return uint8(min(max(value, 0), 255))
}
