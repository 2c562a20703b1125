package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/train"
	"github.com/fastparc/fastparc/weights"
)

// trained is a training of seconds, and the file of its weights.
func trained(t *testing.T) (data, out, file string) {
	t.Helper()
	data, out = imageFolder(t, 25), filepath.Join(t.TempDir(), "run")
	if code, _, stderr := runParc(t, trainArgs(data, out)...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return data, out, filepath.Join(out, "best", "model.safetensors")
}

// evaluated returns what `parc eval` says.
func evaluated(t *testing.T, args ...string) train.Metrics {
	t.Helper()
	code, stdout, stderr := runParc(t, append([]string{"eval", "--json"}, args...)...)
	if code != 0 {
		t.Fatalf("eval %v: exit code %d: %s", args, code, stderr)
	}
	var metrics train.Metrics
	if err := json.Unmarshal([]byte(stdout), &metrics); err != nil {
		t.Fatal(err)
	}
	metrics.ImagesPerSecond = 0
	return metrics
}

func TestAFileOfWeightsIsACheckpoint(t *testing.T) {
	data, out, file := trained(t)
	want := evaluated(t, "--checkpoint", out, "--data", data)
	if got := evaluated(t, "--checkpoint", file, "--data", data); got != want {
		t.Errorf("the file reaches %+v, its directory %+v", got, want)
	}
	picture := filepath.Join(data, "left", "000.png")
	if code, stdout, stderr := runParc(t, "predict", "--checkpoint", file, "--top", "1", picture); code != 0 || !strings.Contains(stdout, "left") {
		t.Errorf("exit code %d, %q, %q, want the class left", code, stdout, stderr)
	}

	again := filepath.Join(t.TempDir(), "again")
	if code, _, stderr := runParc(t, trainArgs(data, again, "--weights", file, "--lr", "1e-9", "--epochs", "1")...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if got := evaluated(t, "--checkpoint", again, "--data", data); got.Top1 != want.Top1 || got.Loss > 1.01*want.Loss {
		t.Errorf("a training that begins with the weights and hardly changes them reaches %+v, they %+v", got, want)
	}
	fails(t, trainArgs(data, again, "--weights", file, "--resume"), "--weights has no use with --resume")
	fails(t, []string{"eval", "--checkpoint", out, "--model", "convnext_c32", "--data", data}, "--model is convnext_c32", "convnext_scene_parc")
}

func TestWeightsThatSayNothingNeedAModel(t *testing.T) {
	data, dir := imageFolder(t, 3), t.TempDir()
	file, names := filepath.Join(dir, "bare.safetensors"), filepath.Join(dir, "names.txt")
	save(t, file, golden.Weights(newModel(t, "convnext_scene", models.Options{Classes: 2}))...)
	writeFile(t, names, []byte("right\r\nleft\r\n"))
	picture := filepath.Join(data, "left", "000.png")

	byFolder := evaluated(t, "--checkpoint", file, "--model", "convnext_scene", "--data", data)
	byFile := evaluated(t, "--checkpoint", file, "--model", "convnext_scene", "--data", data, "--classes", names)
	if byFolder.Images != 6 || byFile.Images != 6 || byFolder.Top1+byFile.Top1 != 1 {
		t.Errorf("%+v with the classes in the folders' order, %+v in the reverse: want opposites", byFolder, byFile)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{}, []string{"%  0", "%  1"}},
		{[]string{"--classes", names}, []string{"%  left", "%  right"}},
	} {
		args := append([]string{"predict", "--checkpoint", file, "--model", "convnext_scene", picture}, c.args...)
		code, stdout, stderr := runParc(t, args...)
		for _, want := range c.want {
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("%v: exit code %d, %q, %q, want %q", args, code, stdout, stderr, want)
			}
		}
	}
	three := filepath.Join(dir, "three.txt")
	writeFile(t, three, []byte("a\nb\nc\n"))
	fails(t, []string{"predict", "--checkpoint", file, picture}, "bare.safetensors", "does not say which model")
	fails(t, []string{"predict", "--checkpoint", file, "--model", "convnext_scene", "--classes", three, picture}, "three.txt", "3 names of classes", "tells 2 apart")
}

func TestWhatDoesNotFitAModelIsCountedAndListed(t *testing.T) {
	file := weightsFile(t, "convnext_scene")
	unexpected := len(newModel(t, "convnext_scene", models.Options{}).State())
	picture := filepath.Join(imageFolder(t, 1), "left", "000.png")
	args := []string{"predict", "--checkpoint", file, "--model", "resnet50", picture}
	code, _, stderr := runParc(t, args...)
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if code != 1 || !strings.HasPrefix(lines[0], "parc: weights: "+file) || !strings.Contains(lines[0], "but those of convnext_scene for 4 classes: ") ||
		!strings.HasSuffix(lines[0], fmt.Sprintf(" tensors missing, %d unexpected", unexpected)) {
		t.Errorf("exit code %d, first line %q, want what the file is and how much does not fit", code, lines[0])
	}
	for _, want := range []string{
		"\nmissing: conv1.weight, shape [64 3 7 7]\n", "\nmissing: … and ", "\nunexpected: downsample_layers.0.0.weight, shape ",
		fmt.Sprintf("\nunexpected: … and %d more\n", unexpected-20), "\n(set FASTPARC_DEBUG=1 to see all)\n",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr %q, want %q in it", stderr, want)
		}
	}
	if len(lines) != 1+2*21+1 {
		t.Errorf("%d lines, want at most 20 of each kind and how many more there are", len(lines))
	}
	t.Setenv("FASTPARC_DEBUG", "1")
	if _, _, stderr := runParc(t, args...); strings.Contains(stderr, "…") || strings.Count(stderr, "\nunexpected: ") != unexpected {
		t.Errorf("%d lines, want all mismatches", strings.Count(stderr, "\n"))
	}
}

func TestTrainingBeginsWithFeaturesOfOtherClasses(t *testing.T) {
	data, file := imageFolder(t, 10), filepath.Join(t.TempDir(), "seven.safetensors")
	m := newModel(t, "convnext_scene_parc", models.Options{Classes: 7})
	save(t, file, golden.Weights(m)...)
	out := filepath.Join(t.TempDir(), "run")
	if code, _, stderr := runParc(t, trainArgs(data, out, "--weights", file, "--lr", "1e-9", "--epochs", "1")...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	learned, err := weights.Open(filepath.Join(out, "last", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer learned.Close()
	for _, want := range golden.Weights(m) {
		got, err := learned.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(want.Name, "head.") {
			if got.Shape[0] != 2 {
				t.Errorf("%s has shape %v, want 2 classes", got.Name, got.Shape)
			}
			continue
		}
		values, err := got.Floats()
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := want.Floats()
		if err != nil {
			t.Fatal(err)
		}
		if difference := golden.Difference(t, values, wanted); !(difference <= 1e-5) {
			t.Errorf("%s differs by %g of the largest from what the training began with", got.Name, difference)
		}
	}
	if description, err := learned.Description(); err != nil || len(description.Classes) != 2 || description.Preprocessing.CropSize != [2]int{16, 16} {
		t.Errorf("description %+v, %v, want two classes and the size of the images", description, err)
	}
}
