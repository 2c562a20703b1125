package weights

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
)

// Assign gives the model's variables below the store's root the values that [Collect] returned for one like it.
func Assign(m *models.Model, store *model.Store, state []Tensor) error {
	byName := make(map[string]Tensor)
	for _, tensor := range state {
		byName[tensor.Name] = tensor
	}
	for _, entry := range m.State() {
		tensor, ok := byName[entry.Name]
		if !ok {
			return fmt.Errorf("weights: no value for %s of %s", entry.Name, m.Name())
		}
		value, err := entryValue(entry, tensor)
		if err != nil {
			return err
		}
		if err := set(store, entry, value); err != nil {
			return fmt.Errorf("weights: %s: %w", entry.Name, err)
		}
	}
	return nil
}

// entryValue returns the tensor as the entry is laid out here.
func entryValue(entry models.Entry, tensor Tensor) (*tensors.Tensor, error) {
	if entry.Kind == nn.Counted {
		tensor.Shape = entry.Shape
		return tensor.Value()
	}
	values, err := tensor.Floats()
	if err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(entry.Layout.FromTorch(values), entry.Layout.Shape...), nil
}
