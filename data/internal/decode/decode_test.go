package decode

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pictures and PIL's reading of them were made by testdata/make.py.
func TestDecodeReadsAsPILDoes(t *testing.T) {
	// The inverse transform of JPEG may round each plane one grey level differently, and conversion to RGB adds up to
	// 1 + 1.772 of that. libwebp rounds its chroma interpolation in two steps. All else is exact.
	tolerance := map[string]int{
		"444.jpg": 3, "422.jpg": 3, "420.jpg": 3, "progressive.jpg": 3, "narrow.jpg": 3, "cmyk.jpg": 3, "grey.jpg": 1,
		"lossy.webp": 2,
	}
	files, err := filepath.Glob("testdata/*.rgb")
	if err != nil || len(files) == 0 {
		t.Fatalf("no reference values: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".rgb")
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.Open(strings.TrimSuffix(file, ".rgb"))
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			got, err := Decode(source)
			if err != nil {
				t.Fatal(err)
			}
			if 3*got.Width*got.Height != len(want) {
				t.Fatalf("%d×%d pixels, want %d bytes", got.Width, got.Height, len(want))
			}
			worst := 0
			for y := range got.Height {
				for x, value := range got.Row(y) {
					difference := int(value) - int(want[y*3*got.Width+x])
					worst = max(worst, difference, -difference)
				}
			}
			if worst > tolerance[name] {
				t.Errorf("a value is %d away from PIL's, allowed %d", worst, tolerance[name])
			}
		})
	}
}

func TestDecodeRefusesHugePicturesBeforeReadingThem(t *testing.T) {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	content := file.Bytes()
	header := content[12:29] // IHDR: type, width, height, …; its checksum follows
	binary.BigEndian.PutUint32(header[4:], 60_000)
	binary.BigEndian.PutUint32(header[8:], 60_000)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(header))
	_, err := Decode(bytes.NewReader(content))
	if err == nil || !strings.Contains(err.Error(), "60000×60000") {
		t.Errorf("error is %v, want one that names the size", err)
	}
}
