package main

import (
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
	fails(t, []string{"models", "convnext_xtparc"}, `"convnext_xtparc"`, "convnext_xt_parc")
	fails(t, []string{"models", "a", "b"}, "at most 1")
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
