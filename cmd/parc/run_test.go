package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// runFiles is a folder with what `parc run` reads.
type runFiles struct {
	weights, input, output string
}

// newRunFiles writes the rule's weights of a model, and tensors as the input.
func newRunFiles(t *testing.T, m *models.Model, input ...weights.Tensor) runFiles {
	t.Helper()
	dir := t.TempDir()
	files := runFiles{filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "input.safetensors"), filepath.Join(dir, "logits.safetensors")}
	save(t, files.weights, golden.Weights(m)...)
	save(t, files.input, input...)
	return files
}

// args returns the command line that reads and writes the files.
func (f runFiles) args(model string, more ...string) []string {
	return append([]string{"run", "--model", model, "--weights", f.weights, "--input", f.input, "--output", f.output}, more...)
}

func TestRunEqualsTheReference(t *testing.T) {
	const name = "convnext_xt_parc"
	want := golden.Values(t, name)["logits"]
	size := golden.Index(t, name).Resolution
	images := weights.FromFloats("input", []int{2, size, size, 3}, golden.Images("input:224", 2, size))
	files := newRunFiles(t, newModel(t, name, models.Options{}), images)
	got := logits(t, files, []int{2, 1000}, files.args(name, "--layout", "nhwc")...)
	agree(t, got, want, 1e-4)
}

func TestRunReadsPyTorchCheckpoints(t *testing.T) {
	const name = "parcnet_xs"
	size := golden.Index(t, name).Resolution
	files := newRunFiles(t, newModel(t, "convnext_scene", models.Options{}),
		weights.FromFloats("input", []int{2, size, size, 3}, golden.Images(fmt.Sprint("input:", size), 2, size)))
	files.weights = testdata.Shared(t, "golden", name+".pt")
	agree(t, logits(t, files, []int{2, 1000}, files.args(name, "--layout", "nhwc")...), golden.Values(t, name)["logits"], 1e-4)
}

func TestRunNeedsNoModelWhereTheWeightsNameIt(t *testing.T) {
	m := newModel(t, "convnext_scene_parc", models.Options{Classes: 3, NoPositionEmbedding: true})
	files := newRunFiles(t, m, weights.FromFloats("input", []int{1, 48, 48, 3}, golden.Images("input:48", 1, 48)))
	args := []string{"run", "--weights", files.weights, "--input", files.input, "--output", files.output, "--layout", "nhwc"}
	fails(t, args, "does not say which model")
	metadata, err := weights.Describe(m, nil).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(files.weights, golden.Weights(m), metadata); err != nil {
		t.Fatal(err)
	}
	logits(t, files, []int{1, 3}, args...)
}

func TestRunTakesAnyLayoutFormSizeAndNumberOfClasses(t *testing.T) {
	const name, batch, height, width, classes = "convnext_scene_parc", 2, 40, 56, 5
	m := newModel(t, name, models.Options{Classes: classes})
	square := golden.Images("input:56", batch, 56)
	pixels := make([]float32, 0, batch*height*width*3) // the upper rows of square images
	planes := make([]float32, 0, cap(pixels))
	for b := range batch {
		pixels = append(pixels, square[b*56*56*3:][:height*width*3]...)
	}
	for b := range batch {
		for channel := range 3 {
			for position := range height * width {
				planes = append(planes, pixels[(b*height*width+position)*3+channel])
			}
		}
	}
	shape := []int{batch, classes}
	files := newRunFiles(t, m, weights.FromFloats("input", []int{batch, height, width, 3}, pixels))
	want := logits(t, files, shape, files.args(name, "--layout", "nhwc", "--form", "spatial")...)
	if want[0] == want[classes] {
		t.Errorf("both images have the same logits: %v", want)
	}
	agree(t, logits(t, files, shape, files.args(name, "--layout", "nhwc", "--form", "fft", "--backend", "go")...), want, 1e-5)
	files = newRunFiles(t, m, weights.FromFloats("input", []int{batch, 3, height, width}, planes))
	agree(t, logits(t, files, shape, files.args(name)...), want, 1e-5)
}

func TestRunNamesWhatIsWrong(t *testing.T) {
	const name = "convnext_scene_parc"
	m := newModel(t, name, models.Options{})
	image := func(shape ...int) weights.Tensor {
		size := 1
		for _, side := range shape {
			size *= side
		}
		return weights.FromFloats("input", shape, make([]float32, size))
	}
	good := newRunFiles(t, m, image(1, 3, 48, 48))
	badInput := func(input weights.Tensor) runFiles { return newRunFiles(t, m, input) }
	badWeights := func(change func([]weights.Tensor) []weights.Tensor) runFiles {
		files := good
		files.weights = filepath.Join(t.TempDir(), "weights.safetensors")
		save(t, files.weights, change(golden.Weights(m))...)
		return files
	}
	truncated := good
	truncated.weights = filepath.Join(t.TempDir(), "cut.safetensors")
	data, err := os.ReadFile(good.weights)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(truncated.weights, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	huge := good
	huge.weights = filepath.Join(t.TempDir(), "huge.safetensors")
	if err := os.WriteFile(huge.weights, bytes.Repeat([]byte{0xff}, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	absent := good
	absent.input = filepath.Join(t.TempDir(), "absent.safetensors")
	nowhere := good
	nowhere.output = filepath.Join(t.TempDir(), "absent", "logits.safetensors")

	for _, c := range []struct {
		name  string
		args  []string
		words []string
	}{
		{"missing flags", []string{"run", "--model", name}, []string{`"weights"`, `"input"`, `"output"`}},
		{"surplus argument", good.args(name, "more"), []string{`"more"`}},
		{"unknown model", good.args("convnext_scene_park"), []string{"convnext_scene_park", name}},
		{"unknown backend", good.args(name, "--backend", "abacus"), []string{`"abacus"`, "go, simd"}},
		{"unknown form", good.args(name, "--form", "fourier"), []string{`"fourier"`, "spatial", "fft", "auto"}},
		{"unknown layout", good.args(name, "--layout", "chwn"), []string{`"chwn"`, "nchw", "nhwc"}},
		{"other layout", good.args(name, "--layout", "nhwc"), []string{"[1 3 48 48]", "[batch, height, width, 3]"}},
		{"no input file", absent.args(name), []string{"absent.safetensors"}},
		{"no folder for the output", nowhere.args(name), []string{filepath.Base(nowhere.output)}},
		{"truncated weights", truncated.args(name), []string{"cut.safetensors", "cut off"}},
		{"huge header", huge.args(name), []string{"huge.safetensors", "header of 18446744073709551615 bytes, want at most 100000000"}},
		{"other tensor", badInput(weights.FromFloats("image", []int{1}, []float32{0})).args(name), []string{`"input"`}},
		{"rank 3", badInput(image(3, 48, 48)).args(name), []string{`"input"`, "[3 48 48]", "[batch, 3, height, width]"}},
		{"one channel", badInput(image(1, 1, 48, 48)).args(name), []string{"[1 1 48 48]", "[batch, 3, height, width]"}},
		{"no images", badInput(image(0, 3, 48, 48)).args(name), []string{"[0 3 48 48]"}},
		{"image too small", badInput(image(1, 3, 3, 48)).args(name), []string{"3×48"}},
		{"missing weight", badWeights(func(w []weights.Tensor) []weights.Tensor { return slices.Delete(w, 2, 3) }).args(name),
			[]string{golden.Weights(m)[2].Name}},
		{"misshapen weight", badWeights(func(w []weights.Tensor) []weights.Tensor {
			w[0].Shape = slices.Clone(w[0].Shape)
			slices.Reverse(w[0].Shape)
			return w
		}).args(name), []string{"downsample_layers.0.0.weight: found shape [4 4 3 48], want [48 3 4 4]"}},
		{"missing head", badWeights(func(w []weights.Tensor) []weights.Tensor { return w[:len(w)-1] }).args(name), []string{"head.bias"}},
		{"misshapen head", badWeights(func(w []weights.Tensor) []weights.Tensor {
			w[len(w)-1].Shape = append([]int{1}, w[len(w)-1].Shape...)
			return w
		}).args(name), []string{"misshapen: head.bias: found shape [1 4], want [4]"}},
		{"unexpected weight", badWeights(func(w []weights.Tensor) []weights.Tensor { return append(w, image(1)) }).args(name), []string{"unexpected", "input"}},
	} {
		t.Run(c.name, func(t *testing.T) { fails(t, c.args, c.words...) })
	}
	if _, err := os.Stat(good.output); !os.IsNotExist(err) {
		t.Errorf("a run that failed left %s behind (%v)", good.output, err)
	}
}

// newModel returns a model that must exist.
func newModel(t *testing.T, name string, options models.Options) *models.Model {
	t.Helper()
	m, err := models.New(name, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// save writes a safetensors file.
func save(t *testing.T, path string, tensors ...weights.Tensor) {
	t.Helper()
	if err := weights.Save(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
}

// logits runs the command line and returns the logits that it wrote, which must have the shape.
func logits(t *testing.T, files runFiles, shape []int, args ...string) []float32 {
	t.Helper()
	if code, stdout, stderr := runParc(t, args...); code != 0 || stdout != "" || stderr != "" {
		t.Fatalf("parc %v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
	}
	file, err := weights.Open(files.output)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tensor, err := file.Tensor("logits")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tensor.Shape, shape) {
		t.Fatalf("logits have shape %v, want %v", tensor.Shape, shape)
	}
	values, err := tensor.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// agree asserts that values differ by at most a part of the largest of those wanted.
func agree(t *testing.T, got, want []float32, tolerance float64) {
	t.Helper()
	if difference := golden.Difference(t, got, want); !(difference <= tolerance) {
		t.Errorf("values differ by up to %g of the largest, want at most %g", difference, tolerance)
	}
}
