package train

import (
	"fmt"
	"slices"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
)

// NewLoader makes batches of a source for the model that the card describes: for training shuffled and varied as its
// recipe says, otherwise in the source's order and as they are.
func NewLoader(source data.Source, card Card, training bool) (*data.Loader, error) {
	preprocessing, err := preprocessing(card.Preprocessing)
	if err != nil {
		return nil, err
	}
	return data.NewLoader(source, data.LoaderOptions{
		BatchSize:     card.Recipe.Batch,
		Preprocessing: preprocessing,
		Training:      training,
		Augmentation:  card.Recipe.Augmentation,
		Seed:          card.Recipe.Seed,
	})
}

// Prepare makes the input [H, W, 3] of the model that the card describes from a picture.
func (c Card) Prepare(picture *data.Image) ([]float32, error) {
	preprocessing, err := preprocessing(c.Preprocessing)
	if err != nil {
		return nil, err
	}
	return data.Preprocess(picture, preprocessing)
}

// preprocessing translates what a model says of its images into what the loader does with them.
func preprocessing(p models.Preprocessing) (data.Preprocessing, error) {
	if p.CropSize[0] != p.CropSize[1] {
		return data.Preprocessing{}, fmt.Errorf("train: images of %d×%d: expected squares", p.CropSize[0], p.CropSize[1])
	}
	interpolation, known := map[models.Interpolation]string{
		models.Bilinear:       "bilinear",
		models.Bicubic:        "bicubic",
		models.BilinearOpenCV: "opencv-bilinear",
	}[p.Interpolation]
	if !known {
		return data.Preprocessing{}, fmt.Errorf("train: interpolation %q: expected one of package models", p.Interpolation)
	}
	translated := data.Preprocessing{
		Size:          p.Size,
		CropSize:      p.CropSize[0],
		Interpolation: interpolation,
		Mean:          p.Mean,
		Std:           p.Std,
		BGR:           p.BGR,
	}
	if p.BGR { // the model gives the numbers in the order of its channels, the loader takes them as RGB
		slices.Reverse(translated.Mean[:])
		slices.Reverse(translated.Std[:])
	}
	return translated, nil
}
