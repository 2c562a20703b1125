package data

import (
	"archive/tar"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/internal/testdata"
)

// dot is a PNG file of 2×2 pixels of a grey level.
func dot(t testing.TB, level uint8) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 2, 2))
	for i := range picture.Pix {
		picture.Pix[i] = color.Gray{Y: level}.Y
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// folder writes files with the given contents.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// archived makes a tar of a folder.
func archived(t testing.TB, root string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.AddFS(os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "set.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFolderAndArchiveHoldTheSame(t *testing.T) {
	root := folder(t, map[string][]byte{
		"train/dog/b.PNG": dot(t, 3), "train/dog/a.png": dot(t, 2), "train/cat/z.png": dot(t, 1),
		"train/cat/.hidden.png": nil, "train/labels.csv": nil, "__MACOSX/x/y.png": nil,
	})
	for _, path := range []string{root, archived(t, root)} {
		set, err := OpenImageFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		if !slices.Equal(set.Classes(), []string{"cat", "dog"}) || set.Len() != 3 {
			t.Fatalf("classes %q, %d images", set.Classes(), set.Len())
		}
		for i, want := range []struct {
			name  string
			label int
		}{{"z.png", 0}, {"a.png", 1}, {"b.PNG", 1}} {
			picture, err := set.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(set.Name(i)) != want.name || set.Label(i) != want.label || picture.Pix[0] != uint8(i+1) {
				t.Errorf("%s: image %d is %s of class %d, level %d", path, i, set.Name(i), set.Label(i), picture.Pix[0])
			}
		}
	}
}

func TestOpenImageFolderNamesWhatIsWrong(t *testing.T) {
	tests := map[string]struct {
		files map[string][]byte
		want  string
	}{
		"empty":            {map[string][]byte{"a/readme.txt": nil}, "no images"},
		"one class":        {map[string][]byte{"cat/1.png": nil, "cat/2.png": nil}, `one class, "cat"`},
		"no class folder":  {map[string][]byte{"1.png": nil, "cat/2.png": nil}, `"1.png" lies in no class folder`},
		"uneven depth":     {map[string][]byte{"cat/1.png": nil, "more/dog/2.png": nil}, "side by side"},
		"different parent": {map[string][]byte{"train/cat/1.png": nil, "val/cat/2.png": nil}, "side by side"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := folder(t, test.files)
			for _, path := range []string{root, archived(t, root)} {
				_, err := OpenImageFolder(path)
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("error is %v, want %q and the path", err, test.want)
				}
			}
		})
	}
	compressed := filepath.Join(folder(t, map[string][]byte{"a.tar.gz": {0x1f, 0x8b, 8, 0}}), "a.tar.gz")
	if _, err := OpenImageFolder(compressed); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("error is %v, want one about gzip", err)
	}
}

func TestAJPEGCutOffAmongManyIsNamedSkippedAndCounted(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("internal", "decode", "testdata", "420.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		each   int // of two classes
		failed bool
	}{{50, false}, {49, true}} {
		files := map[string][]byte{}
		for i := range c.each {
			files[fmt.Sprintf("cat/%02d.jpg", i)], files[fmt.Sprintf("dog/%02d.jpg", i)] = whole, whole
		}
		files["cat/30.jpg"] = whole[:len(whole)*3/4]
		root := folder(t, files)
		for _, path := range []string{root, archived(t, root)} {
			set, err := OpenImageFolder(path)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			loader, err := NewLoader(set, LoaderOptions{BatchSize: 8, Preprocessing: small})
			if err != nil {
				t.Fatal(err)
			}
			read := 0
			var failure error
			for batch, err := range loader.Batches(t.Context(), 0, 0) {
				if failure = err; err == nil {
					read += len(batch.Labels)
				}
			}
			name := filepath.Join(path, "cat", "30.jpg")
			skipped := loader.Skipped()
			if len(skipped) != 1 || skipped[0].Name != name || !strings.Contains(skipped[0].Err.Error(), name) {
				t.Errorf("%s: skipped %v, want %s", path, skipped, name)
			}
			switch {
			case !c.failed && (failure != nil || read != 2*c.each-1):
				t.Errorf("%s: %d pictures read of %d, error %v, want all but one", path, read, 2*c.each, failure)
			case c.failed && (failure == nil || !strings.Contains(failure.Error(), "1 of 98 images cannot be read") || !strings.Contains(failure.Error(), name)):
				t.Errorf("%s: error %v, want one with the number and %s", path, failure, name)
			}
		}
	}
}

func TestSplitHoldsOutTheLastOfEachClass(t *testing.T) {
	set, err := OpenImageFolder(testdata.Shared(t, "data", "cifar10", "train.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	train, held, err := Split(set, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 45000 || held.Len() != 5000 {
		t.Fatalf("%d and %d images, want 45000 and 5000", train.Len(), held.Len())
	}
	for i := range held.Len() {
		if held.Label(i) != i/500 || filepath.Base(held.Name(i)) < "4500.jpg" {
			t.Fatalf("held out: %s of class %d at place %d", held.Name(i), held.Label(i), i)
		}
	}
	if picture, err := held.Image(17); err != nil || picture.Width != 32 || picture.Height != 32 {
		t.Errorf("picture %v, error %v, want 32×32 pixels", picture, err)
	}
	for _, fraction := range []float64{0, 1, -0.1} {
		if _, _, err := Split(set, fraction); err == nil {
			t.Errorf("fraction %v passes", fraction)
		}
	}
}

func TestWithClassesFollowsTheList(t *testing.T) {
	scenes, err := NewScenes(8, 1)
	if err != nil {
		t.Fatal(err)
	}
	classes := slices.Clone(scenes.Classes())
	slices.Reverse(classes)
	source, err := WithClasses(scenes, classes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if source.Classes()[source.Label(i)] != scenes.Classes()[scenes.Label(i)] {
			t.Errorf("scene %d changed its class", i)
		}
	}
	if _, err := WithClasses(scenes, classes[1:]); err == nil || !strings.Contains(err.Error(), classes[0]) {
		t.Errorf("error is %v, want one that names %q", err, classes[0])
	}
}

func TestImagesWithoutClassesLieAnywhere(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"b.png", "a/deep/er/c.png", "a/d.png", ".hidden/e.png", "notes.txt"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := OpenImages(root)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	var names []string
	for i := range folder.Len() {
		name, err := filepath.Rel(root, folder.Name(i))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(name))
		if folder.Label(i) != 0 {
			t.Errorf("%s has label %d, want 0", name, folder.Label(i))
		}
	}
	if want := []string{"a/d.png", "a/deep/er/c.png", "b.png"}; !slices.Equal(names, want) || folder.Classes() != nil {
		t.Errorf("images %v of classes %v, want %v of none", names, folder.Classes(), want)
	}
	if _, err := OpenImages(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("error %v for an empty folder, want that it has no images", err)
	}
}
