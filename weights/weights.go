// Package weights reads and writes the values of models under PyTorch's names and in PyTorch's layout. It reads PyTorch's
// own checkpoints and safetensors files, and writes the latter.
//
//	file, err := weights.Open("resnet50.pth")
//	if err != nil {
//		return err
//	}
//	defer file.Close()
//	m, err := file.Model("resnet50", models.Options{})
//	if err != nil {
//		return err
//	}
//	return weights.Load(m, store, file)
package weights

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
)

// Load sets the variables of the model, at their paths below the store's root, to the tensors of the file. These may have
// the names of timm, torchvision, OpenMMLab and other implementations of the same model. Where tensors do not fit the
// model nothing is set, and the error, a [MismatchError], lists every one that is missing, unexpected or of another shape or type, and says
// which model the file does fit, if one. Counts of batches, which old files do not have, begin at 0 where they are
// missing. What PyTorch lists under two names may be there under one or both; the values under the first are taken, as
// PyTorch takes them.
func Load(m *models.Model, store *model.Store, file *File) error {
	return load(m, m.State(), store, file)
}

// LoadFeatures is Load for a model that begins with what another has learned: the variables of the classifier stay as they
// are where the file has none for as many classes, those of the normalisations that [models.Options].FeatureNorms adds
// where the file has none.
func LoadFeatures(m *models.Model, store *model.Store, file *File) error {
	return loadFeatures(m, store, file, func(entry models.Entry, name string) bool {
		return name == "" || matchTensor(entry, name, file.tensors[name]) != nil
	})
}

// LoadWithoutClassifier is LoadFeatures, but the variables of the classifier stay as they are in any case.
func LoadWithoutClassifier(m *models.Model, store *model.Store, file *File) error {
	return loadFeatures(m, store, file, func(models.Entry, string) bool { return true })
}

// loadFeatures leaves out the arrays of the classifier that isLeft names, given their names in the file, empty where they
// are not there.
func loadFeatures(m *models.Model, store *model.Store, file *File, isLeft func(entry models.Entry, name string) bool) error {
	features, err := featureEntries(m)
	if err != nil {
		return err
	}
	found, _ := file.assign(m)
	left := make(map[string]bool)
	for _, entry := range features {
		left[entry.Name] = found[entry.Name] == ""
	}
	for _, entry := range m.Classifier() {
		left[entry.Name] = isLeft(entry, found[entry.Name])
	}
	return load(m, slices.DeleteFunc(m.State(), func(entry models.Entry) bool { return left[entry.Name] }), store, file)
}

func load(m *models.Model, entries []models.Entry, store *model.Store, file *File) error {
	found, err := match(m, entries, file)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		var value *tensors.Tensor
		err := guard(func() (err error) {
			value, err = valueOf(entry, found, file)
			return err
		})
		if err != nil {
			return err
		}
		if err := set(store, entry, value); err != nil {
			return fmt.Errorf("weights: %s: %w", entry.Name, err)
		}
	}
	return nil
}

// valueOf reads the value of an entry that matches the file, in which the tensors have the names found.
func valueOf(entry models.Entry, found map[string]string, file *File) (*tensors.Tensor, error) {
	names := namesOf(entry)
	present := slices.IndexFunc(names, func(name string) bool { _, ok := found[name]; return ok })
	if present < 0 {
		return tensors.FromScalar(int64(0)), nil
	}
	tensor, err := file.view(found[names[present]])
	if err != nil {
		return nil, err
	}
	return entryValue(entry, tensor)
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
