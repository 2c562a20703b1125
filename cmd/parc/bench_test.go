package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/bench"
)

func TestBenchOpPrintsATableAndWritesJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "op.json")
	code, stdout, stderr := runParc(t, "bench", "op", "--shape", "5x6x3,8x4x2", "--axis", "width", "--peers", "none",
		"--batch", "1,2", "--threads", "1,2", "--rounds", "1", "--json", file)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, heading := range []string{
		"forward along width, batch 1, 1 thread, ms a call", "forward along width, batch 2, 2 threads, ms a call",
		"training along width, batch 2, 1 thread, ms a call",
	} {
		if strings.Count(stdout, heading) != 1 {
			t.Errorf("not one table is headed %q:\n%s", heading, stdout)
		}
	}
	if rows := strings.Count(stdout, "\n| 5x6x3 "); rows != 8 {
		t.Errorf("5x6x3 is in %d tables, want 8:\n%s", rows, stdout)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Works) != 16 {
		t.Fatalf("the file has %d works, want 16", len(report.Works))
	}
	for _, result := range report.Works {
		if result.Work.Axis.String() != "width" || len(result.Entries) != 7 {
			t.Errorf("%s has %d entries, want 7 along width", result.Work, len(result.Entries))
		}
		for _, e := range result.Entries {
			if !(e.Low > 0 && e.Low <= e.Median && e.Median <= e.High && e.Rounds == 1 && e.Difference < 1e-5) {
				t.Errorf("%s: %+v", result.Work, e)
			}
		}
	}
}

func TestBenchOpMeasuresEveryLength(t *testing.T) {
	code, stdout, stderr := runParc(t, "bench", "op", "--set", "any", "--lengths", "3-5", "--pass", "forward", "--batch", "1", "--threads", "1", "--rounds", "1")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, part := range []string{"3 lengths: the slowest", "\n| 3 ", "\n| 4 ", "\n| 5 "} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the output has no %q:\n%s", part, stdout)
		}
	}
}

func TestBenchOpDrawsAPlot(t *testing.T) {
	for name, start := range map[string]string{"op.svg": "<?xml", "op.png": "\x89PNG"} {
		file := filepath.Join(t.TempDir(), name)
		code, _, stderr := runParc(t, "bench", "op", "--shape", "4x4x3,9x9x2", "--peers", "none", "--batch", "1", "--threads", "1", "--rounds", "1", "--plot", file)
		if code != 0 || stderr != "" {
			t.Fatalf("exit code %d, stderr %q", code, stderr)
		}
		data, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s: %v, begins with %q", name, err, data[:min(len(data), 8)])
		}
	}
}

func TestBenchOpMeasuresMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: needs Linux")
	}
	const alone = "FASTPARC_MEASURED_ALONE" // in a process whose memory nothing else uses
	if os.Getenv(alone) == "" {
		child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		child.Env = append(os.Environ(), alone+"=1")
		if output, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		return
	}
	file := filepath.Join(t.TempDir(), "memory.json")
	code, stdout, stderr := runParc(t, "bench", "op", "--set", "memory", "--batch", "1", "--threads", "1", "--json", file)
	if code != 0 || stderr != "" || !strings.Contains(stdout, "448x448x6 along height, batch 1, forward, 1 thread: ") {
		t.Fatalf("exit code %d, stderr %q, stdout %q", code, stderr, stdout)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var memory []bench.Memory
	if err := json.Unmarshal(data, &memory); err != nil {
		t.Fatal(err)
	}
	const maps, weights = 4 * 448 * 448 * 6, 4 * (2*448*6 + 6) // x or y; kernel, embedding and bias
	want := []int64{2*maps + weights, 4*maps + 3*weights}      // in training the gradients, and weights before a step and after it, too
	for i, m := range memory {
		// what the work before left behind is not part of what was there before
		if i < len(want) && (m.Tensors != want[i] || m.Peak < want[i]*9/10 || m.Peak > want[i]+24<<20) {
			t.Errorf("%s: %d bytes of tensors and %d at the peak, want %d and at the peak about as many or a few MB more", m, m.Tensors, m.Peak, want[i])
		}
	}
	if len(memory) != len(want) {
		t.Errorf("%d works are measured, want %d", len(memory), len(want))
	}
}

func TestBenchOpNamesWrongFlags(t *testing.T) {
	for _, c := range []struct {
		args  string
		words []string
	}{
		{"--shape 56x56", []string{"--shape", "56x56", "HEIGHTxWIDTHxCHANNELS"}},
		{"--shape 56x0x3", []string{"--shape", "56x0x3"}},
		{"--set pets", []string{"--set", "pets", "imagenet", "table"}},
		{"--axis depth", []string{"axis", "depth", "height, width"}},
		{"--pass backward", []string{"--pass", "backward", "training"}},
		{"--batch 0", []string{"--batch is 0"}},
		{"--threads 0", []string{"--threads is 0"}},
		{"--rounds 0", []string{"--rounds is 0"}},
		{"--peers mxnet", []string{"--peers", "mxnet", "onnxruntime"}},
		{"--set any --lengths 5", []string{"--lengths", "FIRST-LAST"}},
		{"--set any --lengths 5-4", []string{"--lengths", "5-4"}},
		{"--plot op.gif", []string{"--plot", "op.gif", ".svg"}},
		{"--plot nowhere/op.svg", []string{"cannot write nowhere/op.svg"}},
		{"--json nowhere/op.json", []string{"cannot write nowhere/op.json"}},
	} {
		fails(t, append([]string{"bench", "op"}, strings.Fields(c.args)...), c.words...)
	}
}
