package weights

import (
	"encoding/json"
	"fmt"

	"github.com/fastparc/fastparc/models"
)

// Description says what weights are for and how images reach them. It is kept beside them, in the metadata of their
// file.
type Description struct {
	Model               string               `json:"model"`
	ImageSize           [2]int               `json:"image_size"` // height, width
	ParCBlocks          []string             `json:"parc_blocks,omitempty"`
	KernelImageSize     [2]int               `json:"kernel_image_size,omitzero"` // height, width
	NoPositionEmbedding bool                 `json:"no_position_embedding,omitempty"`
	FeatureNorms        bool                 `json:"feature_norms,omitempty"`
	Classes             []string             `json:"classes"`
	Preprocessing       models.Preprocessing `json:"preprocessing"`
}

// Describe returns the description of a model's weights, which tell these classes apart.
func Describe(m *models.Model, classes []string) Description {
	return Description{
		Model:               m.Name(),
		ImageSize:           m.Options().ImageSize,
		ParCBlocks:          m.Options().ParCBlocks,
		KernelImageSize:     m.Options().KernelImageSize,
		NoPositionEmbedding: m.Options().NoPositionEmbedding,
		FeatureNorms:        m.Options().FeatureNorms,
		Classes:             classes,
		Preprocessing:       m.Preprocessing(),
	}
}

// Options returns the options with which the model is made again.
func (d Description) Options() models.Options {
	options := models.Options{Classes: len(d.Classes), ImageSize: d.ImageSize}
	d.structure(&options)
	return options
}

// structure sets what of the options decides which arrays there are, apart from the classifier's.
func (d Description) structure(options *models.Options) {
	options.ParCBlocks = d.ParCBlocks
	options.KernelImageSize = d.KernelImageSize
	options.NoPositionEmbedding = d.NoPositionEmbedding
	options.FeatureNorms = options.FeatureNorms || d.FeatureNorms // they can be put on weights that were learned without them
}

const (
	// descriptionKey is the metadata's entry with the description, as JSON.
	descriptionKey = "fastparc"
	// formatKey is the entry, "pt", by which other programs know that names and layout are PyTorch's.
	formatKey = "format"
)

// Metadata returns the description as metadata for [Save], or an error where it has a number that is none.
func (d Description) Metadata() (map[string]string, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("weights: description of %s: %w", d.Model, err)
	}
	return map[string]string{formatKey: "pt", descriptionKey: string(text)}, nil
}

// Description returns what the file says of its weights: nothing, the zero Description, where other programs wrote it.
func (f *File) Description() (Description, error) {
	var description Description
	text, ok := f.metadata[descriptionKey]
	if !ok {
		return description, nil
	}
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		return Description{}, fmt.Errorf("weights: %s: metadata %q: %w", f.name, descriptionKey, err)
	}
	return description, nil
}
