package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// weightsFile writes the rule's weights of a model.
func weightsFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".safetensors")
	save(t, path, golden.Weights(newModel(t, name, models.Options{}))...)
	return path
}

func TestConvertedWeightsRunWithoutMoreBeingSaid(t *testing.T) {
	in, out := weightsFile(t, "convnext_c32"), filepath.Join(t.TempDir(), "out.safetensors")
	code, stdout, stderr := runParc(t, "convert", "--from", "convnext_c32", "--blocks", "stages.0.1,stages.2.0", "--init", "marginal",
		"--weights", in, "--out", out)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, line := range []string{
		"convnext_c32 to convnext_c32: 93 tensors kept, 0 fitted, 12 new, 4 dropped\n",
		"new      stages.0.1.gcc_H.pe, zeros\n",
		"new      stages.2.0.gcc_W.gcc_conv.weight, marginal of stages.2.0.dwconv.weight\n",
		"dropped  stages.0.1.dwconv.bias\n",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("the report is %q, want %q in it", stdout, line)
		}
	}
	// Fitted to another size, the network computes the same there.
	fitted := filepath.Join(t.TempDir(), "fitted.safetensors")
	code, stdout, stderr = runParc(t, "convert", "--weights", out, "--out", fitted, "--image-size", "40x56", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var report struct {
		From, To                   string
		Kept, Fitted, New, Dropped []any
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.From != "convnext_c32" || report.To != "convnext_c32" || len(report.Kept) != 97 || len(report.Fitted) != 8 || len(report.New)+len(report.Dropped) != 0 {
		t.Errorf("the report is %s, want 97 tensors kept and 8 fitted", stdout)
	}
	image := golden.Images("input:56", 1, 56)[:40*56*3]
	files := newRunFiles(t, newModel(t, "convnext_c32", models.Options{}), weights.FromFloats("input", []int{1, 40, 56, 3}, image))
	run := func(weights string) []float32 {
		return logits(t, files, []int{1, 10}, "run", "--weights", weights, "--input", files.input, "--output", files.output, "--layout", "nhwc")
	}
	agree(t, run(fitted), run(out), 1e-5)
}

func TestStatisticsAreTakenFromImages(t *testing.T) {
	in, out := weightsFile(t, "resnet_c32"), filepath.Join(t.TempDir(), "out.safetensors")
	code, _, stderr := runParc(t, "convert", "--from", "resnet_c32", "--weights", in, "--out", out, "--recalibrate", imageFolder(t, 4))
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	before, after := tensorIn(t, in, "bn1.running_mean"), tensorIn(t, out, "bn1.running_mean")
	if bytes.Equal(before.Data, after.Data) {
		t.Error("the statistics are what they were")
	}
	if before, after := tensorIn(t, in, "conv1.weight"), tensorIn(t, out, "conv1.weight"); !bytes.Equal(before.Data, after.Data) {
		t.Error("a weight changed")
	}
	if !strings.Contains(stderr, "measuring batch statistics in 1 batches of images\n") {
		t.Errorf("stderr %q, want how much is measured", stderr)
	}
}

func TestStatisticsAreTakenFromImagesWithoutClassFolders(t *testing.T) {
	in, flat := weightsFile(t, "resnet_c32"), t.TempDir()
	classes := imageFolder(t, 4)
	pictures, err := filepath.Glob(filepath.Join(classes, "*", "*.png"))
	if err != nil || len(pictures) != 8 {
		t.Fatalf("%d pictures, %v", len(pictures), err)
	}
	for _, picture := range pictures {
		content, err := os.ReadFile(picture)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(flat, filepath.Base(filepath.Dir(picture))+filepath.Base(picture)), content)
	}
	var files [2][]byte
	for i, folder := range []string{classes, flat} {
		out := filepath.Join(t.TempDir(), "out.safetensors")
		if code, _, stderr := runParc(t, "convert", "--from", "resnet_c32", "--weights", in, "--out", out, "--recalibrate", folder); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if files[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the same images give other statistics without class folders than with them")
	}
}

func TestAnInterruptedMeasurementLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &cancelAfter{text: "measuring batch statistics", cancel: cancel}
	code := execute(ctx, []string{"convert", "--from", "resnet_c32", "--weights", weightsFile(t, "resnet_c32"),
		"--out", filepath.Join(dir, "out.safetensors"), "--recalibrate", imageFolder(t, 4)}, io.Discard, stderr)
	if code != 1 || !strings.HasSuffix(stderr.all.String(), "parc: interrupted\n") {
		t.Errorf("exit code %d, stderr %q, want that it was interrupted", code, stderr.all.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v lies there, %v, want nothing", left, err)
	}
}

func TestConvertNamesWhatIsWrong(t *testing.T) {
	in, out := weightsFile(t, "convnext_c32"), filepath.Join(t.TempDir(), "out.safetensors")
	args := func(more ...string) []string {
		return append([]string{"convert", "--from", "convnext_c32", "--weights", in, "--out", out}, more...)
	}
	for _, c := range []struct {
		name  string
		args  []string
		words []string
	}{
		{"missing flags", []string{"convert"}, []string{`"weights"`, `"out"`}},
		{"a file that does not say what it is", []string{"convert", "--weights", in, "--out", out}, []string{"does not say which model"}},
		{"unknown model", args("--to", "convnext_c32_prac"), []string{"convnext_c32_prac", "convnext_c32_parc"}},
		{"another family", args("--to", "resnet_c32_parc"), []string{"differ in more than circular convolutions", "conv1.weight"}},
		{"unknown blocks", args("--blocks", "stages.0.9,layer1.0"), []string{"stages.0.9, layer1.0", "stages.0.0, stages.0.1"}},
		{"unknown beginning", args("--init", "zeros"), []string{`"zeros"`, "marginal or reference"}},
		{"bad size", args("--image-size", "32by48"), []string{`"32by48"`, "HEIGHTxWIDTH"}},
		{"a size between strides", args("--image-size", "36x48"), []string{"36×48", "multiples of 8"}},
		{"nothing to measure", args("--recalibrate", imageFolder(t, 2)), []string{"no batch normalisation"}},
		{"no images", args("--recalibrate", t.TempDir()), []string{"no images"}},
	} {
		t.Run(c.name, func(t *testing.T) { fails(t, c.args, c.words...) })
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a conversion that failed left %s behind (%v)", out, err)
	}
}

// TestTrainingsBeginFromWeights trains for one step an epoch at a rate near 0, so that what is judged are the weights given.
func TestTrainingsBeginFromWeights(t *testing.T) {
	folder, first := imageFolder(t, 25), filepath.Join(t.TempDir(), "first")
	if code, _, stderr := runParc(t, trainArgs(folder, first)...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	learned := filepath.Join(first, "best", "model.safetensors")
	again := filepath.Join(t.TempDir(), "again")
	code, stdout, stderr := runParc(t, trainArgs(folder, again, "--weights", learned, "--lr", "1e-12", "--epochs", "1")...)
	if code != 0 || !strings.Contains(stdout, "best: top-1 100.0 %") {
		t.Errorf("exit code %d, %s%q, want what the weights reached", code, stderr, stdout)
	}
	three := imageFolder(t, 10)
	if err := os.Rename(filepath.Join(imageFolder(t, 10), "left"), filepath.Join(three, "other")); err != nil {
		t.Fatal(err)
	}
	reset := filepath.Join(t.TempDir(), "reset")
	if code, _, stderr = runParc(t, trainArgs(three, reset, "--weights", learned, "--lr", "1e-12", "--epochs", "1")...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	before, after := tensorIn(t, learned, "stages.0.1.pwconv1.weight"), tensorIn(t, filepath.Join(reset, "best", "model.safetensors"), "stages.0.1.pwconv1.weight")
	beforeValues, _ := before.Floats()
	afterValues, _ := after.Floats()
	agree(t, afterValues, beforeValues, 1e-6)
	if head := tensorIn(t, filepath.Join(reset, "best", "model.safetensors"), "head.weight"); head.Shape[0] != 3 {
		t.Errorf("the classifier has shape %v, want 3 classes", head.Shape)
	}
}

// tensorIn reads a tensor of a file.
func tensorIn(t *testing.T, path, name string) weights.Tensor {
	t.Helper()
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tensor, err := file.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}
