// Package golden gives tests the reference's results: values of its models for weights and images made by a rule.
package golden

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/weights"
)

// Model is what the reference's index says about a model.
type Model struct {
	// Resolution is the height and width of the input.
	Resolution int `json:"resolution"`
	// Parameters is the number of learned values.
	Parameters int64 `json:"num_params"`
	// ParameterOrder lists the names of the parameters in the order of the gradient norms.
	ParameterOrder []string `json:"param_order"`
	// RunningOrder lists the names of the running statistics in the order of their norms.
	RunningOrder []string `json:"running_order"`
	// State lists the arrays of the state in order.
	State []Entry `json:"state"`
}

// Entry is one array of the state.
type Entry struct {
	Name  string
	Shape []int
}

// UnmarshalJSON reads an entry, which stands in the index as [name, shape, kind].
func (e *Entry) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&e.Name, &e.Shape})
}

// Index returns what the reference's index says about a model. The test is skipped where the golden files are absent.
func Index(t testing.TB, name string) Model {
	t.Helper()
	data, err := os.ReadFile(testdata.Shared(t, "golden", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]Model
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	m, ok := index[name]
	if !ok {
		t.Fatalf("the golden index has no model %q", name)
	}
	return m
}

// Values returns the tensors of a model's golden file by name.
func Values(t testing.TB, name string) map[string][]float32 {
	t.Helper()
	file, err := weights.Open(testdata.Shared(t, "golden", name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	values := make(map[string][]float32)
	for _, tensorName := range file.Names() {
		tensor, err := file.Tensor(tensorName)
		if err != nil {
			t.Fatal(err)
		}
		if values[tensorName], err = tensor.Floats(); err != nil {
			t.Fatal(err)
		}
	}
	return values
}

// Difference returns the largest difference of values from those wanted, as a part of the largest of the latter. It is
// not a number where one of them is not. A wrong number of values ends the test.
func Difference(t testing.TB, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	var largest, difference float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		difference = max(difference, math.Abs(float64(got[i])-float64(want[i])))
	}
	return difference / largest
}

// Weights returns the rule's weights for the state of a model, in PyTorch's layout. The rule leaves out what is counted.
func Weights(m *models.Model) []weights.Tensor {
	var result []weights.Tensor
	for _, entry := range m.State() {
		if entry.Kind == nn.Counted {
			continue
		}
		result = append(result, weights.FromFloats(entry.Name, entry.Shape, RuleValues(entry.Name, entry.Shape)))
	}
	return result
}

// Images returns the rule's input of the given resolution as [batch, resolution, resolution, 3].
func Images(name string, batch, resolution int) []float32 {
	pixels := resolution * resolution
	planes := stream(name, batch*3*pixels)
	images := make([]float32, 0, len(planes))
	for image := range batch {
		for pixel := range pixels {
			for channel := range 3 {
				images = append(images, float32(planes[(image*3+channel)*pixels+pixel]))
			}
		}
	}
	return images
}

// RuleValues returns the rule's values of one array of the state, in PyTorch's order.
func RuleValues(name string, shape []int) []float32 {
	size := 1
	for _, dim := range shape {
		size *= dim
	}
	values := make([]float32, size)
	scale := ruleScale(name, shape)
	for i, u := range stream(name, size) {
		values[i] = float32(scale(u))
	}
	return values
}

// ruleScale returns what the rule makes of a stream's numbers, by the last segment of the array's name.
func ruleScale(name string, shape []int) func(u float64) float64 {
	last := name[strings.LastIndex(name, ".")+1:]
	affine := func(offset, factor float64) func(u float64) float64 {
		return func(u float64) float64 { return offset + factor*u }
	}
	switch {
	case last == "running_var":
		return func(u float64) float64 { return 1 + 0.5*math.Abs(u) }
	case last == "running_mean":
		return affine(0, 0.1)
	case slices.Contains(strings.Split(last, "_"), "pe"):
		return affine(0, 0.5)
	case last == "gamma":
		return affine(0.5, 0.25)
	case last == "weight" && len(shape) == 1:
		return affine(1, 0.1)
	case len(shape) == 1:
		return affine(0, 0.1)
	}
	fanIn := 1
	for _, dim := range shape[1:] {
		fanIn *= dim
	}
	return affine(0, math.Sqrt(3/float64(fanIn)))
}

// stream returns the first n numbers, in [-1, 1), of the stream with this name: splitmix64 seeded with the name's
// FNV-1a hash.
func stream(name string, n int) []float64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	state := hash.Sum64()
	values := make([]float64, n)
	for i := range values {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		values[i] = float64(z>>40)/(1<<23) - 1
	}
	return values
}
