package data

import (
	"fmt"
	"image"
	"math"

	"github.com/fastparc/fastparc/data/internal/resample"
	"github.com/fastparc/fastparc/data/internal/rgb"
	"github.com/fastparc/fastparc/models"
)

// Preprocess makes the input of a network from a picture: float32 [H, W, 3] of the crop's height and width, rows from
// the top. It is what the Loader does without augmentation. The longer side of the resized picture is rounded down.
//
// Errors: a crop without pixels, or larger than the size; an interpolation of another name; a mean that is not finite,
// or a deviation that is not positive and finite.
func Preprocess(picture *Image, p models.Preprocessing) ([]float32, error) {
	pipeline, err := newPipeline(p)
	if err != nil {
		return nil, err
	}
	out := make([]float32, pipeline.values())
	pipeline.normalise(pipeline.centre(picture), false, out)
	return out, nil
}

// pipeline is a Preprocessing with its choices made.
type pipeline struct {
	models.Preprocessing
	height, width int // of the crop
	resize        func(source *rgb.Image, width, height int, window image.Rectangle) *rgb.Image
	channel       [3]int          // the RGB channel of each output channel
	levels        [3][256]float32 // what each output channel makes of a grey level
}

func newPipeline(p models.Preprocessing) (*pipeline, error) {
	height, width := p.CropSize[0], p.CropSize[1]
	result := &pipeline{Preprocessing: p, height: height, width: width, channel: [3]int{0, 1, 2}}
	if height < 1 || width < 1 {
		return nil, fmt.Errorf("data: crop size %d×%d: want at least 1×1 pixels", height, width)
	}
	if p.Size < max(height, width) {
		return nil, fmt.Errorf("data: size %d: want at least %d, the longer side of the crop", p.Size, max(height, width))
	}
	switch p.Interpolation {
	case models.Bilinear:
		result.resize = antialiased(resample.Bilinear)
	case models.Bicubic:
		result.resize = antialiased(resample.Bicubic)
	case models.BilinearOpenCV:
		result.resize = resample.OpenCV
	default:
		return nil, fmt.Errorf("data: interpolation %q: want %q, %q or %q", p.Interpolation, models.Bilinear, models.Bicubic, models.BilinearOpenCV)
	}
	if p.BGR {
		result.channel = [3]int{2, 1, 0}
	}
	for out, in := range result.channel {
		mean, std := p.Mean[in], p.Std[in]
		if !(std > 0) || math.IsInf(float64(std), 0) || math.IsNaN(float64(mean)) || math.IsInf(float64(mean), 0) {
			return nil, fmt.Errorf("data: mean %v and std %v: want finite numbers and positive deviations", p.Mean, p.Std)
		}
		for value := range 256 {
			result.levels[out][value] = (float32(value)/255 - mean) / std
		}
	}
	return result, nil
}

func antialiased(filter resample.Filter) func(*rgb.Image, int, int, image.Rectangle) *rgb.Image {
	return func(source *rgb.Image, width, height int, window image.Rectangle) *rgb.Image {
		return resample.Antialiased(source, width, height, window, filter)
	}
}

// centre resizes the shorter side and cuts the centre. PIL's pipelines round half an offset to even, OpenCV's down.
func (p *pipeline) centre(picture *rgb.Image) *rgb.Image {
	width, height := p.Size, p.Size
	if picture.Width < picture.Height {
		height = longer(p.Size, picture.Height, picture.Width)
	} else {
		width = longer(p.Size, picture.Width, picture.Height)
	}
	round := math.RoundToEven
	if p.Interpolation == models.BilinearOpenCV {
		round = math.Floor
	}
	left, top := int(round(float64(width-p.width)/2)), int(round(float64(height-p.height)/2))
	return p.resize(picture, width, height, image.Rect(left, top, left+p.width, top+p.height))
}

// longer is the resized longer side, rounded down.
func longer(size, long, short int) int {
	return int(int64(size) * int64(long) / int64(short))
}

// values is the number of values of one input.
func (p *pipeline) values() int {
	return p.height * p.width * 3
}

// normalise writes a picture of the crop's size, mirrored if asked, as the network wants it.
func (p *pipeline) normalise(picture *rgb.Image, mirrored bool, out []float32) {
	for y := range p.height {
		row := picture.Row(y)
		for x := range p.width {
			from := x
			if mirrored {
				from = p.width - 1 - x
			}
			for channel, in := range p.channel {
				out[channel] = p.levels[channel][row[3*from+in]]
			}
			out = out[3:]
		}
	}
}
