package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

func TestRecalibratedStatisticsAreTheMeansOverTheBatches(t *testing.T) {
	const batch, batches = 4, 3
	m, state, loader := recalibration(t, "resnet_c32", batch, batches*batch+1) // the last image does not fill a batch
	backend := goBackend(t)
	result, err := Recalibrate(t.Context(), backend, m, state, loader, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The first normalisation stands behind one convolution, which is applied here alone.
	var mean, variance [16]float64
	store := model.NewStore()
	if err := weights.Assign(m, store, state); err != nil {
		t.Fatal(err)
	}
	exec := model.MustNewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		kernel := scope.Store().GetVariable("/conv1/weight").NodeValue(x)
		return graph.Convolve(x, kernel).PadSame().Done()
	})
	seen := 0
	for images, err := range loader.Batches(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if len(images.Labels) < batch {
			continue
		}
		seen++
		maps := tensors.MustCopyFlatData[float32](exec.MustCall1(tensors.FromFlatDataAndDimensions(images.Images, batch, 32, 32, 3)))
		var sum, squares [16]float64
		for i, value := range maps {
			sum[i%16] += float64(value)
			squares[i%16] += float64(value) * float64(value)
		}
		count := float64(len(maps) / 16)
		for c := range 16 {
			average := sum[c] / count
			mean[c] += average / batches
			variance[c] += (squares[c] - count*average*average) / (count - 1) / batches
		}
	}
	if seen != batches {
		t.Fatalf("%d full batches, want %d", seen, batches)
	}
	for i, tensor := range result {
		switch {
		case tensor.Name == "bn1.running_mean":
			wantNear(t, tensor, mean[:])
		case tensor.Name == "bn1.running_var":
			wantNear(t, tensor, variance[:])
		case strings.HasSuffix(tensor.Name, "num_batches_tracked"):
			if tensor.Data[0] != batches {
				t.Errorf("%s counts %d batches, want %d", tensor.Name, tensor.Data[0], batches)
			}
		case strings.Contains(tensor.Name, ".running_"):
			if bytes.Equal(tensor.Data, state[i].Data) {
				t.Errorf("%s was not measured", tensor.Name)
			}
		case !bytes.Equal(tensor.Data, state[i].Data):
			t.Errorf("%s changed", tensor.Name)
		}
	}
}

func TestRecalibratingNamesWhatIsWrong(t *testing.T) {
	backend := goBackend(t)
	m, state, loader := recalibration(t, "convnext_scene", 2, 4)
	if _, err := Recalibrate(t.Context(), backend, m, state, loader, nil); err == nil || !strings.Contains(err.Error(), "convnext_scene: the model has no batch normalisation") {
		t.Errorf("error %v, want one that says that there is no batch normalisation", err)
	}
	m, state, loader = recalibration(t, "resnet_c32", 2, 4)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Recalibrate(ctx, backend, m, state, loader, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the cancelled context", err)
	}
	if _, err := Recalibrate(t.Context(), backend, m, state[1:], loader, nil); err == nil || !strings.Contains(err.Error(), "no value for conv1.weight") {
		t.Errorf("error %v, want one that names conv1.weight", err)
	}
}

// recalibration returns a model with the rule's weights, and scenes for it.
func recalibration(t *testing.T, name string, batch, images int) (*models.Model, []weights.Tensor, *data.Loader) {
	t.Helper()
	m, err := models.New(name, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	given := make(map[string]weights.Tensor)
	for _, tensor := range golden.Weights(m) {
		given[tensor.Name] = tensor
	}
	var state []weights.Tensor
	for _, entry := range m.State() {
		tensor, ok := given[entry.Name]
		if !ok {
			tensor = weights.Tensor{Name: entry.Name, DType: weights.I64, Shape: []int{}, Data: []byte{9, 0, 0, 0, 0, 0, 0, 0}}
		}
		state = append(state, tensor)
	}
	source, err := data.NewScenes(images, 5)
	if err != nil {
		t.Fatal(err)
	}
	loader, err := data.NewLoader(source, data.LoaderOptions{BatchSize: batch, Preprocessing: m.Preprocessing()})
	if err != nil {
		t.Fatal(err)
	}
	return m, state, loader
}

func wantNear(t *testing.T, tensor weights.Tensor, want []float64) {
	t.Helper()
	values, err := tensor.Floats()
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range values {
		if math.Abs(float64(value)-want[i]) > 1e-5*math.Max(1, math.Abs(want[i])) {
			t.Errorf("%s[%d] is %g, want %g", tensor.Name, i, value, want[i])
		}
	}
}
