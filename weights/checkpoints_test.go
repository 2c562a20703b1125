package weights

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheckpointsOfPyTorchAreRead reads files that testdata/checkpoints.py wrote.
func TestCheckpointsOfPyTorchAreRead(t *testing.T) {
	for file, prefix := range map[string]string{"zip.pt": "", "training.pth": "module.", "legacy.pth": "module."} {
		t.Run(file, func(t *testing.T) {
			file, err := Open(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			var names []string
			for _, c := range []struct {
				name  string
				dtype DType
				shape []int
				want  []float32
			}{
				{"matrix", F32, []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
				{"transposed", F32, []int{3, 2}, []float32{0, 3, 1, 4, 2, 5}},
				{"row", F32, []int{3}, []float32{3, 4, 5}},
				{"half", F16, []int{2}, []float32{-2.5, 0.5}},
				{"brain", BF16, []int{2, 1}, []float32{-2.5, 3}},
				{"double", F64, nil, []float32{0.1}},
				{"count", I64, nil, []float32{1 << 40}},
				{"parameter", F32, []int{1}, []float32{7}},
			} {
				names = append(names, prefix+c.name)
				tensor, err := file.Tensor(prefix + c.name)
				if err != nil {
					t.Fatal(err)
				}
				got, err := tensor.Floats()
				if err != nil {
					t.Fatal(err)
				}
				if tensor.DType != c.dtype || !slices.Equal(tensor.Shape, c.shape) || !slices.Equal(got, c.want) {
					t.Errorf("%s: %s %v %v, want %s %v %v", c.name, tensor.DType, tensor.Shape, got, c.dtype, c.shape, c.want)
				}
			}
			if !slices.Equal(file.Names(), names) {
				t.Errorf("names %v, want %v", file.Names(), names)
			}
		})
	}
	if _, err := Open(filepath.Join("testdata", "module.pt")); err == nil || !strings.Contains(err.Error(), "torch.nn.modules.linear.Linear is refused") {
		t.Errorf("error %v for a module, want its refusal", err)
	}
}

// seedCheckpoints gives a fuzz test the files that PyTorch wrote.
func seedCheckpoints(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.pt*"))
	if err != nil || len(paths) == 0 {
		f.Fatal("no checkpoints in testdata", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
}
