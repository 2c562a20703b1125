package data

import (
	"os"
	"slices"
	"testing"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/models"
)

// The published pipelines, by their names in the reference file. Mean 0 and deviation 1/255 give back the grey levels.
var pipelines = map[string]models.Preprocessing{
	"pil_bilinear_256_224_rgb": {Size: 256, CropSize: [2]int{224, 224}, Interpolation: models.Bilinear},
	"pil_bicubic_256_224_rgb":  {Size: 256, CropSize: [2]int{224, 224}, Interpolation: models.Bicubic},
	"cv2_bilinear_288_256_bgr": {Size: 288, CropSize: [2]int{256, 256}, Interpolation: models.BilinearOpenCV, BGR: true},
}

func TestPreprocessMatchesPublishedPipelines(t *testing.T) {
	tensors := golden.Values(t, "preprocess")
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
					if difference := value - want[i]; difference > 0.01 || difference < -0.01 {
						t.Fatalf("value %d is %v, want %v", i, value, want[i])
					}
				}
			})
		}
	}
}

// A picture of 8×6 is resized to 6×5 (6.67 rounded down). The centre of 5×5 begins at (0, 0), half a pixel being rounded
// to even; that of 3 rows and 4 columns begins at (1, 1).
func TestCropsOfAnyShapeAreCutFromTheCentre(t *testing.T) {
	picture, err := numbered{}.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	p := models.Preprocessing{Size: 5, Interpolation: models.Bicubic, Std: [3]float32{1, 1, 1}}
	whole := preprocessed(t, picture, p, 5, 5)
	cropped := preprocessed(t, picture, p, 3, 4)
	if len(cropped) != 3*4*3 {
		t.Fatalf("%d values, want %d", len(cropped), 3*4*3)
	}
	for y := range 3 {
		if got, want := cropped[y*4*3:][:4*3], whole[((y+1)*5+1)*3:][:4*3]; !slices.Equal(got, want) {
			t.Errorf("row %d is %v, want %v", y, got, want)
		}
	}
}

func preprocessed(t *testing.T, picture *Image, p models.Preprocessing, height, width int) []float32 {
	t.Helper()
	p.CropSize = [2]int{height, width}
	values, err := Preprocess(picture, p)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
