// Package weights reads and writes the values of models: safetensors files under PyTorch's names and in PyTorch's
// layout.
//
//	file, err := weights.Open("convnext_xt_parc.safetensors")
//	if err != nil {
//		return err
//	}
//	defer file.Close()
//	return weights.Load(m, store, file)
package weights

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
)

// Load sets the variables of the model, at their paths below the store's root, to the tensors of the file. Where names
// or shapes differ nothing is set, and the error lists every tensor that is missing, unexpected or of another shape.
// Counts of batches, which old files do not have, begin at 0 where they are missing. What PyTorch lists under two names
// may be there under one or both; the values under the first are taken, as PyTorch takes them.
func Load(m *models.Model, store *model.Store, file *File) error {
	entries := m.State()
	if err := match(m, entries, file); err != nil {
		return err
	}
	for _, entry := range entries {
		value, err := valueOf(entry, file)
		if err != nil {
			return err
		}
		if err := set(store, entry, value); err != nil {
			return fmt.Errorf("weights: %s: %w", entry.Name, err)
		}
	}
	return nil
}

// valueOf reads the value of an entry that matches the file.
func valueOf(entry models.Entry, file *File) (*tensors.Tensor, error) {
	names := namesOf(entry)
	present := slices.IndexFunc(names, func(name string) bool { _, ok := file.tensors[name]; return ok })
	if present < 0 {
		return tensors.FromScalar(int64(0)), nil
	}
	tensor, err := file.Tensor(names[present])
	if err != nil {
		return nil, err
	}
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

// namesOf returns the names that a file may have the entry under; the first one that is there counts.
func namesOf(entry models.Entry) []string {
	if entry.Alias == "" {
		return []string{entry.Name}
	}
	return []string{entry.Name, entry.Alias}
}

// set gives the entry's variable a value, and makes the variable where there is none.
func set(store *model.Store, entry models.Entry, value *tensors.Tensor) error {
	path := model.ScopeSeparator + entry.Path
	variable := store.GetVariable(path)
	if variable == nil {
		_, err := store.CreateVariable(path, value)
		return err
	}
	if !variable.Shape().Equal(value.Shape()) {
		return fmt.Errorf("the store holds a variable of shape %s, want %s", variable.Shape(), value.Shape())
	}
	return variable.SetValue(value)
}

// match says how the tensors of the file differ from what the model needs.
func match(m *models.Model, entries []models.Entry, file *File) error {
	var problems []error
	wanted := make(map[string]bool)
	for _, entry := range entries {
		present := false
		for _, name := range namesOf(entry) {
			wanted[name] = true
			info, ok := file.tensors[name]
			if !ok {
				continue
			}
			present = true
			if err := matchTensor(entry, name, info); err != nil {
				problems = append(problems, err)
			}
		}
		if !present && entry.Kind != nn.Counted {
			problems = append(problems, fmt.Errorf("missing: %s, shape %v", entry.Name, entry.Shape))
		}
	}
	for _, name := range file.Names() {
		if !wanted[name] {
			problems = append(problems, fmt.Errorf("unexpected: %s, shape %v", name, file.tensors[name].Shape))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("weights: %s does not hold the weights of %s:\n%w", file.name, m.Name(), errors.Join(problems...))
}

// matchTensor says how a tensor differs from the entry that it has a name of. A count is one int64, without axes or with
// one of size 1, as some files have it.
func matchTensor(entry models.Entry, name string, info tensorInfo) error {
	switch {
	case entry.Kind == nn.Counted && info.DType != I64:
		return fmt.Errorf("misshapen: %s: found type %s, want %s", name, info.DType, I64)
	case entry.Kind == nn.Counted && slices.Equal(info.Shape, []int{1}):
		return nil
	case !slices.Equal(info.Shape, entry.Shape):
		return fmt.Errorf("misshapen: %s: found shape %v, want %v", name, info.Shape, entry.Shape)
	}
	return nil
}

// Collect returns the values of the model's variables below the store's root, under PyTorch's names, in its layout and
// in the order of its state_dict. What PyTorch lists under two names is there twice.
func Collect(m *models.Model, store *model.Store) ([]Tensor, error) {
	var result []Tensor
	for _, entry := range m.State() {
		variable := store.GetVariable(model.ScopeSeparator + entry.Path)
		if variable == nil || !variable.HasValue() {
			return nil, fmt.Errorf("weights: the store holds no value for %s", entry.Name)
		}
		value, err := variable.Value()
		if err != nil {
			return nil, fmt.Errorf("weights: %s: %w", entry.Name, err)
		}
		tensor, err := tensorOf(entry, value)
		if err != nil {
			return nil, err
		}
		for _, tensor.Name = range namesOf(entry) {
			result = append(result, tensor)
		}
	}
	return result, nil
}

// tensorOf returns the value of an entry's variable as PyTorch has it.
func tensorOf(entry models.Entry, value *tensors.Tensor) (Tensor, error) {
	if !slices.Equal(value.Shape().Dimensions, entry.Layout.Shape) {
		return Tensor{}, fmt.Errorf("weights: the store holds %s in shape %s, want %v", entry.Name, value.Shape(), entry.Layout.Shape)
	}
	if entry.Kind == nn.Counted {
		return FromValue(entry.Name, value)
	}
	values, err := tensors.CopyFlatData[float32](value)
	if err != nil {
		return Tensor{}, fmt.Errorf("weights: %s: %w", entry.Name, err)
	}
	return FromFloats(entry.Name, entry.Shape, entry.Layout.ToTorch(values)), nil
}
