package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/models"
)

func TestModelsListsEveryModel(t *testing.T) {
	code, stdout, stderr := runParc(t, "models")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 1+len(models.Names()) {
		t.Errorf("%d lines, want a header and %d models:\n%s", len(lines), len(models.Names()), stdout)
	}
	for i, name := range models.Names() {
		if !strings.HasPrefix(lines[1+i], name+" ") {
			t.Errorf("line %d is %q, want model %s", 1+i, lines[1+i], name)
		}
	}
	hasRow(t, stdout, "convnext_xt_parc", "7412824", "1139.2", "224x224x3")
}

func TestModelsListsTheStagesOfOne(t *testing.T) {
	code, stdout, _ := runParc(t, "models", "convnext_xt")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	hasRow(t, stdout, "all,", "for", "7438360", "1144.0", "224x224x3")
	if !strings.Contains(stdout, "14x14x192") || !strings.Contains(stdout, "head") {
		t.Errorf("stages are missing:\n%s", stdout)
	}
	if !strings.Contains(stdout, "activations take at most ") {
		t.Errorf("the memory of activations is missing:\n%s", stdout)
	}
	fails(t, []string{"models", "convnext_xtparc"}, `"convnext_xtparc"`, "convnext_xt_parc")
	fails(t, []string{"models", "a", "b"}, "at most 1")
}

func TestModelsTellsCostsAsJSON(t *testing.T) {
	code, stdout, stderr := runParc(t, "models", "resnet_c32_parc", "--image-size", "64x96", "--output-stride", "2", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var costs modelCosts
	if err := json.Unmarshal([]byte(stdout), &costs); err != nil {
		t.Fatal(err)
	}
	// At least what enters a block of the first stage and what it adds are in memory at once.
	if least := 2 * 64 * 96 * 64 * 4; costs.PeakMemory < least || costs.PeakMemory > 4*least {
		t.Errorf("activations of %d bytes, want from %d to %d", costs.PeakMemory, least, 4*least)
	}
	last := costs.Stages[len(costs.Stages)-2]
	if !slices.Equal(costs.Input, []int{64, 96, 3}) || !slices.Equal(last.Output, []int{32, 48, 256}) || costs.Parameters == 0 || last.MACs == 0 {
		t.Errorf("costs %+v, want images of 64×96 and last maps of 32×48×256", costs)
	}
	code, stdout, _ = runParc(t, "models", "--json")
	var all []modelCosts
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || code != 0 || len(all) != len(models.Names()) {
		t.Errorf("exit code %d, %d models (%v), want %d", code, len(all), err, len(models.Names()))
	}
	fails(t, []string{"models", "resnet50", "--output-stride", "5"}, "output stride 5", "4 8 16 32")
	fails(t, []string{"models", "resnet50", "--image-size", "x9"}, `"x9"`, "HEIGHTxWIDTH")
	fails(t, []string{"models", "--output-stride", "8"}, "expected its name")
}

// hasRow asserts that a table has a row of these cells.
func hasRow(t *testing.T, table string, cells ...string) {
	t.Helper()
	for line := range strings.Lines(table) {
		if strings.Join(strings.Fields(line), " ") == strings.Join(cells, " ") {
			return
		}
	}
	t.Errorf("no row %q in:\n%s", strings.Join(cells, " "), table)
}
