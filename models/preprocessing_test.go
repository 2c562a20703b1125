package models_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/fastparc/fastparc/models"
)

// Checkpoints hold this JSON: those of today must be read tomorrow.
func TestPreprocessingKeepsItsJSON(t *testing.T) {
	for _, c := range []struct {
		preprocessing models.Preprocessing
		want          string
	}{
		{newModel(t, "convnext_xt_parc", models.Options{ImageSize: [2]int{112, 224}}).Preprocessing(),
			`{"size":256,"crop_size":[112,224],"interpolation":"bicubic","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}`},
		{models.Preprocessing{Size: 288, CropSize: [2]int{256, 256}, Interpolation: models.BilinearOpenCV, Std: [3]float32{1, 1, 1}, BGR: true},
			`{"size":288,"crop_size":[256,256],"interpolation":"bilinear_opencv","mean":[0,0,0],"std":[1,1,1],"bgr":true}`},
	} {
		text, err := json.Marshal(c.preprocessing)
		if err != nil || string(text) != c.want {
			t.Errorf("%s and error %v, want %s", text, err, c.want)
		}
		var back models.Preprocessing
		if err := json.Unmarshal([]byte(c.want), &back); err != nil || !reflect.DeepEqual(back, c.preprocessing) {
			t.Errorf("%s is read as %+v with error %v, want %+v", c.want, back, err, c.preprocessing)
		}
	}
}
