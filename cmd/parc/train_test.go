package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/train"
)

// imageFolder writes noisy pictures of 16×16, bright on the left or on the right, of as many in each class.
func imageFolder(t *testing.T, each int) string {
	t.Helper()
	const side = 16
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	for class, name := range []string{"left", "right"} {
		for i := range each {
			picture := image.NewRGBA(image.Rect(0, 0, side, side))
			for y := range side {
				for x := range side {
					value := uint8(random.IntN(120))
					if (x >= side/2) == (class == 1) {
						value += 100
					}
					picture.SetRGBA(x, y, color.RGBA{value, value, value, 255})
				}
			}
			var file bytes.Buffer
			if err := png.Encode(&file, picture); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, name, fmt.Sprintf("%03d.png", i)), file.Bytes())
		}
	}
	return dir
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// trainArgs is a training of seconds.
func trainArgs(data, out string, more ...string) []string {
	return append([]string{"train", "--data", data, "--model", "convnext_scene_parc", "--image-size", "16", "--epochs", "3",
		"--batch", "8", "--val", "0.2", "--flip", "0", "--out", out}, more...)
}

func TestTrainEvalAndPredictFromAFolderOfImages(t *testing.T) {
	data, out := imageFolder(t, 25), filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := runParc(t, trainArgs(data, out)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"40 images of 2 classes to learn from, 10 to judge on", "epoch 3/3: loss", "images/s", "best: top-1"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("training prints %q, want %q in it", stdout, want)
		}
	}

	code, stdout, stderr = runParc(t, "eval", "--checkpoint", out, "--data", data, "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var judged struct {
		Model string
		train.Metrics
	}
	if err := json.Unmarshal([]byte(stdout), &judged); err != nil {
		t.Fatal(err)
	}
	if judged.Model != "convnext_scene_parc" || judged.Images != 50 || judged.Top1 < 0.9 || judged.Top5 != 1 || judged.ImagesPerSecond <= 0 {
		t.Errorf("eval gives %+v, want most of 50 images right", judged)
	}
	if code, stdout, _ = runParc(t, "eval", "--checkpoint", filepath.Join(out, "last"), "--data", data); code != 0 || !strings.Contains(stdout, "on 50 images: top-1") {
		t.Errorf("eval of the last checkpoint: exit code %d, %q", code, stdout)
	}

	pictures := []string{filepath.Join(data, "left", "000.png"), filepath.Join(data, "right", "000.png")}
	code, stdout, stderr = runParc(t, append([]string{"predict", "--checkpoint", out, "--json"}, pictures...)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var predictions []prediction
	if err := json.Unmarshal([]byte(stdout), &predictions); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"left", "right"} {
		p := predictions[i]
		if p.Image != pictures[i] || len(p.Classes) != 2 || p.Classes[0].Class != want || p.Classes[0].Probability < p.Classes[1].Probability {
			t.Errorf("prediction %+v, want %s first", p, want)
		}
	}
	if _, stdout, _ = runParc(t, append([]string{"predict", "--checkpoint", out, "--top", "1"}, pictures...)...); strings.Count(stdout, "%") != 2 {
		t.Errorf("predict --top 1 prints %q, want one class for each of two images", stdout)
	}
}

// cancelAfter cancels when the text has been written to it.
type cancelAfter struct {
	text   string
	cancel context.CancelFunc
	all    bytes.Buffer
}

func (c *cancelAfter) Write(p []byte) (int, error) {
	c.all.Write(p)
	if strings.Contains(c.all.String(), c.text) {
		c.cancel()
	}
	return len(p), nil
}

func TestAnInterruptedTrainingResumesToTheSameWeights(t *testing.T) {
	data, straight, stopped := imageFolder(t, 25), filepath.Join(t.TempDir(), "straight"), filepath.Join(t.TempDir(), "stopped")
	if code, _, stderr := runParc(t, trainArgs(data, straight)...); code != 0 {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var stderr bytes.Buffer
	code := execute(ctx, trainArgs(data, stopped), &cancelAfter{text: "epoch 1/3: ", cancel: cancel}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "interrupted at step 5 of 15") || !strings.Contains(stderr.String(), "--resume") {
		t.Fatalf("interrupted: exit code %d, stderr %q", code, stderr.String())
	}
	if code, _, stderr := runParc(t, append(trainArgs(data, stopped), "--resume")...); code != 0 {
		t.Fatal(stderr)
	}
	weights := func(dir string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, "last", "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	if !bytes.Equal(weights(straight), weights(stopped)) {
		t.Error("the resumed training ends with other weights than one that was never stopped")
	}
}

func TestWrongCommandLinesAreExplainedOnOneLine(t *testing.T) {
	data := imageFolder(t, 10)
	other := t.TempDir()
	for _, class := range []string{"left", "up"} {
		content, err := os.ReadFile(filepath.Join(data, "left", "000.png"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(other, class, "0.png"), content)
	}
	broken := filepath.Join(t.TempDir(), "broken.png")
	writeFile(t, broken, []byte("\x89PNG\r\n\x1a\n"))
	run := filepath.Join(t.TempDir(), "run")
	if code, _, stderr := runParc(t, trainArgs(data, run, "--epochs", "1")...); code != 0 {
		t.Fatal(stderr)
	}
	damaged := imageFolder(t, 10)
	cutOff := filepath.Join(damaged, "left", "003.png")
	writeFile(t, cutOff, []byte("\x89PNG\r\n\x1a\n"))
	single := t.TempDir()
	writeFile(t, filepath.Join(single, "left", "0.png"), nil)
	empty := t.TempDir()
	new := filepath.Join(empty, "new")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train", "--data", data}, "--model is missing"},
		{trainArgs(data, run), "holds a training already"},
		{trainArgs(data, new, "--model", "convnext_sceen"), "convnext_scene"},
		{trainArgs(data, new, "--image-size", "0"), "--image-size is 0"},
		{trainArgs(data, new, "--epochs", "0"), "epochs is 0, expected at least 1"},
		{trainArgs(data, new, "--batch", "0"), "batch"},
		{trainArgs(data, new, "--batch", "100"), "16 images"},
		{trainArgs(data, new, "--lr", "-1"), "learning rate is -1"},
		{trainArgs(data, new, "--lr", "1e30", "--warmup", "0"), "at step "},
		{trainArgs(data, new, "--drop-path", "1"), "drop path 1, want a probability in [0, 1)"},
		{trainArgs(data, new, "--dropout", "0.1"), "convnext_scene_parc: dropout 0.1, want 0: the family has none before its classifier"},
		{trainArgs(data, new, "--block-dropout", "0.1"), "block dropout 0.1, want 0: the family has none in its blocks"},
		{trainArgs(data, new, "--model", "mobilenetv2_c32", "--dropout", "-0.5"), "dropout -0.5, want a probability in [0, 1)"},
		{trainArgs(data, new, "--val", "1.5"), "1.5"},
		{trainArgs(data, new, "--val", other), `"up"`},
		{trainArgs(data, new, "--crop", "round"), `--crop is "round": expected auto, pad, resize or none`},
		{trainArgs(empty, new), "no images"},
		{trainArgs(single, new), `all 1 images are of one class, "left"`},
		{trainArgs(damaged, new), "1 of 16 images cannot be read, more than 1 in 100; the last: data: image " + cutOff},
		{[]string{"train", "--data", data, "--resume"}, "--resume needs --out, "},
		{[]string{"train", "--data", data, "--resume", "--out", new}, "no checkpoint to resume from in " + filepath.Join(new, "last")},
		{[]string{"train", "--data", data, "--resume", "--out", run, "--lr", "1"}, "--lr is 1: the training to resume began with "},
		{[]string{"train", "--data", data, "--resume", "--out", run, "--val", "0.5"}, "make 1"},
		{[]string{"eval", "--checkpoint", empty, "--data", data}, "no checkpoint in " + empty},
		{[]string{"eval", "--checkpoint", run, "--data", other}, `"up"`},
		{[]string{"predict", "--checkpoint", run, broken}, broken},
		{[]string{"predict", "--checkpoint", run, "missing.png"}, "missing.png"},
		{[]string{"predict", "--checkpoint", run, "--top", "0", broken}, "--top is 0"},
		{[]string{"demo", "--seeds", "0"}, "--seeds is 0"},
	} {
		code, _, stderr := runParc(t, c.args...)
		if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "parc: ") || !strings.Contains(stderr, c.want) {
			t.Errorf("parc %s: exit code %d, stderr %q, want one line with %q", strings.Join(c.args, " "), code, stderr, c.want)
		}
	}
}

func TestDropoutIsKeptWithTheTraining(t *testing.T) {
	data, out := imageFolder(t, 10), filepath.Join(t.TempDir(), "run")
	args := []string{"train", "--data", data, "--model", "mobilenetv2_c32", "--epochs", "1", "--batch", "8", "--val", "0.2", "--out", out}
	if code, _, stderr := runParc(t, append(args, "--dropout", "0.2")...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	checkpoint, err := train.OpenLast(out)
	if err != nil {
		t.Fatal(err)
	}
	if recipe, options := checkpoint.Recipe, checkpoint.Network.Options(); recipe.Dropout != 0.2 || options.Dropout != 0.2 {
		t.Errorf("the training resumes with dropout %g of the recipe, %g of the model, want 0.2", recipe.Dropout, options.Dropout)
	}
	fails(t, append(args, "--resume", "--dropout", "0.3"), "--dropout is 0.3: the training to resume began with 0.2")
}

func TestADamagedImageIsNamedAndSkipped(t *testing.T) {
	data, out := imageFolder(t, 100), filepath.Join(t.TempDir(), "run")
	writeFile(t, filepath.Join(data, "left", "000.png"), []byte("no picture"))
	code, stdout, stderr := runParc(t, trainArgs(data, out, "--epochs", "1")...)
	if code != 0 || !strings.Contains(stdout, "skipped: ") || !strings.Contains(stdout, filepath.Join("left", "000.png")) || !strings.Contains(stdout, "1 images skipped") {
		t.Errorf("exit code %d, stdout %q, stderr %q, want the image named and counted", code, stdout, stderr)
	}
}

func TestDemoComparesAndLeavesAUsableCheckpoint(t *testing.T) {
	out := filepath.Join(t.TempDir(), "demo")
	code, stdout, stderr := runParc(t, "demo", "--out", out, "--scenes", "64", "--epochs", "1")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"spatial", "FFT", "largest difference", "on 2000 unseen scenes: ParC", "seen as", "checkpoint: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the demo prints %q, want %q in it", stdout, want)
		}
	}
	code, stdout, stderr = runParc(t, "eval", "--checkpoint", filepath.Join(out, "parc", "last"), "--data", filepath.Join(out, "scenes"))
	if code != 0 || !strings.Contains(stdout, "on 100 images") {
		t.Errorf("eval of the demo's checkpoint: exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = runParc(t, "demo", "--out", out, "--scenes", "16", "--epochs", "1", "--seeds", "2")
	if code != 0 || strings.Count(stdout, "\n| ") != 5 || !strings.Contains(stdout, "| ParC without embedding ") {
		t.Errorf("demo --seeds 2: exit code %d, stderr %q, want a table of three networks in %q", code, stderr, stdout)
	}
}

func TestMeanAndDeviation(t *testing.T) {
	if mean, deviation := meanAndDeviation([]float64{2, 4, 9}); mean != 5 || deviation*deviation < 12.999 || deviation*deviation > 13.001 {
		t.Errorf("mean %g, deviation %g, want 5 and √13", mean, deviation)
	}
}
