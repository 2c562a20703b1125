package tarindex

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
)

// archive makes a tar of files with their names as content.
func archive(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range names {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(name))})
		if _, writing := io.WriteString(w, name); errors.Join(err, writing) != nil {
			t.Fatal(errors.Join(err, writing))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestIndexPointsAtEachFile(t *testing.T) {
	long := "train/" + strings.Repeat("long/", 60) + "name.jpg"
	names := []string{"train/cat/1.jpg", "train/dog/ü.png", long}
	content := archive(t, names...)
	entries, err := Index(bytes.NewReader(content), int64(len(content)))
	if err != nil || len(entries) != len(names) {
		t.Fatalf("%d entries, error %v, want %d", len(entries), err, len(names))
	}
	for i, entry := range entries {
		if got := string(content[entry.Offset:][:entry.Size]); entry.Name != names[i] || got != names[i] {
			t.Errorf("entry %q holds %q, want %q", entry.Name, got, names[i])
		}
	}
}

func TestIndexRefusesTruncatedArchives(t *testing.T) {
	content := archive(t, "train/cat/1.jpg", "train/dog/2.jpg")
	for size := range len(content) {
		if _, err := Index(bytes.NewReader(content[:size]), int64(size)); err == nil {
			t.Errorf("the first %d of %d bytes pass as an archive", size, len(content))
		}
	}
}

func TestIndexRefusesNamesThatLeadOut(t *testing.T) {
	for _, name := range []string{"../a.jpg", "/etc/a.jpg", "cat/../../a.jpg", `..\a.jpg`} {
		content := archive(t, "train/cat/1.jpg", name)
		_, err := Index(bytes.NewReader(content), int64(len(content)))
		if err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%q: error is %v, want one about the name", name, err)
		}
	}
}

// Whatever the bytes, Index ends with an error or with entries that lie within them and agree with archive/tar's reading.
func FuzzIndex(f *testing.F) {
	content := archive(f, "train/cat/1.jpg", "train/dog/2.jpg")
	f.Add(content)
	f.Add(content[:700])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := Index(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		reader := tar.NewReader(bytes.NewReader(content))
		for _, entry := range entries {
			if !fs.ValidPath(entry.Name) || entry.Offset < 0 || entry.Size < 0 || entry.Offset+entry.Size > int64(len(content)) {
				t.Fatalf("entry %+v of %d bytes", entry, len(content))
			}
			header, err := reader.Next()
			for err == nil && header.Typeflag != tar.TypeReg {
				header, err = reader.Next()
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(reader)
			if err != nil || !bytes.Equal(want, content[entry.Offset:][:entry.Size]) {
				t.Fatalf("entry %+v does not hold what archive/tar reads (%v)", entry, err)
			}
		}
	})
}
