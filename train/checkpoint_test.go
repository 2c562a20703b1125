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

func TestACardThatDescribesNoModelIsNamed(t *testing.T) {
	for _, c := range []struct{ card, want string }{
		{`{"model": `, "unexpected end of JSON input"},
		{`{"model": "convnext_scene_parc"}`, "no classes"},
		{`{"model": "convnext_sceen", "classes": ["cat", "dog"]}`, `no model is named "convnext_sceen"; the nearest names are convnext_scene`},
		{`{"model": "convnext_scene_parc", "classes": ["cat", "dog"], "image_size": [0, 48]}`, "image size 0×48, want at least 4×4"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, cardFile)
		if err := os.WriteFile(path, []byte(c.card), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q and the file's name in it", c.card, err, c.want)
		}
	}
}
