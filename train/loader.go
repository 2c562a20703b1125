package train

import (
	"github.com/fastparc/fastparc/data"
)

// NewLoader makes batches of a source for the model that the card describes: for training shuffled and varied as its
// recipe says, otherwise in the source's order and as they are.
func NewLoader(source data.Source, card Card, training bool) (*data.Loader, error) {
	return data.NewLoader(source, data.LoaderOptions{
		BatchSize:     card.Recipe.Batch,
		Preprocessing: card.Preprocessing,
		Training:      training,
		Augmentation:  card.Recipe.Augmentation,
		Seed:          card.Recipe.Seed,
	})
}
