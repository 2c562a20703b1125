package weights_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// replaced returns the values of a model under names in which patterns are replaced in turn.
func replaced(values []weights.Tensor, pairs ...string) []weights.Tensor {
	result := slices.Clone(values)
	for i := 0; i < len(pairs); i += 2 {
		pattern := regexp.MustCompile(pairs[i])
		for j := range result {
			result[j].Name = pattern.ReplaceAllString(result[j].Name, pairs[i+1])
		}
	}
	return result
}

// mobileNetV2Groups returns replacements that number the blocks of MobileNetV2 within groups, from 1 and 0.
func mobileNetV2Groups() []string {
	var pairs []string
	feature := 1
	for group, depth := range []int{1, 2, 3, 4, 3, 3, 1} {
		for block := range depth {
			pairs = append(pairs, fmt.Sprintf(`^features\.%d\.`, feature), fmt.Sprintf("layer%d.%d.", group+1, block))
			feature++
		}
	}
	return append(pairs, `^features\.0\.`, "conv1.", `^features\.18\.`, "conv2.")
}

// TestOtherNamesAreUnderstood loads the names of implementations that are not installed where the tests run.
func TestOtherNamesAreUnderstood(t *testing.T) {
	openMMLab := append(mobileNetV2Groups(),
		`^(conv\d)\.0\.`, "$1.conv.", `^(conv\d)\.1\.`, "$1.bn.",
		`^(layer1\.0\.conv)\.1\.`, "$1.1.conv.", `^(layer1\.0\.conv)\.2\.`, "$1.1.bn.",
		`^(layer[2-7]\.\d\.conv)\.2\.`, "$1.2.conv.", `^(layer[2-7]\.\d\.conv)\.3\.`, "$1.2.bn.",
		`^(layer\d\.\d\.conv\.[01])\.0\.`, "$1.conv.", `^(layer\d\.\d\.conv\.[01])\.1\.(weight|bias|running_mean|running_var)$`, "$1.bn.$2",
		`^classifier\.1\.`, "head.fc.", `^(conv|layer)`, "backbone.$1")
	for _, c := range []struct {
		name, model string
		pairs       []string
	}{
		{"DataParallel", "resnet_c32", []string{`^`, "module."}},
		{"torch.compile in DataParallel", "convnext_c32_parc", []string{`^`, "module._orig_mod."}},
		{"OpenMMLab", "resnet_c32", []string{`^fc\.`, "head.fc.", `^(conv1|bn1|layer)`, "backbone.$1"}},
		{"edgeformer_v2", "resnet_c32_parc", []string{`\.parc_([HW])\.`, ".gcc_$1."}},
		{"OpenMMLab", "convnext_c32", []string{`\.dwconv\.`, ".depthwise_conv.", `\.pwconv(\d)\.`, ".pointwise_conv$1.",
			`^norm\.`, "norm3.", `^(downsample|stages|norm)`, "backbone.$1", `^head\.`, "head.fc."}},
		{"edgeformer_v2", "convnext_c32_parc", []string{`\.gcc_H\.`, ".gcc_conv_1H.", `\.gcc_W\.`, ".gcc_conv_2W.",
			`\.gcc_conv\.(weight|bias)$`, ".$1", `\.pe$`, ".meta_pe"}},
		{"edgeformer_v2's detectors", "mobilenetv2_parc", mobileNetV2Groups()},
		{"OpenMMLab", "mobilenetv2", openMMLab},
		{"cvnets' detectors", "mobilevit_xs", []string{`^`, "encoder."}},
	} {
		t.Run(c.model+" of "+c.name, func(t *testing.T) {
			m := newModel(t, c.model, models.Options{})
			want := golden.Weights(m)
			renamed := replaced(want, c.pairs...)
			store := model.NewStore()
			if err := weights.Load(m, store, saved(t, renamed)); err != nil {
				t.Fatal(err)
			}
			holds(t, m, store, want)
		})
	}
}

// holds asserts that the store holds the tensors.
func holds(t *testing.T, m *models.Model, store *model.Store, want []weights.Tensor) {
	t.Helper()
	collected, err := weights.Collect(m, store)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]weights.Tensor{}
	for _, tensor := range collected {
		byName[tensor.Name] = tensor
	}
	for _, tensor := range want {
		if got := byName[tensor.Name]; !slices.Equal(got.Shape, tensor.Shape) || !slices.Equal(got.Data, tensor.Data) {
			t.Errorf("%s is not what was saved", tensor.Name)
		}
	}
}

func TestClassesAreReadOffTheWeights(t *testing.T) {
	for _, name := range []string{"convnext_scene", "mobilenetv2_c32", "resnet_c32", "mobilevit_xxs", "parcnet_xs"} {
		file := saved(t, golden.Weights(newModel(t, name, models.Options{Classes: 3})))
		m, err := file.Model(name, models.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if classes := m.Options().Classes; classes != 3 {
			t.Errorf("%s: %d classes, want 3", name, classes)
		}
		if err := weights.Load(m, model.NewStore(), file); err != nil {
			t.Error(err)
		}
	}
}

func TestDenseLayersMayBeConvolutions(t *testing.T) {
	m := newModel(t, "convnext_scene", models.Options{})
	want := golden.Weights(m)
	reshaped := slices.Clone(want)
	for i, tensor := range reshaped {
		if strings.Contains(tensor.Name, "pwconv") && len(tensor.Shape) == 2 || strings.HasSuffix(tensor.Name, "gamma") {
			reshaped[i].Shape = append(slices.Clone(tensor.Shape), 1, 1)
		}
	}
	store := model.NewStore()
	if err := weights.Load(m, store, saved(t, reshaped)); err != nil {
		t.Fatal(err)
	}
	holds(t, m, store, want)
}

func TestErrorsSayWhatTheFileIs(t *testing.T) {
	values := func(name string, classes int) []weights.Tensor {
		return golden.Weights(newModel(t, name, models.Options{Classes: classes}))
	}
	without := func(values []weights.Tensor, pattern string) []weights.Tensor {
		matches := regexp.MustCompile(pattern).MatchString
		return slices.DeleteFunc(values, func(tensor weights.Tensor) bool { return matches(tensor.Name) })
	}
	integers := values("convnext_scene", 4)
	integers[0] = weights.Tensor{Name: integers[0].Name, DType: weights.I8, Shape: integers[0].Shape, Data: make([]byte, len(integers[0].Data)/4)}
	for _, c := range []struct {
		name, model string
		values      []weights.Tensor
		want        []string
	}{
		{"another model", "convnext_t", values("resnet50", 10), []string{"convnext_t for 1000 classes, but those of resnet50 for 10 classes:", "missing: head.bias", "unexpected: fc.weight"}},
		{"the form without ParC", "mobilenetv2_parc", values("mobilenetv2", 1000), []string{"but those of mobilenetv2 for 1000 classes or mobilenetv2_c32 for 1000 classes:"}},
		{"other classes", "resnet_c32", values("resnet_c32", 7), []string{"resnet_c32 for 10 classes, but those of resnet_c32 for 7 classes:", "misshapen: fc.bias: found shape [7], want [10]"}},
		{"a detector", "convnext_c32", append(replaced(without(values("convnext_c32", 10), `^(norm|head)\.`), `^`, "backbone."), weights.FromFloats("neck.bias", []int{1}, []float32{0})),
			[]string{"at most a backbone: it has no classifier:", "missing: head.weight", "missing: norm.bias", "unexpected: neck.bias"}},
		{"nothing known", "convnext_c32", []weights.Tensor{weights.FromFloats("a", []int{1}, []float32{0})}, []string{"weights of convnext_c32:", "unexpected: a, shape [1]"}},
		{"whole numbers", "convnext_scene", integers, []string{"mistyped: downsample_layers.0.0.weight: found type I8, want one of [F64 F32 F16 BF16]"}},
		{"two names for one", "convnext_scene", append(values("convnext_scene", 4), weights.FromFloats("module.head.bias", []int{4}, make([]float32, 4))),
			[]string{"ambiguous: both head.bias and module.head.bias are head.bias"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := weights.Load(newModel(t, c.model, models.Options{}), model.NewStore(), saved(t, c.values))
			if err == nil {
				t.Fatal("the file was loaded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %.500q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestFeaturesLoadWithoutTheClassifier(t *testing.T) {
	m := newModel(t, "resnet_c32_parc", models.Options{Classes: 4})
	other := golden.Weights(newModel(t, "resnet_c32_parc", models.Options{Classes: 9}))
	isClassifier := func(tensor weights.Tensor) bool { return strings.HasPrefix(tensor.Name, "fc.") }
	features := slices.DeleteFunc(slices.Clone(other), isClassifier)
	same := golden.Weights(m)
	for name, values := range map[string][]weights.Tensor{"other classes": other, "no classifier": features, "as many classes": same} {
		store := model.NewStore()
		if err := weights.LoadFeatures(m, store, saved(t, values)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, entry := range m.State() {
			variable := store.GetVariable(model.ScopeSeparator + entry.Path)
			want := name == "as many classes" || !strings.HasPrefix(entry.Name, "fc.")
			if present := variable != nil; present != want {
				t.Errorf("%s: variable %s is there: %v", name, entry.Name, present)
			}
		}
	}
	if err := weights.LoadFeatures(m, model.NewStore(), saved(t, features[1:])); err == nil || !strings.Contains(err.Error(), "missing: conv1.weight") {
		t.Errorf("error %v, want what is missing in it", err)
	}
}

func TestFeatureNormsLoadWhereTheFileHasThem(t *testing.T) {
	m := newModel(t, "convnext_c32", models.Options{FeatureNorms: true})
	values := golden.Weights(m)
	isNorm := func(name string) bool { return regexp.MustCompile(`^norm\d\.`).MatchString(name) }
	plain := slices.DeleteFunc(slices.Clone(values), func(tensor weights.Tensor) bool { return isNorm(tensor.Name) })
	for name, c := range map[string]struct {
		values []weights.Tensor
		want   bool
	}{
		"of a detector": {replaced(values, `^`, "backbone."), true}, "of a classifier": {plain, false},
	} {
		store := model.NewStore()
		if err := weights.LoadFeatures(m, store, saved(t, c.values)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, entry := range m.State() {
			variable := store.GetVariable(model.ScopeSeparator + entry.Path)
			if present := variable != nil; present != (c.want || !isNorm(entry.Name)) {
				t.Errorf("%s: variable %s is there: %v", name, entry.Name, present)
			}
		}
	}
	file := saved(t, plain)
	if err := weights.Load(m, model.NewStore(), file); err == nil || !strings.Contains(err.Error(), "missing: norm2.bias") {
		t.Errorf("error %v, want the missing norms in it", err)
	}
	if err := weights.Load(newModel(t, "convnext_c32", models.Options{}), model.NewStore(), saved(t, values)); err == nil || !strings.Contains(err.Error(), "unexpected: norm0.weight") {
		t.Errorf("error %v, want the unexpected norms in it", err)
	}
	description, err := weights.Describe(m, []string{"cat"}).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/features.safetensors"
	if err := weights.Save(path, values, description); err != nil {
		t.Fatal(err)
	}
	described, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer described.Close()
	if again, err := described.Model("", models.Options{}); err != nil || !again.Options().FeatureNorms {
		t.Errorf("the file makes a model without norms again: %v", err)
	}
}

func TestDescriptionsComeBack(t *testing.T) {
	m := newModel(t, "convnext_scene_parc", models.Options{Classes: 2, ImageSize: [2]int{32, 48}, NoPositionEmbedding: true})
	want := weights.Describe(m, []string{"a \"cat\"", "dog"})
	metadata, err := want.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/weights.safetensors"
	if err := weights.Save(path, golden.Weights(m), metadata); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := file.Description()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	found, err := file.Model("", models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.Load(found, model.NewStore(), file); err != nil {
		t.Error(err)
	}
	if _, err := saved(t, golden.Weights(m)).Model("", models.Options{}); err == nil || !strings.Contains(err.Error(), "does not say which model") {
		t.Errorf("error %v for weights of no model", err)
	}
	if err := weights.Save(path, nil, map[string]string{"fastparc": "{"}); err != nil {
		t.Fatal(err)
	}
	broken, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	if _, err := broken.Description(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v for a broken description, want the file's name in it", err)
	}
}
