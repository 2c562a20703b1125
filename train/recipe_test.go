package train

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/fastparc/fastparc/models"
)

func TestLearningRateWarmsUpLinearlyThenFollowsTheCosine(t *testing.T) {
	const steps = 10
	recipe := Recipe{Epochs: 3, LearningRate: 0.8, MinLearningRate: 0.1, WarmUp: 0.5}
	store := model.NewStore()
	exec, err := model.NewExec(goBackend(t), store, func(scope *model.Scope, g *graph.Graph) *graph.Node {
		store.SetTraining(g, true)
		recipe.schedule(scope, g, steps)
		return optimizer.LearningRateVar(scope, dtypes.Float32, 0).NodeValue(g)
	})
	if err != nil {
		t.Fatal(err)
	}
	const warmUp, total = 5, 30
	for step := range total {
		output, err := exec.Call1()
		if err != nil {
			t.Fatal(err)
		}
		want := 0.1 + 0.7*float64(step)/warmUp
		if step >= warmUp {
			want = 0.1 + 0.7*(1+math.Cos(math.Pi*float64(step-warmUp)/(total-warmUp)))/2
		}
		if got := float64(tensors.ToScalar[float32](output)); !(math.Abs(got-want) < 1e-6) {
			t.Errorf("step %d: learning rate %g, want %g", step, got, want)
		}
	}
}

func TestRecipesOutOfRangeAreNamed(t *testing.T) {
	if err := DefaultRecipe().Check(); err != nil {
		t.Errorf("default recipe: %v", err)
	}
	for _, c := range []struct {
		want  string
		spoil func(*Recipe)
	}{
		{"epochs is 0, expected at least 1", func(r *Recipe) { r.Epochs = 0 }},
		{"batch is -3, expected at least 1", func(r *Recipe) { r.Batch = -3 }},
		{"learning rate is NaN", func(r *Recipe) { r.LearningRate = math.NaN() }},
		{"learning rate is 0, expected a number above 0", func(r *Recipe) { r.LearningRate = 0 }},
		{"minimum learning rate is 1, expected from 0", func(r *Recipe) { r.MinLearningRate = 1 }},
		{"warm-up is 10, expected from 0 to less than the 10 epochs", func(r *Recipe) { r.WarmUp = 10 }},
		{"weight decay is -1", func(r *Recipe) { r.WeightDecay = -1 }},
		{"label smoothing is 1, expected from 0 to less than 1", func(r *Recipe) { r.LabelSmoothing = 1 }},
		{"clip norm is -1", func(r *Recipe) { r.ClipNorm = -1 }},
		{"drop path is 1", func(r *Recipe) { r.DropPath = 1 }},
		{"dropout is 1", func(r *Recipe) { r.Dropout = 1 }},
		{"block dropout is -1", func(r *Recipe) { r.BlockDropout = -1 }},
	} {
		recipe := DefaultRecipe()
		c.spoil(&recipe)
		if err := recipe.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestKernelsDenseWeightsAndEmbeddingsDecayButNothingOneDimensional(t *testing.T) {
	m, err := models.New("convnext_c32_parc", models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	decays := decays(m)
	found := map[string]bool{}
	for _, entry := range m.State() {
		name := entry.Name[strings.LastIndexByte(entry.Name, '.')+1:]
		oneDimensional := name == "bias" || name == "gamma" || strings.Contains(entry.Name, "norm.") ||
			slices.Contains([]string{"downsample_layers.0.1.weight", "downsample_layers.1.0.weight", "downsample_layers.2.0.weight"}, entry.Name)
		got := decays(store.VariableWithValue(model.RootScopePath+entry.Path, float32(0)))
		if got == oneDimensional {
			t.Errorf("%s, of shape %v in PyTorch: decays is %t", entry.Name, entry.Shape, got)
		}
		found[fmt.Sprint(name, got)] = true
	}
	for _, want := range []string{"weighttrue", "weightfalse", "petrue", "gammafalse", "biasfalse"} {
		if !found[want] {
			t.Errorf("the model has no entry of the kind %s: found %v", want, found)
		}
	}
	if decays(store.VariableWithValue("/elsewhere", float32(0))) {
		t.Error("a variable that is none of the model's decays")
	}
}
