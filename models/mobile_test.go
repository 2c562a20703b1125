package models_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

func TestKernelsFittedToOtherResolutionsGiveTheReferencesLogits(t *testing.T) {
	want := golden.Values(t, "parcnet_s_other_resolutions")
	backend := newBackend(t)
	m, store := goldenModel(t, "parcnet_s", models.Options{})
	for _, resolution := range []int{192, 320} {
		logits := run(t, backend, store, m.Logits, goldenImages(resolution, 1))[0]
		checkLogits(t, logits, want[fmt.Sprintf("logits_%d", resolution)])
	}
}

// The checkpoint holds the first block of the last stage under both of its names.
func TestThePyTorchCheckpointOfParCNetGivesTheReferencesLogits(t *testing.T) {
	want := golden.Values(t, "parcnet_xs")
	file, err := weights.Open(testdata.Shared(t, "golden", "parcnet_xs.pt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, store := newModel(t, "parcnet_xs", models.Options{}), model.NewStore()
	if err := weights.Load(m, store, file); err != nil {
		t.Fatal(err)
	}
	checkLogits(t, run(t, newBackend(t), store, m.Logits, goldenImages(256, 2))[0], want["logits"])
}

func TestMobileModelsRunOnImagesOfAnySize(t *testing.T) {
	backend := newBackend(t)
	for _, name := range []string{"mobilevit_xxs", "parcnet_xs"} {
		m, store := goldenModel(t, name, models.Options{Classes: 5})
		for _, size := range [][2]int{{32, 32}, {37, 61}, {96, 32}} {
			images := golden.Images("input:odd", 1, max(size[0], size[1]))[:size[0]*size[1]*3]
			logits := run(t, backend, store, m.Logits, tensors.FromFlatDataAndDimensions(images, 1, size[0], size[1], 3))[0]
			if got := logits.Shape().Dimensions; !slices.Equal(got, []int{1, 5}) {
				t.Errorf("%s, %v: logits of shape %v, want [1 5]", name, size, got)
			}
			for _, logit := range tensors.MustCopyFlatData[float32](logits) {
				if math.IsNaN(float64(logit)) || math.IsInf(float64(logit), 0) {
					t.Fatalf("%s, %v: logits %v", name, size, logits)
				}
			}
		}
	}
}

// The norms were computed with the reference implementation in float64. It dilates only the convolutions that would have
// halved the maps.
func TestOutputStridesDilateAsTheReferenceDoes(t *testing.T) {
	backend := newBackend(t)
	images := tensors.FromFlatDataAndDimensions(golden.Images("input:128x128", 1, 128), 1, 128, 128, 3)
	for _, c := range []struct {
		name         string
		outputStride int
		norms        []float64 // of the last three maps
	}{
		{"parcnet_xs", 8, []float64{10.7249, 27.83114, 187.5848}},
		{"parcnet_xs", 16, []float64{10.7249, 6.243959, 13.92849}},
		{"mobilevit_xxs", 8, []float64{31.26517, 18.63569, 26.80846}},
		{"mobilevit_xxs", 16, []float64{31.26517, 9.28527, 12.94795}},
	} {
		m, store := goldenModel(t, c.name, models.Options{OutputStride: c.outputStride})
		if own := newModel(t, c.name, models.Options{}); !slices.Equal(names(m), names(own)) {
			t.Errorf("%s/%d: the state differs from that of the model's own output stride", c.name, c.outputStride)
		}
		for i, got := range run(t, backend, store, m.Features, images)[1:] {
			stride := min(8<<i, c.outputStride)
			if dims := got.Shape().Dimensions; dims[1] != 128/stride || dims[2] != 128/stride || m.Strides()[1+i] != stride {
				t.Errorf("%s/%d: map %v and stride %d, want stride %d", c.name, c.outputStride, dims, m.Strides()[1+i], stride)
			}
			if norm := l2Norm(got); !(math.Abs(norm/c.norms[i]-1) <= 1e-5) {
				t.Errorf("%s/%d: layer_%d has a map of norm %g, want %g within 1e-5", c.name, c.outputStride, 3+i, norm, c.norms[i])
			}
		}
	}
}

func TestDropoutsAndDropPathActWhileTrainingAlone(t *testing.T) {
	backend := newBackend(t)
	for _, name := range []string{"mobilevit_xxs", "parcnet_xs"} {
		logits := func(options models.Options, training bool) []float32 {
			m, store := goldenModel(t, name, options)
			if err := store.SetRNGStateFromSeed(1); err != nil {
				t.Fatal(err)
			}
			y := run(t, backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
				store.SetTraining(images.Graph(), training)
				return m.Logits(scope, images)
			}, goldenImages(64, 2))[0]
			return tensors.MustCopyFlatData[float32](y)
		}
		for option, options := range map[string]models.Options{
			"dropout": {Dropout: 0.5}, "block dropout": {BlockDropout: 0.5}, "drop path": {DropPath: 0.5},
		} {
			if !slices.Equal(logits(options, false), logits(models.Options{}, false)) {
				t.Errorf("%s: %s changes logits outside of training", name, option)
			}
			if slices.Equal(logits(options, true), logits(models.Options{}, true)) {
				t.Errorf("%s: %s changes nothing while training", name, option)
			}
		}
	}
}

func TestMobileModelsArePreparedForAsPublished(t *testing.T) {
	want := models.Preprocessing{
		Size: 288, CropSize: [2]int{256, 256}, Interpolation: models.BilinearOpenCV, Std: [3]float32{1, 1, 1}, BGR: true,
	}
	for _, name := range models.Names() {
		if !strings.HasPrefix(name, "mobilevit") && !strings.HasPrefix(name, "parcnet") {
			continue
		}
		if got := newModel(t, name, models.Options{}).Preprocessing(); got != want {
			t.Errorf("%s: preprocessing %+v, want %+v", name, got, want)
		}
	}
}
