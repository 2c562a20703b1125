package weights_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

func TestLoadedWeightsAreCollectedAsTheyWere(t *testing.T) {
	m := newModel(t, "convnext_scene_parc", models.Options{})
	want := golden.Weights(m)
	store := model.NewStore()
	// The second time variables are there already.
	for range 2 {
		if err := weights.Load(m, store, saved(t, want)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := weights.Collect(m, store)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d tensors, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Name != want[i].Name || !slices.Equal(got[i].Shape, want[i].Shape) || !slices.Equal(got[i].Data, want[i].Data) {
			t.Errorf("%s differs from what was loaded, %s", got[i].Name, want[i].Name)
		}
	}
}

// In ParC-Net PyTorch lists the first block of the last stage twice.
func TestArraysWithTwoNamesLoadUnderEitherAndAreWrittenUnderBoth(t *testing.T) {
	const own, alias = "layer_5.0.", "residual."
	m := newModel(t, "parcnet_xs", models.Options{})
	values := golden.Weights(m)
	renamed := func(keep bool) []weights.Tensor {
		var result []weights.Tensor
		for _, tensor := range values {
			rest, shared := strings.CutPrefix(tensor.Name, own)
			if !shared || keep {
				result = append(result, tensor)
			}
			if shared {
				floats := golden.RuleValues(alias+rest, tensor.Shape)
				result = append(result, weights.FromFloats(alias+rest, tensor.Shape, floats))
			}
		}
		return result
	}
	for _, c := range []struct {
		name   string
		values []weights.Tensor
		want   string
	}{
		{"the own name alone", values, own},
		{"the alias alone", renamed(false), alias},
		{"both, with other values", renamed(true), own},
	} {
		store := model.NewStore()
		if err := weights.Load(m, store, saved(t, c.values)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		collected, err := weights.Collect(m, store)
		if err != nil {
			t.Fatal(err)
		}
		const name = "block.exp_1x1.block.conv.weight"
		found := 0
		for _, tensor := range collected {
			if tensor.Name != own+name && tensor.Name != alias+name {
				continue
			}
			found++
			got, err := tensor.Floats()
			if err != nil {
				t.Fatal(err)
			}
			if want := golden.RuleValues(c.want+name, tensor.Shape); !slices.Equal(got, want) {
				t.Errorf("%s: %s is not what %s%s held", c.name, tensor.Name, c.want, name)
			}
		}
		if found != 2 {
			t.Errorf("%s: %d tensors are written for an array with two names", c.name, found)
		}
	}
}

func TestMisshapenAliasesAreListed(t *testing.T) {
	m := newModel(t, "parcnet_xs", models.Options{})
	name := "residual.block.exp_1x1.block.conv.weight"
	values := append(golden.Weights(m), weights.FromFloats(name, []int{1}, []float32{1}))
	err := weights.Load(m, model.NewStore(), saved(t, values))
	if want := "misshapen: " + name + ": found shape [1], want [512 128 1 1]"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
}

func TestLoadListsAllThatDoesNotFit(t *testing.T) {
	m := newModel(t, "convnext_scene_parc", models.Options{Classes: 3})
	tensors := golden.Weights(newModel(t, "convnext_scene_parc", models.Options{Classes: 5}))
	tensors = slices.DeleteFunc(tensors, func(tensor weights.Tensor) bool { return strings.HasSuffix(tensor.Name, "0.0.gamma") })
	tensors = append(tensors, weights.FromFloats("extra", []int{2}, []float32{1, 2}))
	store := model.NewStore()
	err := weights.Load(m, store, saved(t, tensors))
	if err == nil {
		t.Fatal("weights of another model were loaded")
	}
	for _, want := range []string{
		"convnext_scene_parc",
		"missing: stages.0.0.gamma, shape [48]",
		"unexpected: extra, shape [2]",
		"misshapen: head.weight: found shape [5 48], want [3 48]",
		"misshapen: head.bias: found shape [5], want [3]",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q in it", err, want)
		}
	}
	if lines := strings.Count(err.Error(), "\n"); lines != 4 {
		t.Errorf("%d problems, want 4:\n%v", lines, err)
	}
	if store.NumVariables() != 0 {
		t.Errorf("%d variables were set, want none", store.NumVariables())
	}
}

func TestCollectNamesWhatIsMissing(t *testing.T) {
	m := newModel(t, "convnext_scene_parc", models.Options{})
	_, err := weights.Collect(m, model.NewStore())
	if first := m.State()[0].Name; err == nil || !strings.Contains(err.Error(), first) {
		t.Errorf("error %v, want %s in it", err, first)
	}
}

// TestReferenceFileHoldsTheRule reads a file written by the reference implementation.
func TestReferenceFileHoldsTheRule(t *testing.T) {
	file, err := weights.Open(testdata.Shared(t, "golden", "mobilenetv2_parc.weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	state := golden.Index(t, "mobilenetv2_parc").State
	for _, entry := range state {
		if strings.HasSuffix(entry.Name, "num_batches_tracked") { // The rule has no values for counts.
			continue
		}
		tensor, err := file.Tensor(entry.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensor.Floats()
		if err != nil {
			t.Fatal(err)
		}
		if want := golden.RuleValues(entry.Name, entry.Shape); !slices.Equal(tensor.Shape, entry.Shape) || !slices.Equal(got, want) {
			t.Errorf("%s differs from the rule", entry.Name)
		}
	}
}

// TestReferenceFileLoads passes a file written by the reference implementation through a store.
func TestReferenceFileLoads(t *testing.T) {
	m := newModel(t, "mobilenetv2_parc", models.Options{})
	file, err := weights.Open(testdata.Shared(t, "golden", "mobilenetv2_parc.weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	store := model.NewStore()
	if err := weights.Load(m, store, file); err != nil {
		t.Fatal(err)
	}
	collected, err := weights.Collect(m, store)
	if err != nil {
		t.Fatal(err)
	}
	for i, entry := range golden.Index(t, "mobilenetv2_parc").State {
		got := collected[i]
		want, err := file.Tensor(entry.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != want.Name || got.DType != want.DType || !slices.Equal(got.Shape, entry.Shape) || !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s, %s %v, differs from the file's %s, %s %v", got.Name, got.DType, got.Shape, want.Name, want.DType, want.Shape)
		}
	}
}

func TestCountsOfBatchesAreKept(t *testing.T) {
	m := newModel(t, "mobilenetv2_c32", models.Options{})
	const name = "features.0.1.num_batches_tracked"
	const count = 1<<40 + 1 // float32 has no such number.
	for what, c := range map[string]struct {
		tensors []weights.Tensor
		want    int64
		problem string
	}{
		"missing":        {nil, 0, ""},
		"without axes":   {[]weights.Tensor{int64Tensor(name, nil, count)}, count, ""},
		"one axis":       {[]weights.Tensor{int64Tensor(name, []int{1}, count)}, count, ""},
		"too many":       {[]weights.Tensor{int64Tensor(name, []int{2}, 1, 2)}, 0, "misshapen: " + name + ": found shape [2], want []"},
		"not whole":      {[]weights.Tensor{weights.FromFloats(name, nil, []float32{1})}, 0, "mistyped: " + name + ": found type F32, want I64"},
		"of other layer": {[]weights.Tensor{int64Tensor("head.num_batches_tracked", nil, 1)}, 0, "unexpected: head.num_batches_tracked"},
	} {
		t.Run(what, func(t *testing.T) {
			store := model.NewStore()
			err := weights.Load(m, store, saved(t, append(golden.Weights(m), c.tensors...)))
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("error %v, want %q in it", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			collected, err := weights.Collect(m, store)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(collected, func(tensor weights.Tensor) bool { return tensor.Name == name })
			if want := int64Tensor(name, nil, c.want); collected[i].DType != weights.I64 || len(collected[i].Shape) != 0 || !slices.Equal(collected[i].Data, want.Data) {
				t.Errorf("collected %v, want %v", collected[i], want)
			}
		})
	}
}

func int64Tensor(name string, shape []int, values ...int64) weights.Tensor {
	tensor := weights.Tensor{Name: name, DType: weights.I64, Shape: shape}
	for _, value := range values {
		tensor.Data = binary.LittleEndian.AppendUint64(tensor.Data, uint64(value))
	}
	return tensor
}

// saved returns a file that holds the tensors.
func saved(t *testing.T, tensors []weights.Tensor) *weights.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := weights.Save(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func newModel(t *testing.T, name string, options models.Options) *models.Model {
	t.Helper()
	m, err := models.New(name, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
