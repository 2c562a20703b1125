package models_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/weights"
)

// TestDilatedMapsHoldTheStridedOnes compares maps at an output stride with the model's own: a dilated kernel reads the
// places that a strided one would, so that every other place, or every fourth, has the same value.
func TestDilatedMapsHoldTheStridedOnes(t *testing.T) {
	const height, width = 64, 96
	images := tensors.FromFlatDataAndDimensions(golden.Images("input:96", 1, width)[:height*width*3], 1, height, width, 3)
	backend := newBackend(t)
	for _, name := range []string{"resnet50", "resnet_c32", "mobilenetv2", "mobilenetv2_c32", "convnext_xt", "convnext_c32"} {
		own, store := goldenModel(t, name, models.Options{})
		want := run(t, backend, store, own.Features, images)
		ownStrides := own.Strides()
		for _, outputStride := range ownStrides[:len(ownStrides)-1] {
			t.Run(fmt.Sprintf("%s/%d", name, outputStride), func(t *testing.T) {
				m := newModel(t, name, models.Options{OutputStride: outputStride})
				if !slices.Equal(names(m), names(own)) {
					t.Fatal("the state differs from that of the model's own output stride")
				}
				for i, got := range run(t, backend, store, m.Features, images) {
					stride := min(ownStrides[i], outputStride)
					if m.Strides()[i] != stride {
						t.Errorf("stage %d has stride %d, want %d", i, m.Strides()[i], stride)
					}
					places := everyOther(t, got, want[i].Shape().Dimensions, ownStrides[i]/stride, shift(name, ownStrides[i]/stride))
					if difference := golden.Difference(t, places, tensors.MustCopyFlatData[float32](want[i])); !(difference <= 1e-5) {
						t.Errorf("stage %d differs by up to %g of the largest value, want at most 1e-5", i, difference)
					}
				}
			})
		}
	}
}

// shift returns the first place that a strided map shares with one that is so many times finer. Convolutions of 2×2 with
// dilation d, ConvNeXt's, are padded by d/2 zeros before the map, as in timm.
func shift(name string, finer int) int {
	first := 0
	if name == "convnext_xt" || name == "convnext_c32" {
		for dilation := 2; dilation < finer; dilation *= 2 {
			first += dilation / 2
		}
	}
	return first
}

// everyOther returns a map of the wanted shape: every so many rows and columns of a finer one, from the first given.
func everyOther(t *testing.T, fine *tensors.Tensor, want []int, step, first int) []float32 {
	t.Helper()
	dims := fine.Shape().Dimensions
	if fineWant := []int{1, want[1] * step, want[2] * step, want[3]}; !slices.Equal(dims, fineWant) {
		t.Fatalf("map of shape %v, want %v", dims, fineWant)
	}
	values := tensors.MustCopyFlatData[float32](fine)
	var places []float32
	for row := range want[1] {
		for column := range want[2] {
			at := ((row*step+first)*dims[2] + column*step + first) * dims[3]
			places = append(places, values[at:at+dims[3]]...)
		}
	}
	return places
}

// TestDilatedMapsEqualTimms compares the last maps at an output stride with those of timm's models. It needs a Python with
// timm, named by FASTPARC_PYTHON.
func TestDilatedMapsEqualTimms(t *testing.T) {
	python := os.Getenv("FASTPARC_PYTHON")
	if python == "" {
		t.Skip("skipped: FASTPARC_PYTHON names no Python")
	}
	if exec.Command(python, "-c", "import timm").Run() != nil {
		t.Skipf("skipped: %s has no timm", python)
	}
	const height, width = 64, 96
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name+".safetensors") }
	pixels := golden.Images("input:96", 1, width)[:height*width*3]
	planes := make([]float32, len(pixels))
	for i, value := range pixels {
		planes[i%3*height*width+i/3] = value
	}
	images := tensors.FromFlatDataAndDimensions(pixels, 1, height, width, 3)
	if err := weights.Save(path("input"), []weights.Tensor{weights.FromFloats("input", []int{1, 3, height, width}, planes)}, nil); err != nil {
		t.Fatal(err)
	}
	backend := newBackend(t)
	for name, theirs := range map[string]string{"resnet50": "resnet50", "mobilenetv2": "mobilenetv2_100", "convnext_t": "convnext_tiny"} {
		t.Run(name, func(t *testing.T) {
			const outputStride = 8
			m, store := goldenModel(t, name, models.Options{OutputStride: outputStride})
			if err := weights.Save(path("weights"), golden.Weights(m), nil); err != nil {
				t.Fatal(err)
			}
			command := exec.Command(python, "-B", filepath.Join("testdata", "dilated.py"), theirs, strconv.Itoa(outputStride), path("weights"), path("input"), path("features"))
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			file, err := weights.Open(path("features"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			tensor, err := file.Tensor("features")
			if err != nil {
				t.Fatal(err)
			}
			want, err := tensor.Floats()
			if err != nil {
				t.Fatal(err)
			}
			maps := run(t, backend, store, m.Features, images)
			got := nn.Kernel(tensor.Shape[2], tensor.Shape[3], tensor.Shape[1], 1).ToTorch(tensors.MustCopyFlatData[float32](maps[len(maps)-1]))
			if difference := golden.Difference(t, got, want); !(difference <= 1e-4) {
				t.Errorf("maps differ by up to %g of the largest value, want at most 1e-4", difference)
			}
		})
	}
}
