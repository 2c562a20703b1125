package data

import (
	"fmt"
	"image"
	"math"

	"github.com/fastparc/fastparc/data/internal/resample"
	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Preprocessing is how pictures are made into a network's input; it belongs to the weights.
type Preprocessing struct {
	// Size is the length in pixels that the shorter side is resized to. The longer side keeps the ratio, truncated.
	Size int `json:"size"`
	// CropSize is the side of the square that is cut from the centre.
	CropSize int `json:"crop_size"`
	// Interpolation is "bilinear" or "bicubic", antialiased as PIL's, or "opencv-bilinear", which is not.
	Interpolation string `json:"interpolation"`
	// Mean and Std normalise each channel, in RGB order, of values between 0 and 1: (value - mean)/std.
	Mean [3]float32 `json:"mean"`
	Std  [3]float32 `json:"std"`
	// BGR asks for the channels in the order blue, green, red.
	BGR bool `json:"bgr,omitempty"`
}

// Preprocess makes the input of a network from a picture: float32 [CropSize, CropSize, 3], rows from the top. It is what the
// Loader does without augmentation.
func Preprocess(picture *Image, p Preprocessing) ([]float32, error) {
	pipeline, err := newPipeline(p)
	if err != nil {
		return nil, err
	}
	out := make([]float32, 3*p.CropSize*p.CropSize)
	pipeline.normalise(pipeline.centre(picture), false, out)
	return out, nil
}

// pipeline is a Preprocessing with its choices made.
type pipeline struct {
	Preprocessing
	resize  func(source *rgb.Image, width, height int, window image.Rectangle) *rgb.Image
	channel [3]int          // the RGB channel of each output channel
	values  [3][256]float32 // of each output channel
}

func newPipeline(p Preprocessing) (*pipeline, error) {
	result := &pipeline{Preprocessing: p, channel: [3]int{0, 1, 2}}
	if p.CropSize < 1 {
		return nil, fmt.Errorf("data: crop size %d: want at least 1 pixel", p.CropSize)
	}
	if p.Size < p.CropSize {
		return nil, fmt.Errorf("data: size %d: want at least the crop size, %d pixels", p.Size, p.CropSize)
	}
	switch p.Interpolation {
	case "bilinear":
		result.resize = antialiased(resample.Bilinear)
	case "bicubic":
		result.resize = antialiased(resample.Bicubic)
	case "opencv-bilinear":
		result.resize = resample.OpenCV
	default:
		return nil, fmt.Errorf(`data: interpolation %q: want "bilinear", "bicubic" or "opencv-bilinear"`, p.Interpolation)
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
			result.values[out][value] = (float32(value)/255 - mean) / std
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
	if p.Interpolation == "opencv-bilinear" {
		round = math.Floor
	}
	left, top := int(round(float64(width-p.CropSize)/2)), int(round(float64(height-p.CropSize)/2))
	return p.resize(picture, width, height, image.Rect(left, top, left+p.CropSize, top+p.CropSize))
}

// longer is the resized longer side, rounded down.
func longer(size, long, short int) int {
	return int(int64(size) * int64(long) / int64(short))
}

// normalise writes a CropSize×CropSize picture, mirrored if asked, as the network wants it.
func (p *pipeline) normalise(picture *rgb.Image, mirrored bool, out []float32) {
	for y := range p.CropSize {
		row := picture.Row(y)
		for x := range p.CropSize {
			from := x
			if mirrored {
				from = p.CropSize - 1 - x
			}
			for channel, in := range p.channel {
				out[channel] = p.values[channel][row[3*from+in]]
			}
			out = out[3:]
		}
	}
}
