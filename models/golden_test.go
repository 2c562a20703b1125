package models_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/parc"
	"github.com/fastparc/fastparc/weights"
)

var goldenNames = []string{"convnext_xt", "convnext_xt_parc", "convnext_t", "convnext_t_parc"}

// slowTests runs also what takes long on GoMLX's Go backend.
var slowTests = os.Getenv("FASTPARC_SLOW_TESTS") != ""

func TestStatesEqualTheReference(t *testing.T) {
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			want := golden.Index(t, name)
			m := newModel(t, name, models.Options{})
			var got []golden.Entry
			for _, entry := range m.State() {
				got = append(got, golden.Entry{Name: entry.Name, Shape: entry.Shape})
			}
			for i := range max(len(got), len(want.State)) {
				if i >= len(got) || i >= len(want.State) || fmt.Sprint(got[i]) != fmt.Sprint(want.State[i]) {
					t.Fatalf("entry %d differs: %v, want %v", i, got[i:min(i+1, len(got))], want.State[i:min(i+1, len(want.State))])
				}
			}
			if m.Costs().Parameters != want.Parameters {
				t.Errorf("%d parameters, want %d", m.Costs().Parameters, want.Parameters)
			}
		})
	}
}

// TestModelsEqualTheReference compares logits, losses and the norm of every gradient with the reference's, in float64,
// for the same weights and images.
func TestModelsEqualTheReference(t *testing.T) {
	for _, backendName := range backends.Names() {
		for _, c := range []struct {
			name string
			form parc.Form
		}{
			{"convnext_xt", parc.Auto},
			{"convnext_xt_parc", parc.Spatial},
			{"convnext_xt_parc", parc.FFT},
			{"convnext_t", parc.Auto},
			{"convnext_t_parc", parc.Auto},
		} {
			t.Run(fmt.Sprintf("%s/%s/%s", backendName, c.name, c.form), func(t *testing.T) {
				if backendName == "go" && c.form != parc.FFT && !slowTests {
					t.Skip("skipped: takes long on GoMLX's Go backend; FASTPARC_SLOW_TESTS=1 runs it")
				}
				want := golden.Values(t, c.name)
				backend, err := backends.Open(backendName)
				if err != nil {
					t.Fatal(err)
				}
				defer backend.Finalize()
				m, store := goldenModel(t, c.name, models.Options{Form: c.form})
				images := goldenImages(golden.Index(t, c.name).Resolution)
				checkLogits(t, run(t, backend, store, m.Logits, images)[0], want["logits"])
				checkGradients(t, backend, m, store, images, want)
			})
		}
	}
}

// checkLogits allows a difference of 1e-4 of the largest logit.
func checkLogits(t *testing.T, tensor *tensors.Tensor, want []float32) {
	t.Helper()
	difference := golden.Difference(t, tensors.MustCopyFlatData[float32](tensor), want)
	t.Logf("logits differ by at most %.1e of the largest", difference)
	if !(difference <= 1e-4) {
		t.Errorf("logits differ by up to %g of the largest, want at most 1e-4", difference)
	}
}

// checkGradients compares the loss, the norm of its gradient by the images and by each parameter. The reference's
// training values are the same for a model without batch normalisation and with drop path off.
func checkGradients(t *testing.T, backend compute.Backend, m *models.Model, store *model.Store, images *tensors.Tensor, want map[string][]float32) {
	t.Helper()
	var paths []string
	for _, entry := range m.State() {
		paths = append(paths, model.ScopeSeparator+entry.Path)
	}
	outputs := run(t, backend, store, func(scope *model.Scope, images *graph.Node) []*graph.Node {
		loss := crossEntropy(m.Logits(scope, images), 7, 42)
		by := []*graph.Node{images}
		for _, path := range paths {
			by = append(by, scope.Store().GetVariable(path).NodeValue(images))
		}
		return append([]*graph.Node{loss}, graph.Gradient(loss, by...)...)
	}, images)
	loss := float64(tensors.ToScalar[float32](outputs[0]))
	var norms []float64
	for _, gradient := range outputs[1:] {
		norms = append(norms, l2Norm(gradient))
	}
	for _, mode := range []string{"eval", "train"} {
		wantLoss := float64(want[mode+"_loss"][0])
		t.Logf("%s: loss differs by %.1e", mode, math.Abs(loss-wantLoss)/wantLoss)
		if !(math.Abs(loss-wantLoss) <= 1e-5*wantLoss) {
			t.Errorf("%s: loss %g, want %g within 1e-5", mode, loss, wantLoss)
		}
		checkNorms(t, mode, paths, norms[1:], want[mode+"_grad_norms"])
	}
	checkNorms(t, "input", []string{"images"}, norms[:1], want["eval_input_grad_norm"])
}

// checkNorms allows a difference of 1e-3 of the value and 1e-4 of the median of all, since some gradients are 0 but
// for rounding.
func checkNorms(t *testing.T, mode string, names []string, got []float64, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d gradient norms, want %d", mode, len(got), len(want))
	}
	sorted := slices.Sorted(slices.Values(want))
	median := float64(sorted[len(sorted)/2])
	worst := 0.0
	for i, name := range names {
		difference := math.Abs(got[i] - float64(want[i]))
		allowed := 1e-3*float64(want[i]) + 1e-4*median
		worst = max(worst, difference/allowed)
		if !(difference <= allowed) {
			t.Errorf("%s: gradient of %s has norm %g, want %g within %.1g", mode, name, got[i], want[i], allowed)
		}
	}
	t.Logf("%s: gradient norms use at most %.2g of what is allowed", mode, worst)
}

func l2Norm(tensor *tensors.Tensor) float64 {
	sum := 0.0
	for _, value := range tensors.MustCopyFlatData[float32](tensor) {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum)
}

// crossEntropy returns the mean cross entropy of logits [batch, classes] against the labels.
func crossEntropy(logits *graph.Node, labels ...int32) *graph.Node {
	oneHot := graph.OneHot(graph.Const(logits.Graph(), labels), logits.Shape().Dim(-1), logits.DType())
	logProbabilities := graph.LogSoftmax(logits, -1)
	return graph.Neg(graph.ReduceMean(graph.ReduceSum(graph.Mul(oneHot, logProbabilities), -1)))
}

// goldenModel returns a model with the rule's weights, which pass through a file as a user's do.
func goldenModel(t *testing.T, name string, options models.Options) (*models.Model, *model.Store) {
	t.Helper()
	m := newModel(t, name, options)
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := weights.Save(path, golden.Weights(m), nil); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	store := model.NewStore()
	if err := weights.Load(m, store, file); err != nil {
		t.Fatal(err)
	}
	return m, store
}

// goldenImages returns the reference's batch of two.
func goldenImages(resolution int) *tensors.Tensor {
	images := golden.Images(fmt.Sprintf("input:%d", resolution), 2, resolution)
	return tensors.FromFlatDataAndDimensions(images, 2, resolution, resolution, 3)
}

func newModel(t *testing.T, name string, options models.Options) *models.Model {
	t.Helper()
	m, err := models.New(name, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run builds and runs a graph.
func run[F model.ExecGraphFn](t *testing.T, backend compute.Backend, store *model.Store, f F, args ...any) []*tensors.Tensor {
	t.Helper()
	exec, err := model.NewExec(backend, store, f)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}
