package train

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/metric"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// collectState returns what the steps to come depend on beside the model's weights, under the paths of the variables
// and in their order. The averages that GoMLX keeps of its metrics are left out: nothing depends on them.
func collectState(m *models.Model, store *model.Store) ([]weights.Tensor, error) {
	isWeight := map[string]bool{}
	for _, entry := range m.State() {
		isWeight[model.RootScopePath+entry.Path] = true
	}
	var state []weights.Tensor
	for v := range store.IterVariables() {
		if isWeight[v.Path()] || strings.HasPrefix(v.Path(), model.JoinPath(model.RootScopePath, metric.Scope)) {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return nil, err
		}
		tensor, err := weights.FromValue(v.Path(), value)
		if err != nil {
			return nil, err
		}
		state = append(state, tensor)
	}
	slices.SortFunc(state, func(a, b weights.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return state, nil
}

// restore gives an empty store the values that a checkpoint holds, and reads how far its training had come.
func restore(c *Checkpoint, store *model.Store) (record, error) {
	var r record
	if err := readJSON(filepath.Join(c.Dir, trainingFile), &r); err != nil {
		return r, err
	}
	if err := c.load(store); err != nil {
		return r, err
	}
	file, err := weights.Open(filepath.Join(c.Dir, stateFile))
	if err != nil {
		return r, err
	}
	defer file.Close()
	for _, path := range file.Names() {
		tensor, err := file.Tensor(path)
		if err != nil {
			return r, err
		}
		value, err := tensor.Value()
		if err != nil {
			return r, err
		}
		v, err := store.CreateVariable(path, value)
		if err != nil {
			return r, fmt.Errorf("%s: %w", stateFile, err)
		}
		v.SetTrainable(false)
	}
	return r, nil
}
