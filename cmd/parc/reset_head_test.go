package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// describedWeights writes the rule's weights of a model that tells left and right apart, with their description.
func describedWeights(t *testing.T, m *models.Model) string {
	t.Helper()
	metadata, err := weights.Describe(m, []string{"left", "right"}).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "described.safetensors")
	if err := weights.Save(path, golden.Weights(m), metadata); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheHeadOfATrainingIsResetOnRequest(t *testing.T) {
	data, m := imageFolder(t, 10), newModel(t, "convnext_scene_parc", models.Options{Classes: 2})
	file := describedWeights(t, m)
	for _, c := range []struct {
		flags []string
		reset bool
	}{{nil, false}, {[]string{"--reset-head"}, true}} {
		out := filepath.Join(t.TempDir(), "run")
		args := append([]string{"--weights", file, "--lr", "1e-12", "--epochs", "1"}, c.flags...)
		if code, _, stderr := runParc(t, trainArgs(data, out, args...)...); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		for _, want := range golden.Weights(m) {
			tensor := tensorIn(t, filepath.Join(out, "last", "model.safetensors"), want.Name)
			got, err := tensor.Floats()
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := want.Floats()
			if err != nil {
				t.Fatal(err)
			}
			differs := golden.Difference(t, got, wanted) > 1e-5
			if reset := c.reset && strings.HasPrefix(want.Name, "head."); differs != reset {
				t.Errorf("with %v %s differs from the file's: %v, want %v", c.flags, want.Name, differs, reset)
			}
		}
	}
	fails(t, trainArgs(data, t.TempDir(), "--reset-head"), "--reset-head has no use without --weights")
}

func TestTheHeadOfAConversionIsResetOnRequest(t *testing.T) {
	m := newModel(t, "convnext_scene", models.Options{Classes: 2})
	file, out := describedWeights(t, m), filepath.Join(t.TempDir(), "out.safetensors")
	code, stdout, stderr := runParc(t, "convert", "--weights", file, "--out", out, "--reset-head")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, line := range []string{"new      head.weight, reference\n", "dropped  head.weight\n"} {
		if !strings.Contains(stdout, line) {
			t.Errorf("the report is %q, want %q in it", stdout, line)
		}
	}
	for _, want := range golden.Weights(m) {
		got := tensorIn(t, out, want.Name)
		if differs := !bytes.Equal(got.Data, want.Data); differs != strings.HasPrefix(want.Name, "head.") || !slices.Equal(got.Shape, want.Shape) {
			t.Errorf("%s has shape %v, want %v, and differs: %v", want.Name, got.Shape, want.Shape, differs)
		}
	}
	converted, err := weights.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer converted.Close()
	if description, err := converted.Description(); err != nil || description.Classes != nil {
		t.Errorf("the new head tells %v apart (%v), want no names", description.Classes, err)
	}
}

func TestTrainingsHaveTheBlocksOfTheWeightsThatTheyBeginWith(t *testing.T) {
	data, m := imageFolder(t, 10), newModel(t, "convnext_scene", models.Options{Classes: 2, ParCBlocks: []string{"stages.0.1"}})
	out := filepath.Join(t.TempDir(), "run")
	args := trainArgs(data, out, "--model", "convnext_scene", "--weights", describedWeights(t, m), "--epochs", "1")
	if code, _, stderr := runParc(t, args...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	tensorIn(t, filepath.Join(out, "last", "model.safetensors"), "stages.0.1.gcc_H.gcc_conv.weight")
	tensorIn(t, filepath.Join(out, "last", "model.safetensors"), "stages.0.0.dwconv.weight")
}
