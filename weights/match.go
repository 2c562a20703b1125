package weights

// Which tensor of a file belongs to which array of a model, and what to say where they do not belong together.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
)

// Model returns the registered model of this name for which the file holds the weights: with the options given, and as
// many classes as the weights are for. Without a name it is the model that the file's [Description] names. Whether the
// file does hold its weights shows when they are loaded.
func (f *File) Model(name string, options models.Options) (*models.Model, error) {
	description, err := f.Description()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = description.Model
	}
	if name == "" {
		return nil, fmt.Errorf("weights: %s does not say which model it is for: name one", f.name)
	}
	if name == description.Model {
		description.structure(&options)
	}
	m, err := models.New(name, options)
	if err != nil {
		return nil, err
	}
	found, _ := f.assign(m)
	for _, entry := range m.Classifier() {
		if shape := f.tensors[found[entry.Name]].Shape; len(shape) > 0 && shape[0] > 0 {
			options.Classes = shape[0]
			return models.New(name, options)
		}
	}
	return m, nil
}

// featureEntries returns the arrays that only feature maps for detection and segmentation need.
func featureEntries(m *models.Model) ([]models.Entry, error) {
	options := m.Options()
	options.FeatureNorms = false
	classification, err := models.New(m.Name(), options)
	if err != nil {
		return nil, err
	}
	shared := make(map[string]bool)
	for _, entry := range classification.State() {
		shared[entry.Name] = true
	}
	return slices.DeleteFunc(m.State(), func(entry models.Entry) bool { return shared[entry.Name] }), nil
}

// assign returns the names that the file has for those of the model's reference implementation, and says where it has
// two for one.
func (f *File) assign(m *models.Model) (names map[string]string, problems []Mismatch) {
	names = make(map[string]string)
	own := make(map[string]bool)
	for _, entry := range m.State() {
		own[entry.Name] = true
	}
	for _, name := range f.names {
		reference := referenceName(m.Name(), name, func(name string) bool { return own[name] })
		if other, twice := names[reference]; twice {
			problems = append(problems, Mismatch{Ambiguous, fmt.Sprintf("both %s and %s are %s", other, name, reference)})
			continue
		}
		names[reference] = name
	}
	return names, problems
}

// match returns the names of the file's tensors for those of the entries, which are arrays of the model, or lists how
// the file differs from what they need. What is of the model but not among the entries may be there or not.
func match(m *models.Model, entries []models.Entry, file *File) (map[string]string, error) {
	found, problems := file.compare(m, entries)
	if len(problems) == 0 {
		return found, nil
	}
	return nil, newMismatchError(file.name, m.Name(), file.hint(m, found), problems)
}

func (f *File) compare(m *models.Model, entries []models.Entry) (found map[string]string, problems []Mismatch) {
	found, problems = f.assign(m)
	known := make(map[string]bool)
	for _, entry := range m.State() {
		for _, name := range namesOf(entry) {
			known[found[name]] = true
		}
	}
	for _, entry := range entries {
		present := false
		for _, name := range namesOf(entry) {
			theirs, ok := found[name]
			if !ok {
				continue
			}
			present = true
			if mismatch := matchTensor(entry, theirs, f.tensors[theirs]); mismatch != nil {
				problems = append(problems, *mismatch)
			}
		}
		if !present && entry.Kind != nn.Counted {
			problems = append(problems, Mismatch{Missing, fmt.Sprintf("%s, shape %v", entry.Name, entry.Shape)})
		}
	}
	for _, name := range f.names {
		if !known[name] {
			problems = append(problems, Mismatch{Unexpected, fmt.Sprintf("%s, shape %v", name, f.tensors[name].Shape)})
		}
	}
	return found, problems
}

// namesOf returns the names that a file may have the entry under; the first one that is there counts.
func namesOf(entry models.Entry) []string {
	if entry.Alias == "" {
		return []string{entry.Name}
	}
	return []string{entry.Name, entry.Alias}
}

// realTypes are the types of elements that weights may have.
var realTypes = []DType{F64, F32, F16, BF16}

// matchTensor says how a tensor differs from the entry that it has a name of, or returns nil. Axes of size 1 at the end do not count:
// dense layers are kept as 1×1 convolutions by some libraries, counts with an axis by others.
func matchTensor(entry models.Entry, name string, info tensorInfo) *Mismatch {
	counted := entry.Kind == nn.Counted
	switch {
	case counted && info.DType != I64:
		return &Mismatch{Mistyped, fmt.Sprintf("%s: found type %s, want %s", name, info.DType, I64)}
	case !counted && !slices.Contains(realTypes, info.DType):
		return &Mismatch{Mistyped, fmt.Sprintf("%s: found type %s, want one of %v", name, info.DType, realTypes)}
	case !slices.Equal(withoutOnes(info.Shape), withoutOnes(entry.Shape)):
		return &Mismatch{Misshapen, fmt.Sprintf("%s: found shape %v, want %v", name, info.Shape, entry.Shape)}
	}
	return nil
}

// withoutOnes returns a shape without the axes of size 1 at its end.
func withoutOnes(shape []int) []int {
	for len(shape) > 0 && shape[len(shape)-1] == 1 {
		shape = shape[:len(shape)-1]
	}
	return shape
}

// hint says what a file is that does not hold the weights of a model: those of another one, or no classifier.
func (f *File) hint(m *models.Model, found map[string]string) string {
	var fits []string
	for _, name := range models.Names() {
		if classes, ok := f.fits(name); ok {
			fits = append(fits, fmt.Sprintf("%s for %d classes", name, classes))
		}
	}
	if len(fits) > 0 {
		return fmt.Sprintf(" for %d classes, but those of %s", m.Options().Classes, strings.Join(fits, " or "))
	}
	present := func(entry models.Entry) bool { _, ok := found[entry.Name]; return ok }
	if slices.ContainsFunc(m.State(), present) && !slices.ContainsFunc(m.Classifier(), present) {
		return ", at most a backbone: it has no classifier"
	}
	return ""
}

// fits says whether the file holds the weights of the model of this name, and for how many classes.
func (f *File) fits(name string) (classes int, ok bool) {
	m, err := models.New(name, models.Options{})
	if err != nil {
		return 0, false
	}
	found, _ := f.assign(m)
	isMissing := func(entry models.Entry) bool {
		return entry.Kind != nn.Counted && found[entry.Name] == "" && found[entry.Alias] == ""
	}
	if slices.ContainsFunc(m.State(), isMissing) { // most are told apart by that, without a count of classes
		return 0, false
	}
	if m, err = f.Model(name, models.Options{}); err != nil {
		return 0, false
	}
	_, problems := f.compare(m, m.State())
	return m.Options().Classes, len(problems) == 0
}
