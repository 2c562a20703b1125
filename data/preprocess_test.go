package data

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/fastparc/fastparc/internal/testdata"
)

// The published pipelines, by their names in the reference file. Mean 0 and deviation 1/255 give back the grey levels.
var pipelines = map[string]Preprocessing{
	"pil_bilinear_256_224_rgb": {Size: 256, CropSize: 224, Interpolation: "bilinear"},
	"pil_bicubic_256_224_rgb":  {Size: 256, CropSize: 224, Interpolation: "bicubic"},
	"cv2_bilinear_288_256_bgr": {Size: 288, CropSize: 256, Interpolation: "opencv-bilinear", BGR: true},
}

func TestPreprocessMatchesPublishedPipelines(t *testing.T) {
	tensors := readBytes(t, testdata.Shared(t, "golden", "preprocess.safetensors"))
	for _, name := range []string{"n01440764_tench", "n01687978_agama", "n01806143_peacock"} {
		file, err := os.Open(testdata.Shared(t, "golden", "preprocess", name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		picture, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		for pipeline, p := range pipelines {
			t.Run(name+"/"+pipeline, func(t *testing.T) {
				p.Std = [3]float32{1.0 / 255, 1.0 / 255, 1.0 / 255}
				got, err := Preprocess(picture, p)
				if err != nil {
					t.Fatal(err)
				}
				want := tensors[name+"."+pipeline]
				if len(got) != len(want) {
					t.Fatalf("%d values, want %d", len(got), len(want))
				}
				for i, value := range got {
					if difference := value - float32(want[i]); difference > 0.01 || difference < -0.01 {
						t.Fatalf("value %d is %v, want %d", i, value, want[i])
					}
				}
			})
		}
	}
}

// readBytes reads the tensors of a safetensors file of bytes.
func readBytes(t *testing.T, path string) map[string][]uint8 {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint64(content)
	header := map[string]json.RawMessage{}
	if err := json.Unmarshal(content[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]uint8{}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var entry struct {
			DType   string  `json:"dtype"`
			Offsets []int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &entry); err != nil || entry.DType != "U8" {
			t.Fatal(fmt.Errorf("%s: dtype %s: %w", name, entry.DType, err))
		}
		tensors[name] = content[8+size:][entry.Offsets[0]:entry.Offsets[1]]
	}
	return tensors
}
