package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteReplacesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"first, and longer", "second"} {
		err := Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wantOnly(t, path, content)
	}
}

func TestFailedWriteLeavesTheEarlierFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("earlier"), 0o644); err != nil {
		t.Fatal(err)
	}
	noSpace := errors.New("no space left on device")
	err := Write(path, func(w io.Writer) error {
		// More than is buffered, so that part of it has reached the disk.
		if _, err := w.Write(make([]byte, 3<<20)); err != nil {
			return err
		}
		return noSpace
	})
	if !errors.Is(err, noSpace) {
		t.Errorf("error %v, want %v", err, noSpace)
	}
	wantOnly(t, path, "earlier")
}

// wantOnly checks that the file has this content and that its folder holds nothing else.
func wantOnly(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != content {
		t.Errorf("%s holds %q, want %q", path, got, content)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %v, want only %s", entries, filepath.Base(path))
	}
}
