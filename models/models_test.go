package models_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/parc"
)

func TestCostsEqualThePublished(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters int64
		mmac       float64
	}{
		{"convnext_xt", 7_438_360, 1144.0},
		{"convnext_xt_parc", 7_412_824, 1139.2},
		{"convnext_t", 28_589_128, 4455.5},
		{"convnext_t_parc", 28_538_056, 4446.0},
		{"mobilenetv2", 3_504_872, 300.8},
		{"mobilenetv2_parc", 3_532_136, 302.0},
		{"resnet50", 25_557_032, 4089.2},
		{"resnet50_parc", 23_737_640, 3941.5},
		{"mobilevit_s", 5_578_632, 2000.8},
		{"mobilevit_xs", 2_317_848, 1025.9},
		{"mobilevit_xxs", 1_272_024, 407.4},
		{"parcnet_s", 5_037_088, 1657.3},
		{"parcnet_xs", 2_185_384, 944.0},
		{"parcnet_h", 20_403_940, 8544.4},
	} {
		costs := newModel(t, c.name, models.Options{}).Costs()
		if costs.Parameters != c.parameters {
			t.Errorf("%s: %d parameters, want %d", c.name, costs.Parameters, c.parameters)
		}
		if got := math.Round(float64(costs.MACs)/1e5) / 10; got != c.mmac {
			t.Errorf("%s: %.1f MMAC, want %.1f", c.name, got, c.mmac)
		}
	}
}

func TestStagesAddUpToTheModel(t *testing.T) {
	for _, name := range models.Names() {
		m := newModel(t, name, models.Options{})
		costs := m.Costs()
		var parameters, macs int64
		for i, stage := range costs.Stages {
			parameters += stage.Parameters
			macs += stage.MACs
			if i < len(m.Strides()) && stage.Output[0] != m.Options().ImageSize[0]/m.Strides()[i] {
				t.Errorf("%s: %s ends in %v, want the image's size divided by %d", name, stage.Name, stage.Output, m.Strides()[i])
			}
		}
		if parameters != costs.Parameters || macs != costs.MACs {
			t.Errorf("%s: stages have %d parameters and %d multiply-adds, the model %d and %d", name, parameters, macs, costs.Parameters, costs.MACs)
		}
		held := 0
		for _, entry := range m.State() {
			if entry.Kind == nn.Learned {
				held += product(entry.Shape)
			}
		}
		if int64(held) != costs.Parameters {
			t.Errorf("%s: %d values in the state, %d counted", name, held, costs.Parameters)
		}
	}
}

func TestTwinsOfSmallSizesCostTheSame(t *testing.T) {
	for name, mostMMAC := range map[string]float64{"convnext_c32": 60, "convnext_scene": 6} {
		local, circular := newModel(t, name, models.Options{}).Costs(), newModel(t, name+"_parc", models.Options{}).Costs()
		for what, ratio := range map[string]float64{
			"parameters": float64(circular.Parameters) / float64(local.Parameters),
			"MACs":       float64(circular.MACs) / float64(local.MACs),
		} {
			if math.Abs(ratio-1) > 0.1 {
				t.Errorf("%s: the ParC form has %.2f times the %s, want at most 10 %% more or less", name, ratio, what)
			}
		}
		if mmac := float64(max(local.MACs, circular.MACs)) / 1e6; mmac > mostMMAC {
			t.Errorf("%s: %.1f MMAC, want at most %g", name, mmac, mostMMAC)
		}
	}
}

// smallCircular names a quick model of each family with circular convolutions in several stages.
var smallCircular = []string{"convnext_c32_parc", "mobilenetv2_c32_parc", "resnet_c32_parc"}

func TestAnyImageSizeRunsWithTheSameWeights(t *testing.T) {
	backend := newBackend(t)
	for _, name := range smallCircular {
		m, store := goldenModel(t, name, models.Options{})
		for _, size := range [][2]int{{8, 8}, {48, 48}, {37, 61}, {96, 8}} {
			images := golden.Images("input:odd", 1, max(size[0], size[1]))[:size[0]*size[1]*3]
			logits := run(t, backend, store, m.Logits, tensors.FromFlatDataAndDimensions(images, 1, size[0], size[1], 3))[0]
			for _, logit := range tensors.MustCopyFlatData[float32](logits) {
				if math.IsNaN(float64(logit)) || math.IsInf(float64(logit), 0) {
					t.Fatalf("%s, %v: logits %v", name, size, logits)
				}
			}
			if got := logits.Shape().Dimensions; !slices.Equal(got, []int{1, 10}) {
				t.Errorf("%s, %v: logits of shape %v, want [1 10]", name, size, got)
			}
		}
	}
}

func TestFormsAgree(t *testing.T) {
	backend := newBackend(t)
	for _, name := range models.Names() {
		if !strings.Contains(name, "parc") {
			continue
		}
		side := 45
		if model := newModel(t, name, models.Options{}); model.Options().ImageSize[0] > 64 {
			side = 160
		}
		images := tensors.FromFlatDataAndDimensions(golden.Images("input:forms", 1, side), 1, side, side, 3)
		var logits [][]float32
		for _, form := range []parc.Form{parc.Spatial, parc.FFT, parc.Auto} {
			m, store := goldenModel(t, name, models.Options{Form: form})
			logits = append(logits, tensors.MustCopyFlatData[float32](run(t, backend, store, m.Logits, images)[0]))
			if difference := golden.Difference(t, logits[len(logits)-1], logits[0]); !(difference <= 1e-5) {
				t.Errorf("%s: forms %s and %s differ by %.1e of the largest logit", name, form, parc.Spatial, difference)
			}
		}
	}
}

func TestPositionEmbeddingsCanBeLeftOut(t *testing.T) {
	with := newModel(t, "convnext_scene_parc", models.Options{})
	without := newModel(t, "convnext_scene_parc", models.Options{NoPositionEmbedding: true})
	want := slices.DeleteFunc(names(with), func(name string) bool { return strings.HasSuffix(name, ".pe") })
	if got := names(without); !slices.Equal(got, want) || len(got) == len(names(with)) {
		t.Errorf("state without embeddings %v, want %v", got, want)
	}
}

func TestAnotherNumberOfClassesChangesTheHeadAlone(t *testing.T) {
	own, other := newModel(t, "convnext_xt_parc", models.Options{}).State(), newModel(t, "convnext_xt_parc", models.Options{Classes: 7}).State()
	for i, entry := range own {
		want := slices.Clone(entry.Shape)
		if strings.HasPrefix(entry.Name, "head.") {
			want[0] = 7
		}
		if other[i].Name != entry.Name || !slices.Equal(other[i].Shape, want) {
			t.Errorf("%s has shape %v, want %s %v", other[i].Name, other[i].Shape, entry.Name, want)
		}
	}
}

func TestFeaturesAreMapsAtTheStrides(t *testing.T) {
	backend := newBackend(t)
	m, store := goldenModel(t, "convnext_c32_parc", models.Options{})
	maps := run(t, backend, store, m.Features, tensors.FromFlatDataAndDimensions(golden.Images("input:24", 1, 24), 1, 24, 24, 3))
	for i, stride := range m.Strides() {
		if got := maps[i].Shape().Dimensions; got[1] != 24/stride || got[2] != 24/stride {
			t.Errorf("stage %d has a map of %v, want %d×%d", i, got, 24/stride, 24/stride)
		}
	}
}

func TestFeatureNormsNormaliseTheFeaturesAlone(t *testing.T) {
	const height, width = 64, 96
	backend := newBackend(t)
	images := tensors.FromFlatDataAndDimensions(golden.Images("input:96", 1, width)[:height*width*3], 1, height, width, 3)
	for _, name := range []string{"convnext_xt", "convnext_xt_parc"} {
		plain, plainStore := goldenModel(t, name, models.Options{})
		m, store := goldenModel(t, name, models.Options{FeatureNorms: true})
		var want []string
		for _, entry := range names(plain) {
			if entry == "norm.weight" { // where detectors' backbones have theirs
				want = append(want, "norm0.weight", "norm0.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "norm3.weight", "norm3.bias")
			}
			want = append(want, entry)
		}
		if got := names(m); !slices.Equal(got, want) {
			t.Errorf("%s: state %v, want %v", name, got, want)
		}
		const added = 2 * (48 + 96 + 192 + 384)
		if got := m.Costs().Parameters - plain.Costs().Parameters; got != added {
			t.Errorf("%s: %d more parameters, want %d", name, got, added)
		}
		logits, plainLogits := run(t, backend, store, m.Logits, images)[0], run(t, backend, plainStore, plain.Logits, images)[0]
		if !logits.Equal(plainLogits) {
			t.Errorf("%s: the logits are others", name)
		}
		maps := run(t, backend, store, m.Features, images)
		for i, plainMap := range run(t, backend, plainStore, plain.Features, images) {
			if !maps[i].Shape().Equal(plainMap.Shape()) {
				t.Errorf("%s: map %d has shape %s, want %s", name, i, maps[i].Shape(), plainMap.Shape())
				continue
			}
			channels := plainMap.Shape().Dim(-1)
			weight := golden.RuleValues(fmt.Sprintf("norm%d.weight", i), []int{channels})
			bias := golden.RuleValues(fmt.Sprintf("norm%d.bias", i), []int{channels})
			wanted := normalised(tensors.MustCopyFlatData[float32](plainMap), weight, bias)
			if difference := golden.Difference(t, tensors.MustCopyFlatData[float32](maps[i]), wanted); !(difference <= 1e-5) {
				t.Errorf("%s: map %d differs by up to %g of the largest value, want at most 1e-5", name, i, difference)
			}
		}
	}
}

// normalised returns vectors with mean 0 and variance 1 each, scaled and shifted, computed in float64.
func normalised(vectors, weight, bias []float32) []float32 {
	const epsilon = 1e-6
	var result []float32
	for vector := range slices.Chunk(vectors, len(weight)) {
		var mean, variance float64
		for _, x := range vector {
			mean += float64(x) / float64(len(vector))
		}
		for _, x := range vector {
			variance += (float64(x) - mean) * (float64(x) - mean) / float64(len(vector))
		}
		for i, x := range vector {
			result = append(result, float32((float64(x)-mean)/math.Sqrt(variance+epsilon)*float64(weight[i])+float64(bias[i])))
		}
	}
	return result
}

func TestInitialValuesFollowTheSeed(t *testing.T) {
	backend := newBackend(t)
	images := tensors.FromFlatDataAndDimensions(golden.Images("input:16", 1, 16), 1, 16, 16, 3)
	logits := func(seed int64) *tensors.Tensor {
		store := model.NewStore()
		store.SetParam(model.ParamInitialSeed, seed)
		return run(t, backend, store, newModel(t, "convnext_scene_parc", models.Options{}).Logits, images)[0]
	}
	if first, again := logits(3), logits(3); !first.Equal(again) {
		t.Errorf("seed 3 gives %v and then %v", first, again)
	}
	if first, other := logits(3), logits(4); first.Equal(other) {
		t.Errorf("seeds 3 and 4 both give %v", first)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name    string
		options models.Options
		want    string
	}{
		{"convnext_xt_prac", models.Options{}, `"convnext_xt_prac"; the nearest names are convnext_xt_parc, `},
		{"", models.Options{}, `""`},
		{"convnext_xt", models.Options{Classes: -1}, "convnext_xt: -1 classes, want at least 1"},
		{"convnext_xt", models.Options{ImageSize: [2]int{224, 31}}, "image size 224×31, want at least 32×32"},
		{"convnext_xt", models.Options{ImageSize: [2]int{0, 224}}, "image size 0×224, want at least 32×32"},
		{"convnext_xt", models.Options{DropPath: 1}, "drop path 1, want a probability in [0, 1)"},
		{"convnext_xt", models.Options{DropPath: math.NaN()}, "drop path NaN"},
		{"mobilenetv2", models.Options{Dropout: 1}, "dropout 1, want a probability in [0, 1)"},
		{"resnet50", models.Options{Dropout: 0.1}, "resnet50: dropout 0.1, want 0: the family has none before its classifier"},
		{"mobilenetv2", models.Options{BlockDropout: 0.1}, "mobilenetv2: block dropout 0.1, want 0: the family has none in its blocks"},
		{"parcnet_s", models.Options{BlockDropout: -0.1}, "block dropout -0.1, want a probability in [0, 1)"},
		{"convnext_xt_parc", models.Options{Form: 9}, "form 9"},
		{"resnet50", models.Options{OutputStride: 5}, "resnet50: output stride 5, want a stride of its stages: 4 8 16 32"},
		{"convnext_c32", models.Options{OutputStride: 16}, "output stride 16, want a stride of its stages: 2 4 8"},
	} {
		m, err := models.New(c.name, c.options)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with %+v gives %v and error %v, want %q on one line", c.name, c.options, m, err, c.want)
		}
	}
}

func TestImagesTooSmallForTheModelGiveAnError(t *testing.T) {
	m, store := goldenModel(t, "convnext_c32_parc", models.Options{})
	exec, err := model.NewExec(newBackend(t), store, m.Logits)
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.Call(tensors.FromFlatDataAndDimensions(make([]float32, 7*48*3), 1, 7, 48, 3))
	if want := "images of 7×48, want at least 8×8"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
}

func names(m *models.Model) []string {
	var names []string
	for _, entry := range m.State() {
		names = append(names, entry.Name)
	}
	return names
}

func product(shape []int) int {
	product := 1
	for _, dim := range shape {
		product *= dim
	}
	return product
}

// newBackend returns the backend that a program gets by default.
func newBackend(t *testing.T) compute.Backend {
	t.Helper()
	backend, err := backends.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}

func Example() {
	m, err := models.New("convnext_xt_parc", models.Options{Classes: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	costs := m.Costs()
	fmt.Printf("%s: %d parameters, %.0f MMAC\n", m.Name(), costs.Parameters, float64(costs.MACs)/1e6)
	for _, stage := range costs.Stages {
		fmt.Println(stage.Name, stage.Output)
	}
	// Output:
	// convnext_xt_parc: 7031674 parameters, 1139 MMAC
	// stages.0 [56 56 48]
	// stages.1 [28 28 96]
	// stages.2 [14 14 192]
	// stages.3 [7 7 384]
	// head [10]
}
