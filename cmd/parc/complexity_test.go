package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestComplexityPrintsATable(t *testing.T) {
	code, stdout, stderr := runParc(t, "complexity", "--channels", "48", "--resolution", "14,20x32")
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{"48 channels", "MULTIPLY-ADDS", "PARAMETERS", "14x14", "20x32", "Fast-ParC", "461.0k", "131.7k"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table does not say %q:\n%s", want, stdout)
		}
	}
}

func TestComplexityWritesJSONAndCSV(t *testing.T) {
	_, stdout, stderr := runParc(t, "complexity", "--channels", "48", "--resolution", "14", "--json")
	var rows []struct {
		Height, Channels int
		Operator         string
		MultiplyAdds     int64 `json:"multiply_adds"`
		Parameters       int64
	}
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if len(rows) != 5 || rows[2].Operator != "ParC" || rows[2].MultiplyAdds != 14*14*48*14 || rows[2].Height != 14 || rows[2].Channels != 48 || rows[2].Parameters != 2*14*48+48 {
		t.Errorf("rows %+v", rows)
	}
	_, stdout, stderr = runParc(t, "complexity", "--from", "7", "--to", "9", "--csv")
	lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(lines) != 1+3*5 || strings.Join(lines[0], " ") != "height width channels operator multiply_adds parameters" {
		t.Errorf("%v: %s%s", err, stdout, stderr)
	}
}

func TestComplexityPlots(t *testing.T) {
	for _, name := range []string{"plot.svg", "plot.PNG"} {
		file := filepath.Join(t.TempDir(), name)
		if code, _, stderr := runParc(t, "complexity", "--plot", file); code != 0 {
			t.Fatal(stderr)
		}
		if info, err := os.Stat(file); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestComplexityNamesBadFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--channels 7", "--channels 7: want an even number"},
		{"--channels 0", "--channels 0: want an even number"},
		{"--resolution 0", `--resolution "0": want N or HEIGHTxWIDTH`},
		{"--resolution 14xx", `--resolution "14xx": want`},
		{"--resolution 99999", `--resolution "99999": want`},
		{"--from 9 --to 7", "--from 9 --to 7: want a first N"},
		{"--from 0", "--from 0 --to 448: want a first N"},
		{"--to 99999", "--from 7 --to 99999: want a first N of 1 or more that is not above the last, and that of 4096 at most"},
		{"--from 7 --resolution 7", "--resolution and --from or --to: want one"},
		{"--json --csv", "--json and --csv: want one"},
		{"--plot x.pdf", "--plot x.pdf: want a file that ends in .svg or .png"},
		{"--plot x.svg --resolution 7x9,14", "--plot x.svg of a map of 7×9: want square maps"},
		{"--plot x.svg --resolution 7", "--plot x.svg of one map: want two or more"},
		{"--plot missing/x.svg", "missing"},
		{"--model resnet50", "--model resnet50 has no circular convolutions: want a model with ParC"},
		{"--model resnet50_park", "resnet50_parc"},
		{"--model resnet50_parc --channels 8", "--model resnet50_parc and --channels: want one"},
		{"--model resnet50_parc --resolution 3", "3×3"},
	} {
		fails(t, append([]string{"complexity"}, strings.Fields(c.args)...), c.want)
	}
}

func TestComplexityOfAModelIsThatOfItsPlaces(t *testing.T) {
	code, stdout, stderr := runParc(t, "complexity", "--model", "resnet50_parc", "--json")
	var rows []struct {
		Stage, Operator                string
		Count, Height, Width, Channels int
		Dense                          bool
		MultiplyAdds                   int64 `json:"multiply_adds"`
		Parameters                     int64
	}
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || code != 0 {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if len(rows) != 15 {
		t.Fatalf("%d rows, want 2 places and the whole with 5 operators each", len(rows))
	}
	if at := rows[2]; at.Stage != "layer3" || at.Count != 3 || at.Height != 14 || at.Channels != 256 || !at.Dense || at.MultiplyAdds != 3*2*14*14*14*128*128 {
		t.Errorf("layer3 has %+v", at)
	}
	// The model as it is built, as the published tables give it.
	if whole := rows[12]; whole.Operator != "ParC" || (whole.MultiplyAdds+50000)/100000 != 39415 {
		t.Errorf("the whole model has %+v", whole)
	}
	if _, stdout, _ := runParc(t, "complexity", "--model", "convnext_xt_parc", "--resolution", "224,320x256"); !strings.Contains(stdout, "320x256") || !strings.Contains(stdout, "3 of 20x16x192") {
		t.Errorf("the table is\n%s", stdout)
	}
	if _, stdout, _ := runParc(t, "complexity", "--model", "parcnet_s", "--csv"); !strings.Contains(stdout, "parcnet_s,256,256,layer_3,4,32,32,192,false,ParC,25165824,") {
		t.Errorf("the CSV is\n%s", stdout)
	}
}
