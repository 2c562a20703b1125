package models_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/parc"
	"github.com/fastparc/fastparc/weights"
)

var goldenNames = []string{
	"convnext_xt", "convnext_xt_parc", "convnext_t", "convnext_t_parc",
	"mobilenetv2", "mobilenetv2_parc", "resnet50", "resnet50_parc",
	"mobilevit_s", "mobilevit_xs", "parcnet_s", "parcnet_xs", "parcnet_h",
}

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

// TestModelsEqualTheReference compares logits, losses, the norm of every gradient and of every running statistic with
// the reference's, in float64, for the same weights and images.
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
			{"mobilenetv2", parc.Auto},
			{"mobilenetv2_parc", parc.Spatial},
			{"mobilenetv2_parc", parc.FFT},
			{"resnet50", parc.Auto},
			{"resnet50_parc", parc.Auto},
			{"mobilevit_s", parc.Auto},
			{"mobilevit_xs", parc.Auto},
			{"parcnet_s", parc.Auto},
			{"parcnet_xs", parc.Spatial},
			{"parcnet_xs", parc.FFT},
			{"parcnet_h", parc.Auto},
		} {
			t.Run(fmt.Sprintf("%s/%s/%s", backendName, c.name, c.form), func(t *testing.T) {
				if backendName == "go" && !slowTests && (c.name != "convnext_xt_parc" || c.form != parc.FFT) {
					t.Skip("skipped: takes long on GoMLX's Go backend; FASTPARC_SLOW_TESTS=1 runs it")
				}
				reference := golden.Index(t, c.name)
				want := golden.Values(t, c.name)
				backend, err := backends.Open(backendName)
				if err != nil {
					t.Fatal(err)
				}
				defer backend.Finalize()
				m, store := goldenModel(t, c.name, models.Options{Form: c.form})
				images := goldenImages(reference.Resolution, 2)
				checkLogits(t, run(t, backend, store, m.Logits, images)[0], want["logits"])
				if backendName == "go" && c.name != "convnext_xt_parc" {
					return // gradients take too long there
				}
				got := differentiate(t, backend, m, store, images, false)
				got.check(t, "eval", want, strict)
				checkNorms(t, "images", []string{"images"}, []float64{got.byImages}, want["eval_input_grad_norm"], strict)
				if len(reference.RunningOrder) == 0 {
					// The mode makes no difference where nothing is normalised by the batch.
					got.check(t, "train", want, strict)
					return
				}
				if c.name == "parcnet_h" && !slowTests {
					return // the training batch takes six gigabytes
				}
				got = differentiate(t, backend, m, store, goldenImages(reference.Resolution, 8), true)
				got.check(t, "train", want, trainTolerance(c.name))
				var norms []float64
				for _, name := range reference.RunningOrder {
					norms = append(norms, l2Norm(valueOf(t, store, name)))
				}
				checkNorms(t, "running statistics", reference.RunningOrder, norms, want["train_running_norms"], strict)
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

// gradients are a loss and the norms of its gradients by the images and by each learned array.
type gradients struct {
	loss     float64
	byImages float64
	names    []string
	norms    []float64
}

// differentiate applies the model to a batch with the reference's labels.
func differentiate(t *testing.T, backend compute.Backend, m *models.Model, store *model.Store, images *tensors.Tensor, training bool) gradients {
	t.Helper()
	var result gradients
	var paths []string
	for _, entry := range m.State() {
		if entry.Kind == nn.Learned {
			result.names = append(result.names, entry.Name)
			paths = append(paths, model.RootScopePath+entry.Path)
		}
	}
	var labels []int32
	for i := range images.Shape().Dim(0) {
		labels = append(labels, int32(7+35*i))
	}
	outputs := run(t, backend, store, func(scope *model.Scope, images *graph.Node) []*graph.Node {
		store.SetTraining(images.Graph(), training)
		loss := crossEntropy(m.Logits(scope, images), labels...)
		by := []*graph.Node{images}
		for _, path := range paths {
			by = append(by, scope.Store().GetVariable(path).NodeValue(images))
		}
		return append([]*graph.Node{loss}, graph.Gradient(loss, by...)...)
	}, images)
	result.loss = float64(tensors.ToScalar[float32](outputs[0]))
	result.byImages = l2Norm(outputs[1])
	for _, gradient := range outputs[2:] {
		result.norms = append(result.norms, l2Norm(gradient))
	}
	return result
}

func (g gradients) check(t *testing.T, mode string, want map[string][]float32, allowed tolerance) {
	t.Helper()
	wantLoss := float64(want[mode+"_loss"][0])
	t.Logf("%s: loss differs by %.1e", mode, math.Abs(g.loss-wantLoss)/wantLoss)
	if !(math.Abs(g.loss-wantLoss) <= 1e-5*wantLoss) {
		t.Errorf("%s: loss %g, want %g within 1e-5", mode, g.loss, wantLoss)
	}
	checkNorms(t, mode, g.names, g.norms, want[mode+"_grad_norms"], allowed)
}

// tolerance is how far a norm may be from the reference's: shares of its value and of the median of all, since some
// gradients are 0 but for rounding.
type tolerance struct{ value, median float64 }

var (
	strict = tolerance{1e-3, 1e-4}
	// rectified is for gradients of networks with rectifiers that normalise by the batch: there PyTorch's own float32 is
	// up to half as far from float64.
	rectified = tolerance{1e-2, 1e-3}
)

func trainTolerance(name string) tolerance {
	if strings.HasPrefix(name, "resnet") || strings.HasPrefix(name, "mobilenet") {
		return rectified
	}
	return strict
}

func checkNorms(t *testing.T, what string, names []string, got []float64, want []float32, tolerated tolerance) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d norms, want %d", what, len(got), len(want))
	}
	sorted := slices.Sorted(slices.Values(want))
	median := float64(sorted[len(sorted)/2])
	worst := 0.0
	for i, name := range names {
		difference := math.Abs(got[i] - float64(want[i]))
		allowed := tolerated.value*float64(want[i]) + tolerated.median*median
		worst = max(worst, difference/allowed)
		if !(difference <= allowed) {
			t.Errorf("%s: %s has norm %g, want %g within %.1g", what, name, got[i], want[i], allowed)
		}
	}
	t.Logf("%s: norms use at most %.2g of what is allowed", what, worst)
}

// valueOf returns the value of the state's array of this name in PyTorch.
func valueOf(t *testing.T, store *model.Store, name string) *tensors.Tensor {
	t.Helper()
	variable := store.GetVariable(model.RootScopePath + strings.ReplaceAll(name, ".", model.ScopeSeparator))
	if variable == nil {
		t.Fatalf("the store holds no %s", name)
	}
	value, err := variable.Value()
	if err != nil {
		t.Fatal(err)
	}
	return value
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

// goldenImages returns the reference's batch.
func goldenImages(resolution, batch int) *tensors.Tensor {
	images := golden.Images(fmt.Sprintf("input:%d", resolution), batch, resolution)
	return tensors.FromFlatDataAndDimensions(images, batch, resolution, resolution, 3)
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
