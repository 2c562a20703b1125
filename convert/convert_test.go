package convert_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/convert"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/weights"
)

func TestNormsOfFeaturesAreKept(t *testing.T) {
	options := models.Options{FeatureNorms: true}
	from, to := newModel(t, "convnext_c32", options), newModel(t, "convnext_c32_parc", options)
	source := state(t, from)
	result, _, err := convert.Convert(newBackend(t), from, to, source, convert.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, after := byName(source), byName(result)
	for _, name := range []string{"norm0.weight", "norm2.bias"} {
		if !bytes.Equal(before[name].Data, after[name].Data) || before[name].Data == nil {
			t.Errorf("%s is not what it was", name)
		}
	}
}

func TestEverythingButTheNewOperatorsIsKeptBitForBit(t *testing.T) {
	for _, c := range []struct {
		from, to     string
		blocks       []string
		new, dropped int
	}{
		{"convnext_xt", "convnext_xt_parc", nil, 4 * 6, 4 * 2},
		{"convnext_c32", "convnext_c32", []string{"stages.0.1", "stages.2.0"}, 2 * 6, 2 * 2},
		{"resnet_c32", "resnet_c32_parc", nil, 2 * 6, 2},
		{"resnet_c32", "resnet_c32_parc", []string{"layer1.0"}, 6, 1},
		// Only the first circular block of a group has embeddings.
		{"mobilenetv2", "mobilenetv2_parc", nil, 3*6 + 4, 4},
		{"mobilenetv2_c32", "mobilenetv2_c32", []string{"features.1", "features.17"}, 2 * 6, 2},
		{"convnext_c32_parc", "convnext_c32_parc", []string{"stages.1.2", "stages.2.0", "stages.2.2"}, 6, 2},
	} {
		for _, initial := range []convert.Initial{convert.Reference, convert.Marginal} {
			t.Run(fmt.Sprintf("%s/%s/%v/%s", c.from, c.to, c.blocks, initial), func(t *testing.T) {
				from, to := newModel(t, c.from, models.Options{}), newModel(t, c.to, models.Options{ParCBlocks: c.blocks})
				source := state(t, from)
				result, report, err := convert.Convert(newBackend(t), from, to, source, convert.Options{Initial: initial, Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				if len(report.New) != c.new || len(report.Dropped) != c.dropped || len(report.Fitted) != 0 {
					t.Errorf("%d new, %d dropped, %d fitted, want %d, %d and 0: %+v", len(report.New), len(report.Dropped), len(report.Fitted), c.new, c.dropped, report)
				}
				before, after := byName(source), byName(result)
				for _, kept := range report.Kept {
					name := kept.Name
					if kept.From != "" {
						name = kept.From
					}
					if !bytes.Equal(before[name].Data, after[kept.Name].Data) || before[name].Data == nil {
						t.Errorf("%s differs from %s", kept.Name, name)
					}
				}
				if got := len(report.Kept) + len(report.New); got != len(result) || len(report.Kept)+len(report.Dropped) != len(source) {
					t.Errorf("%d kept and %d new of %d, %d dropped of %d", len(report.Kept), len(report.New), len(result), len(report.Dropped), len(source))
				}
				for _, tensor := range report.New {
					if initial == convert.Marginal && strings.HasSuffix(tensor.Name, ".pe") && slices.ContainsFunc(after[tensor.Name].Data, func(b byte) bool { return b != 0 }) {
						t.Errorf("%s is not 0", tensor.Name)
					}
				}
			})
		}
	}
}

func TestMarginalKernelsAreTheSumsAtTheirOffsets(t *testing.T) {
	for _, c := range []struct {
		name, block, local, global string
		length                     int
	}{
		{"convnext_xt", "stages.3.2", ".dwconv.weight", ".gcc", 7},  // as long as the local kernel
		{"convnext_c32", "stages.2.2", ".dwconv.weight", ".gcc", 4}, // shorter: offsets wrap
		{"resnet_c32", "layer3.1", ".conv2.weight", ".parc", 8},
		{"mobilenetv2_c32", "features.9", ".conv.1.0.weight", ".gcc", 8},
	} {
		from, to := newModel(t, c.name, models.Options{}), newModel(t, c.name, models.Options{ParCBlocks: []string{c.block}})
		source := state(t, from)
		result, _, err := convert.Convert(newBackend(t), from, to, source, convert.Options{Initial: convert.Marginal})
		if err != nil {
			t.Fatal(err)
		}
		local := byName(source)[c.block+c.local]
		after := byName(result)
		height, width := after[c.block+c.global+"_H.gcc_conv.weight"], after[c.block+c.global+"_W.gcc_conv.weight"]
		compareResponses(t, c.name+" along the height", local, height, c.length, false)
		compareResponses(t, c.name+" along the width", local, width, c.length, true)
	}
}

// compareResponses compares, for a signal along one axis that is constant along the other and wraps around, what the
// local kernel makes of it with what the circular one does.
func compareResponses(t *testing.T, name string, local, global weights.Tensor, length int, second bool) {
	t.Helper()
	l, g := floats(t, local), floats(t, global)
	out, in, side := global.Shape[0], global.Shape[1], local.Shape[2]
	if got := global.Shape[2] * global.Shape[3]; got != length {
		t.Fatalf("%s: length %d, want %d", name, got, length)
	}
	firstOut, firstIn := 0, 0
	if second {
		firstOut, firstIn = local.Shape[0]-out, local.Shape[1]-in
	}
	for o := range out {
		for i := range in {
			for position := range length { // an impulse at 0 reaches the output at this position
				want := 0.0
				for row := range side {
					for column := range side {
						along := row
						if second {
							along = column
						}
						// The output at p reads the input at p + along − side/2.
						if (position+along-side/2+2*length)%length == 0 {
							want += float64(l[(((firstOut+o)*local.Shape[1]+firstIn+i)*side+row)*side+column])
						}
					}
				}
				// The operator's output at p reads the input at p + k with w[k].
				got := float64(g[(o*in+i)*length+(length-position)%length])
				if math.Abs(got-want) > 1e-6*float64(side) {
					t.Fatalf("%s: output %d, input %d, position %d: %g, want %g", name, o, i, position, got, want)
				}
			}
		}
	}
}

// TestMarginalIsTheConvolutionOnMapsThatDoNotVaryAlongTheOtherAxis applies both: half of the channels does not vary along
// the width and the other half not along the height, and places whose neighbours are all on the map are compared.
func TestMarginalIsTheConvolutionOnMapsThatDoNotVaryAlongTheOtherAxis(t *testing.T) {
	const name, block, channels, height, width, kernel = "convnext_xt", "stages.3.2", 384, 14, 21, 7
	backend := newBackend(t)
	from := newModel(t, name, models.Options{})
	to := newModel(t, name, models.Options{ParCBlocks: []string{block}, KernelImageSize: [2]int{32 * height, 32 * width}})
	source := state(t, from)
	result, _, err := convert.Convert(backend, from, to, source, convert.Options{Initial: convert.Marginal})
	if err != nil {
		t.Fatal(err)
	}
	values := golden.RuleValues("maps", []int{height + width, channels})
	var x []float32
	for row := range height {
		for column := range width {
			for channel := range channels {
				along := row
				if channel >= channels/2 {
					along = height + column
				}
				x = append(x, values[along*channels+channel])
			}
		}
	}
	maps := tensors.FromFlatDataAndDimensions(x, 1, height, width, channels)
	apply := func(m *models.Model, state []weights.Tensor, declare func(nn.Path) nn.Layer) []float32 {
		store := model.NewStore()
		if err := weights.Assign(m, store, state); err != nil {
			t.Fatal(err)
		}
		layer := declare((&nn.State{}).Path(block))
		output, err := model.CallOnce(backend, store, layer.Apply, maps)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](output)
	}
	want := apply(from, source, func(path nn.Path) nn.Layer {
		return nn.NewDepthwiseConv(path.In("dwconv"), channels, kernel, 1)
	})
	got := apply(to, result, func(path nn.Path) nn.Layer {
		return nn.NewParC(path, "gcc", channels, nn.ParCConfig{Kernel: [2]int{height, width}})
	})
	var inner [2][]float32
	for row := kernel / 2; row < height-kernel/2; row++ {
		for column := kernel / 2; column < width-kernel/2; column++ {
			at := (row*width + column) * channels
			inner[0] = append(inner[0], got[at:at+channels]...)
			inner[1] = append(inner[1], want[at:at+channels]...)
		}
	}
	if difference := golden.Difference(t, inner[0], inner[1]); !(difference <= 1e-5) {
		t.Errorf("values differ by up to %g of the largest, want at most 1e-5", difference)
	}
}

func TestFittedKernelsGiveTheSameLogitsAtTheirSize(t *testing.T) {
	backend := newBackend(t)
	for _, name := range []string{"convnext_c32_parc", "mobilenetv2_c32_parc", "resnet_c32_parc"} {
		const height, width = 64, 96
		from := newModel(t, name, models.Options{})
		to := newModel(t, name, models.Options{ImageSize: [2]int{height, width}, KernelImageSize: [2]int{height, width}})
		source := state(t, from)
		result, report, err := convert.Convert(backend, from, to, source, convert.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Fitted) == 0 || len(report.New) > 0 || len(report.Dropped) > 0 {
			t.Errorf("%s: %d fitted, %d new, %d dropped, want some, 0 and 0", name, len(report.Fitted), len(report.New), len(report.Dropped))
		}
		images := tensors.FromFlatDataAndDimensions(golden.Images("input:96", 1, width)[:height*width*3], 1, height, width, 3)
		want, got := logits(t, backend, from, source, images), logits(t, backend, to, result, images)
		if difference := golden.Difference(t, got, want); !(difference <= 1e-5) {
			t.Errorf("%s: logits differ by up to %g of the largest, want at most 1e-5", name, difference)
		}
	}
}

func TestReferenceBeginningsFollowTheSeed(t *testing.T) {
	from, to := newModel(t, "convnext_c32", models.Options{}), newModel(t, "convnext_c32_parc", models.Options{})
	kernel := func(seed int64) []byte {
		result, _, err := convert.Convert(newBackend(t), from, to, state(t, from), convert.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return byName(result)["stages.1.2.gcc_H.gcc_conv.weight"].Data
	}
	if first, again, other := kernel(1), kernel(1), kernel(2); !bytes.Equal(first, again) || bytes.Equal(first, other) {
		t.Error("seeds 1, 1 and 2 do not give the same kernel twice and then another")
	}
}

func TestModelsThatDoNotFitAreNamed(t *testing.T) {
	for _, c := range []struct {
		from, to string
		options  models.Options
		words    []string
	}{
		{"convnext_c32_parc", "convnext_c32", models.Options{}, []string{"stages.1.2, stages.2.2", "cannot be made"}},
		{"convnext_c32", "resnet_c32_parc", models.Options{}, []string{"differ in more than circular convolutions", "missing: conv1.weight", "missing: fc.bias"}},
		{"convnext_c32", "convnext_c32_parc", models.Options{Classes: 3}, []string{"misshapen: head.weight: found shape [10 192], want [3 192]", "head.bias"}},
	} {
		from, to := newModel(t, c.from, models.Options{}), newModel(t, c.to, c.options)
		_, _, err := convert.Convert(newBackend(t), from, to, state(t, from), convert.Options{})
		for _, word := range c.words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s to %s: error %v, want %q in it", c.from, c.to, err, word)
			}
		}
	}
}

func TestBeginningsByName(t *testing.T) {
	for _, want := range []convert.Initial{convert.Reference, convert.Marginal} {
		text, err := want.MarshalText()
		var got convert.Initial
		if err != nil || got.UnmarshalText(text) != nil || got != want {
			t.Errorf("%s is read as %s (%v)", want, got, err)
		}
	}
	var i convert.Initial
	if err := i.UnmarshalText([]byte("random")); err == nil || !strings.Contains(err.Error(), `"random": expected marginal or reference`) {
		t.Errorf("error %v, want the name and those expected", err)
	}
}

// state returns the rule's values for all of a model's state.
func state(t *testing.T, m *models.Model) []weights.Tensor {
	t.Helper()
	var result []weights.Tensor
	given := byName(golden.Weights(m))
	for _, entry := range m.State() {
		tensor, ok := given[entry.Name]
		if !ok { // a count
			tensor = weights.Tensor{Name: entry.Name, DType: weights.I64, Shape: []int{}, Data: []byte{7, 0, 0, 0, 0, 0, 0, 0}}
		}
		result = append(result, tensor)
	}
	return result
}

func byName(tensors []weights.Tensor) map[string]weights.Tensor {
	result := make(map[string]weights.Tensor)
	for _, tensor := range tensors {
		result[tensor.Name] = tensor
	}
	return result
}

func floats(t *testing.T, tensor weights.Tensor) []float32 {
	t.Helper()
	values, err := tensor.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func logits(t *testing.T, backend compute.Backend, m *models.Model, state []weights.Tensor, images *tensors.Tensor) []float32 {
	t.Helper()
	store := model.NewStore()
	if err := weights.Assign(m, store, state); err != nil {
		t.Fatal(err)
	}
	output, err := model.CallOnce(backend, store, m.Logits, images)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](output)
}

func newModel(t *testing.T, name string, options models.Options) *models.Model {
	t.Helper()
	m, err := models.New(name, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newBackend(t *testing.T) compute.Backend {
	t.Helper()
	backend, err := backends.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}
