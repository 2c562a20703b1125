package models

// Preprocessing says how an image becomes a model's input. It belongs to the weights and is kept beside them, in the
// model.json of a checkpoint as
//
//	{"size": 256, "crop_size": [224, 224], "interpolation": "bicubic", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
//
// with "bgr": true where BGR is.
type Preprocessing struct {
	// Size is the length in pixels that the shorter side of the image is resized to; the longer one keeps the ratio.
	Size int `json:"size"`
	// CropSize is the height and width of the part that is then cut out of the centre, each at most Size.
	CropSize [2]int `json:"crop_size"`
	// Interpolation is how pixels are resized.
	Interpolation Interpolation `json:"interpolation"`
	// Mean is subtracted from each channel of values between 0 and 1, and Std divides what is left: red, green and blue,
	// in this order even where BGR is set.
	Mean [3]float32 `json:"mean"`
	Std  [3]float32 `json:"std"`
	// BGR says that the model's input has its channels in the order blue, green, red.
	BGR bool `json:"bgr,omitempty"`
}

// Interpolation names a way of resizing images.
type Interpolation string

// The ways in which the published pipelines resize.
const (
	// Bilinear and Bicubic average over all source pixels when they shrink an image, as Pillow does.
	Bilinear Interpolation = "bilinear"
	Bicubic  Interpolation = "bicubic"
	// BilinearOpenCV takes the nearest four pixels whatever the scale, as OpenCV does.
	BilinearOpenCV Interpolation = "bilinear_opencv"
)

// imageNet is the preprocessing of models trained as ConvNets are on ImageNet. resize is the ratio of the resized
// shorter side to the part that is kept.
func imageNet(imageSize [2]int, resize float64) Preprocessing {
	return Preprocessing{
		Size:          int(float64(max(imageSize[0], imageSize[1]))*resize + 0.5),
		CropSize:      imageSize,
		Interpolation: Bicubic,
		Mean:          [3]float32{0.485, 0.456, 0.406},
		Std:           [3]float32{0.229, 0.224, 0.225},
	}
}

// openCV is the preprocessing of models trained as MobileViT is on ImageNet.
func openCV(imageSize [2]int) Preprocessing {
	return Preprocessing{
		Size:          int(float64(max(imageSize[0], imageSize[1]))*288/256 + 0.5),
		CropSize:      imageSize,
		Interpolation: BilinearOpenCV,
		Std:           [3]float32{1, 1, 1},
		BGR:           true,
	}
}
