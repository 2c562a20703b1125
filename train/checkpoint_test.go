package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACheckpointIsFoundWhereATrainingLeftIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := newTraining(t, dir, func(r *Recipe) { r.Epochs = 1 }).Fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, best := filepath.Join(dir, lastName), filepath.Join(dir, bestName)
	for _, c := range []struct {
		name, dir, want string
		prepare         func() error
	}{
		{"the training's directory", dir, best, nil},
		{"that of a checkpoint", last, last, nil},
		{"a replacement that was cut off", last, last, func() error { return os.Rename(last, last+oldSuffix) }},
		{"without the best", dir, last, func() error { return os.RemoveAll(best) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					t.Fatal(err)
				}
			}
			checkpoint, err := OpenCheckpoint(c.dir)
			if err != nil {
				t.Fatal(err)
			}
			if checkpoint.Dir != c.want {
				t.Errorf("found %s, want %s", checkpoint.Dir, c.want)
			}
		})
	}
}

func TestOpeningACheckpointLeavesOtherDirectoriesAlone(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "run")
	for _, copied := range []string{"run.old", "run.new"} {
		if err := os.Mkdir(filepath.Join(parent, copied), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenCheckpoint(dir); err == nil || !strings.Contains(err.Error(), "no checkpoint in "+dir) {
		t.Errorf("error %v, want one that names %s", err, dir)
	}
	wantContents(t, parent, "run.new/", "run.old/")
	if err := os.MkdirAll(filepath.Join(dir, lastName), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLast(dir); err == nil || !strings.Contains(err.Error(), "no checkpoint to resume from in "+filepath.Join(dir, lastName)) {
		t.Errorf("error %v, want one that names %s", err, filepath.Join(dir, lastName))
	}
	wantContents(t, parent, "run/", "run.new/", "run.old/")
}
