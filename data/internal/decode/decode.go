// Package decode reads picture files into 8-bit RGB, as PIL's Image.open(file).convert("RGB") does.
package decode

import (
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // Register the formats.
	_ "image/jpeg"
	_ "image/png"
	"io"
	"path"
	"strings"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// MaxPixels is the largest picture that is decoded, in pixels: a small file can claim to be a picture that fills memory.
const MaxPixels = 90_000_000

// HasExtension says whether a file's name ends as a picture's does.
func HasExtension(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff":
		return true
	}
	return false
}

// Decode reads a JPEG, PNG, GIF (its first frame), BMP, WebP or TIFF picture.
func Decode(r io.ReadSeeker) (result *rgb.Image, err error) {
	defer func() {
		if cause := recover(); cause != nil { // A decoder's own fault on a broken file must not end the program.
			result, err = nil, fmt.Errorf("decoder failed: %v", cause)
		}
	}()
	config, format, err := image.DecodeConfig(r)
	if err != nil {
		return nil, err
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, fmt.Errorf("%s of %d×%d pixels: empty", format, config.Width, config.Height)
	}
	if int64(config.Width)*int64(config.Height) > MaxPixels {
		return nil, fmt.Errorf("%s of %d×%d pixels: more than the %d allowed", format, config.Width, config.Height, MaxPixels)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	decoded, _, err := image.Decode(r)
	if err != nil {
		return nil, err
	}
	if format == "webp" {
		return fromWebP(decoded), nil
	}
	return fromImage(decoded, config.Width, config.Height), nil
}

// fromImage converts a decoded picture and puts it on a black canvas of the file's size (a GIF's frame may be smaller).
func fromImage(source image.Image, width, height int) *rgb.Image {
	bounds := source.Bounds()
	result := rgb.New(bounds.Dx(), bounds.Dy())
	switch source := source.(type) {
	case *image.YCbCr:
		fromYCbCr(source, result, fullRange)
	case *image.Gray:
		for y := range result.Height {
			row := result.Row(y)
			for x, value := range source.Pix[y*source.Stride:][:result.Width] {
				row[3*x], row[3*x+1], row[3*x+2] = value, value, value
			}
		}
	case *image.Paletted:
		palette := make([][3]uint8, 256)
		for i, entry := range source.Palette {
			palette[i] = withoutAlpha(entry)
		}
		for y := range result.Height {
			row := result.Row(y)
			for x, index := range source.Pix[y*source.Stride:][:result.Width] {
				copy(row[3*x:], palette[index][:])
			}
		}
	case *image.CMYK:
		fromCMYK(source, result)
	case *image.RGBA:
		dropFourth(source.Pix, source.Stride, result)
	case *image.NRGBA:
		dropFourth(source.Pix, source.Stride, result)
	default:
		for y := range result.Height {
			row := result.Row(y)
			for x := range result.Width {
				pixel := withoutAlpha(source.At(bounds.Min.X+x, bounds.Min.Y+y))
				copy(row[3*x:], pixel[:])
			}
		}
	}
	return result.Window(-bounds.Min.X, -bounds.Min.Y, width, height)
}

// withoutAlpha gives a colour as if it were opaque, not as it looks over black.
func withoutAlpha(c color.Color) [3]uint8 {
	if c, ok := c.(color.NRGBA64); ok {
		return [3]uint8{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)}
	}
	opaque := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [3]uint8{opaque.R, opaque.G, opaque.B}
}

func dropFourth(pixels []uint8, stride int, result *rgb.Image) {
	for y := range result.Height {
		in, row := pixels[y*stride:], result.Row(y)
		for x := range result.Width {
			copy(row[3*x:3*x+3], in[4*x:4*x+3])
		}
	}
}

func fromCMYK(source *image.CMYK, result *rgb.Image) {
	for y := range result.Height {
		in, row := source.Pix[y*source.Stride:], result.Row(y)
		for x := range result.Width {
			light := 255 - int32(in[4*x+3])
			for channel := range 3 {
				product := int32(in[4*x+channel])*light + 128
				row[3*x+channel] = uint8(light - (product>>8+product)>>8)
			}
		}
	}
}
