package models_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
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
