package weights_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// pythonVariable names the environment variable that says which python has torch, torchvision, timm and safetensors.
const pythonVariable = "FASTPARC_PYTHON"

// TestWeightsAreExchangedWithPyTorch loads models that timm and torchvision made, and has PyTorch load ours.
func TestWeightsAreExchangedWithPyTorch(t *testing.T) {
	python := os.Getenv(pythonVariable)
	if python == "" {
		t.Skipf("skipped: set %s to a python with torch, torchvision, timm and safetensors", pythonVariable)
	}
	if output, err := exec.Command(python, "-c", "import torch, torchvision, timm, safetensors").CombinedOutput(); err != nil {
		t.Skipf("skipped: %s lacks torch, torchvision, timm or safetensors: %s", python, output)
	}
	dir := t.TempDir()
	ours := map[string]*model.Store{}
	for _, name := range []string{"resnet50", "mobilenetv2"} {
		ours[name] = model.NewStore()
		saveRule(t, name, ours[name], filepath.Join(dir, name+".ours.safetensors"))
	}
	if output, err := exec.Command(python, filepath.Join("testdata", "exchange.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	for _, c := range []struct {
		theirs, ours string
		classes      int
	}{
		{"timm-resnet50", "resnet50", 1000},
		{"timm-mobilenetv2_100", "mobilenetv2", 1000},
		{"timm-convnext_tiny", "convnext_t", 7},
		{"timm-mobilevit_s", "mobilevit_s", 1000},
		{"torchvision-mobilenet_v2", "mobilenetv2", 1000},
		{"torchvision-convnext_tiny", "convnext_t", 1000},
	} {
		for _, extension := range []string{".pth", ".safetensors"} {
			t.Run(c.theirs+extension, func(t *testing.T) {
				m, store := load(t, filepath.Join(dir, c.theirs+extension), c.ours)
				if m.Options().Classes != c.classes {
					t.Errorf("%d classes, want %d", m.Options().Classes, c.classes)
				}
				logitsAgree(t, m, store, filepath.Join(dir, c.theirs+".input.safetensors"), filepath.Join(dir, c.theirs+".logits.safetensors"))
			})
		}
	}
	for name, store := range ours {
		t.Run("ours in PyTorch/"+name, func(t *testing.T) {
			m := newModel(t, name, models.Options{})
			logitsAgree(t, m, store, filepath.Join(dir, name+".input.safetensors"), filepath.Join(dir, name+".ours.logits.safetensors"))
		})
	}
}

// TestReferenceCheckpointsGiveItsLogits loads files that the reference implementation wrote.
func TestReferenceCheckpointsGiveItsLogits(t *testing.T) {
	for name, file := range map[string]string{
		"parcnet_xs":       "parcnet_xs.pt",
		"mobilenetv2_parc": "mobilenetv2_parc.weights.safetensors",
	} {
		t.Run(name, func(t *testing.T) {
			m, store := load(t, testdata.Shared(t, "golden", file), name)
			size := golden.Index(t, name).Resolution
			images := tensors.FromFlatDataAndDimensions(golden.Images(fmt.Sprint("input:", size), 2, size), 2, size, size, 3)
			got := logits(t, m, store, images)
			if difference := golden.Difference(t, got, golden.Values(t, name)["logits"]); !(difference <= 1e-5) {
				t.Errorf("logits differ by up to %g of the largest", difference)
			}
		})
	}
}

// saveRule loads the rule's weights of a model into a store and saves what the store then holds.
func saveRule(t *testing.T, name string, store *model.Store, path string) {
	t.Helper()
	m := newModel(t, name, models.Options{})
	if err := weights.Load(m, store, saved(t, golden.Weights(m))); err != nil {
		t.Fatal(err)
	}
	collected, err := weights.Collect(m, store)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := weights.Describe(m, nil).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(path, collected, metadata); err != nil {
		t.Fatal(err)
	}
}

// load returns the model that a file's weights are for, and them.
func load(t *testing.T, path, name string) (*models.Model, *model.Store) {
	t.Helper()
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := file.Model(name, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	if err := weights.Load(m, store, file); err != nil {
		t.Fatal(err)
	}
	return m, store
}

// logitsAgree asserts that the model makes of an input in PyTorch's layout what a file says.
func logitsAgree(t *testing.T, m *models.Model, store *model.Store, input, want string) {
	t.Helper()
	images, shape := readTensor(t, input, "input")
	got := logits(t, m, store, tensors.FromFlatDataAndDimensions(channelsLast(images, shape), shape[0], shape[2], shape[3], shape[1]))
	wanted, _ := readTensor(t, want, "logits")
	difference := golden.Difference(t, got, wanted)
	t.Logf("logits differ by up to %.1e of the largest", difference)
	if !(difference <= 1e-4) {
		t.Errorf("logits differ by up to %g of the largest", difference)
	}
}

// channelsLast returns an array of shape [batch, channels, height, width] with the channels last.
func channelsLast(values []float32, shape []int) []float32 {
	result := make([]float32, 0, len(values))
	pixels := shape[2] * shape[3]
	for image := range shape[0] {
		for pixel := range pixels {
			for channel := range shape[1] {
				result = append(result, values[(image*shape[1]+channel)*pixels+pixel])
			}
		}
	}
	return result
}

func readTensor(t *testing.T, path, name string) (values []float32, shape []int) {
	t.Helper()
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tensor, err := file.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	if values, err = tensor.Floats(); err != nil {
		t.Fatal(err)
	}
	return values, tensor.Shape
}

// logits returns what the model makes of images [batch, height, width, 3].
func logits(t *testing.T, m *models.Model, store *model.Store, images *tensors.Tensor) []float32 {
	t.Helper()
	backend, err := backends.Open("simd")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	output, err := model.CallOnce(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return m.Logits(scope, x)
	}, images)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensors.CopyFlatData[float32](output)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
