package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fillWith writes files of these contents, and returns fault after the last.
func fillWith(fault error, contents ...string) func(string) error {
	return func(dir string) error {
		for i, content := range contents {
			if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), []byte(content), 0o644); err != nil {
				return err
			}
		}
		return fault
	}
}

// contents lists what dir holds, files with their contents.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			list = append(list, entry.Name()+"/")
		} else {
			list = append(list, entry.Name()+"="+string(read(t, filepath.Join(dir, entry.Name()))))
		}
	}
	return list
}

func wantContents(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := contents(t, dir); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", filepath.Base(dir), got, want)
	}
}

func TestADirectoryIsReplacedAsAWhole(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "new", "last")
	for _, fill := range []func(string) error{fillWith(nil, "1", "2"), fillWith(nil, "3")} {
		if err := replaceDirectory(dir, fill); err != nil {
			t.Fatal(err)
		}
	}
	wantContents(t, dir, "a=3")
	wantContents(t, filepath.Dir(dir), "last/")
}

func TestAFailedReplacementLeavesTheEarlierDirectory(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "last")
	if err := replaceDirectory(dir, fillWith(nil, "1", "2")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	if err := replaceDirectory(dir, fillWith(full, "3")); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	wantContents(t, dir, "a=1", "b=2")
	wantContents(t, parent, "last/")
}

func TestAReplacementCutOffAnywhereLeavesOneWhole(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string // the directories, by suffix, that were there
		want   string   // the content after recovery
	}{
		{"before anything", []string{""}, ""},
		{"while the new one was written", []string{"", ".new"}, ""},
		{"when the earlier one had been moved away", []string{".old", ".new"}, ".old"},
		{"before the earlier one was removed", []string{"", ".old"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "last")
			for _, suffix := range c.before {
				if err := os.Mkdir(dir+suffix, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := fillWith(nil, suffix)(dir + suffix); err != nil {
					t.Fatal(err)
				}
			}
			if err := recoverDirectory(dir); err != nil {
				t.Fatal(err)
			}
			wantContents(t, dir, "a="+c.want)
			if err := replaceDirectory(dir, fillWith(nil, "next")); err != nil {
				t.Fatal(err)
			}
			wantContents(t, dir, "a=next")
			wantContents(t, parent, "last/")
		})
	}
}
