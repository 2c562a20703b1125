package main

import (
	"encoding/json"
	"os"
	"path/filepath"
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
		{"--plot op.gif", []string{"--plot", "op.gif", ".svg"}},
	} {
		fails(t, append([]string{"bench", "op"}, strings.Fields(c.args)...), c.words...)
	}
}
