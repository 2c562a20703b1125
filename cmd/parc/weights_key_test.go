package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// torchCheckpoint writes state_dicts under keys as torch.save does, each tensor with a storage of its own.
func torchCheckpoint(t *testing.T, states map[string][]weights.Tensor) string {
	t.Helper()
	var archive bytes.Buffer
	files := zip.NewWriter(&archive)
	write := func(name, content string) {
		w, err := files.CreateHeader(&zip.FileHeader{Name: "checkpoint/" + name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Opcodes of the pickle protocol 2: X text, J number, (…t tuple, }(…u dict, c global, R call, Q persistent object.
	text := func(s string) string {
		return string(binary.LittleEndian.AppendUint32([]byte("X"), uint32(len(s)))) + s
	}
	number := func(n int) string { return string(binary.LittleEndian.AppendUint32([]byte("J"), uint32(n))) }
	tuple := func(items ...string) string { return "(" + strings.Join(items, "") + "t" }
	var checkpoint strings.Builder
	storages := 0
	for key, state := range states {
		checkpoint.WriteString(text(key) + "}(")
		for _, tensor := range state {
			shape, strides, size := "", "", 1
			for _, dim := range slices.Backward(tensor.Shape) {
				shape, strides = number(dim)+shape, number(size)+strides
				size *= dim
			}
			place := fmt.Sprint(storages)
			storages++
			write("data/"+place, string(tensor.Data))
			storage := tuple(text("storage"), "ctorch\nFloatStorage\n", text(place), text("cpu"), number(size)) + "Q"
			checkpoint.WriteString(text(tensor.Name) + "ctorch._utils\n_rebuild_tensor_v2\n" +
				tuple(storage, number(0), tuple(shape), tuple(strides), "\x89", "}") + "R")
		}
		checkpoint.WriteString("u")
	}
	write("data.pkl", "\x80\x02}("+checkpoint.String()+"u.")
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "checkpoint.pth")
	writeFile(t, path, archive.Bytes())
	return path
}

func TestAKeyChoosesAmongTheWeightsOfACheckpoint(t *testing.T) {
	m := newModel(t, "convnext_scene", models.Options{Classes: 2})
	own := golden.Weights(m)
	average := slices.Clone(own)
	for i, tensor := range average { // with the opposite logits
		if strings.HasPrefix(tensor.Name, "head.") {
			values, err := tensor.Floats()
			if err != nil {
				t.Fatal(err)
			}
			for j := range values {
				values[j] = -values[j]
			}
			average[i] = weights.FromFloats(tensor.Name, tensor.Shape, values)
		}
	}
	file := torchCheckpoint(t, map[string][]weights.Tensor{"model": own, "model_ema": average})
	data, dir := imageFolder(t, 5), t.TempDir()
	picture := filepath.Join(data, "left", "000.png")

	first := evaluated(t, "--checkpoint", file, "--model", "convnext_scene", "--data", data)
	second := evaluated(t, "--checkpoint", file, "--model", "convnext_scene", "--data", data, "--weights-key", "model_ema")
	if first.Top1+second.Top1 != 1 {
		t.Errorf("eval: %+v and %+v, want opposites", first, second)
	}
	best := func(key string) string {
		code, stdout, stderr := runParc(t, "predict", "--checkpoint", file, "--model", "convnext_scene", "--weights-key", key, "--top", "1", picture)
		if code != 0 {
			t.Fatalf("predict: exit code %d: %s", code, stderr)
		}
		fields := strings.Fields(stdout)
		return fields[len(fields)-1]
	}
	if first, second := best("model"), best("model_ema"); first == second {
		t.Errorf("predict: class %s by both", first)
	}
	input := weights.FromFloats("input", []int{1, 3, 48, 48}, golden.Images("input:48", 1, 48))
	files := newRunFiles(t, m, input)
	run := func(key string) []float32 {
		return logits(t, files, []int{1, 2}, "run", "--model", "convnext_scene", "--weights", file, "--weights-key", key, "--input", files.input, "--output", files.output)
	}
	opposite := run("model_ema")
	for i := range opposite {
		opposite[i] = -opposite[i]
	}
	agree(t, opposite, run("model"), 1e-6)

	converted, trained := filepath.Join(dir, "converted.safetensors"), filepath.Join(dir, "trained")
	for _, args := range [][]string{
		{"convert", "--from", "convnext_scene", "--weights", file, "--weights-key", "model_ema", "--out", converted},
		trainArgs(data, trained, "--model", "convnext_scene", "--weights", file, "--weights-key", "model_ema", "--lr", "1e-12", "--epochs", "1"),
	} {
		if code, _, stderr := runParc(t, args...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr)
		}
	}
	want := average[slices.IndexFunc(average, func(tensor weights.Tensor) bool { return tensor.Name == "head.weight" })]
	wanted, err := want.Floats()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{converted, filepath.Join(trained, "last", "model.safetensors")} {
		got, err := tensorIn(t, path, "head.weight").Floats()
		if err != nil {
			t.Fatal(err)
		}
		agree(t, got, wanted, 1e-6)
	}

	fails(t, []string{"predict", "--checkpoint", file, "--model", "convnext_scene", "--weights-key", "ema", picture},
		file, `under the key "ema"`, "has them under model, model_ema")
	fails(t, []string{"predict", "--checkpoint", converted, "--weights-key", "ema", picture}, converted, "under no key")
	fails(t, []string{"eval", "--checkpoint", trained, "--weights-key", "ema", "--data", data}, "--weights-key", "is no file of weights")
	fails(t, trainArgs(data, dir, "--weights-key", "ema"), "--weights-key has no use without --weights")
}
