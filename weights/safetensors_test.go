package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

func TestSavedTensorsComeBack(t *testing.T) {
	rngState := tensors.FromFlatDataAndDimensions([]uint64{math.MaxUint64, 1, 1 << 63}, 3)
	state, err := FromValue("rng", rngState)
	if err != nil {
		t.Fatal(err)
	}
	saved := []Tensor{
		FromFloats("matrix", []int{2, 3}, []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 1e-40}),
		FromFloats("scalar", nil, []float32{7}),
		FromFloats("empty", []int{0, 4}, nil),
		state,
	}
	metadata := map[string]string{"format": "pt", "classes": "cat\ndog"}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := Save(path, saved, metadata); err != nil {
		t.Fatal(err)
	}
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !maps.Equal(file.Metadata(), metadata) {
		t.Errorf("metadata %v, want %v", file.Metadata(), metadata)
	}
	if len(file.Names()) != len(saved) {
		t.Errorf("names %v, want %d", file.Names(), len(saved))
	}
	for _, want := range saved {
		got, err := file.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s came back as %v, want %v", want.Name, got, want)
		}
	}
	got, err := file.Tensor("rng")
	if err != nil {
		t.Fatal(err)
	}
	value, err := got.Value()
	if err != nil {
		t.Fatal(err)
	}
	if !value.Equal(rngState) {
		t.Errorf("random state came back as %v, want %v", value, rngState)
	}
	if _, err := file.Tensor("absent"); err == nil || !strings.Contains(err.Error(), `"absent"`) {
		t.Errorf("error %v for a tensor that is not there, want its name in it", err)
	}
}

func TestEveryTypeReadsAsFloats(t *testing.T) {
	little := binary.LittleEndian
	for dtype, c := range map[DType]struct {
		data []byte
		want []float32
	}{
		F64:  {little.AppendUint64(little.AppendUint64(nil, math.Float64bits(-0.1)), math.Float64bits(3)), []float32{-0.1, 3}},
		F32:  {little.AppendUint32(nil, math.Float32bits(2.5)), []float32{2.5}},
		F16:  {little.AppendUint16(little.AppendUint16(nil, 0xC100), 0x0001), []float32{-2.5, 1.0 / (1 << 24)}},
		BF16: {little.AppendUint16(little.AppendUint16(nil, 0xC020), 0x3F80), []float32{-2.5, 1}},
		I64:  {little.AppendUint64(nil, math.MaxUint64), []float32{-1}},
		I32:  {little.AppendUint32(nil, math.MaxUint32-1), []float32{-2}},
		I16:  {little.AppendUint16(nil, math.MaxUint16), []float32{-1}},
		I8:   {[]byte{0x80, 0x7F}, []float32{-128, 127}},
		U64:  {little.AppendUint64(nil, 1<<40), []float32{1 << 40}},
		U32:  {little.AppendUint32(nil, math.MaxUint32), []float32{1 << 32}},
		U16:  {little.AppendUint16(nil, 65535), []float32{65535}},
		U8:   {[]byte{255, 0}, []float32{255, 0}},
		Bool: {[]byte{1, 0}, []float32{1, 0}},
	} {
		t.Run(string(dtype), func(t *testing.T) {
			got, err := Tensor{Name: "x", DType: dtype, Shape: []int{len(c.want)}, Data: c.data}.Floats()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// encode returns a file with this header and data.
func encode(header string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, data)...)
}

func TestBrokenFilesAreRefused(t *testing.T) {
	entry := func(name, dtype, shape string, begin, end int) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty file":               {nil, "0 bytes, too short"},
		"huge header":              {binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "header of 18446744073709551615 bytes"},
		"header beyond the file":   {binary.LittleEndian.AppendUint64(nil, 1000), "header of 1000 bytes, but only 0 follow"},
		"no JSON":                  {encode(`hello`, 0), "not a JSON object"},
		"JSON list":                {encode(`[]`, 0), "not a JSON object"},
		"JSON cut off":             {encode(`{"a":`, 0), "EOF"},
		"JSON goes on":             {encode(`{} {}`, 0), "more follows"},
		"metadata of numbers":      {encode(`{"__metadata__":{"epoch":3}}`, 0), "__metadata__"},
		"unknown type":             {encode(`{`+entry("a", "F8_E4M3", "[4]", 0, 4)+`}`, 4), `tensor "a": type "F8_E4M3"`},
		"negative size":            {encode(`{`+entry("a", "F32", "[-1,-1]", 0, 4)+`}`, 4), `tensor "a": shape [-1 -1]`},
		"elements beyond counting": {encode(`{`+entry("a", "F32", "[4294967296,4294967296]", 0, 4)+`}`, 4), "more elements than can be counted"},
		"data cut off":             {encode(`{`+entry("a", "F32", "[4]", 0, 16)+`}`, 15), `tensor "a" is at bytes 0 to 16 of 15`},
		"offsets in reverse":       {encode(`{`+entry("a", "F32", "[1]", 4, 0)+`}`, 4), `tensor "a" is at bytes 4 to 0 of 4`},
		"negative offset":          {encode(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4), `tensor "a"`},
		"too few bytes":            {encode(`{`+entry("a", "F32", "[4]", 0, 12)+`}`, 12), `tensor "a" of type F32 and shape [4] has 12 bytes, want 16`},
		"overlap":                  {encode(`{`+entry("a", "F32", "[2]", 0, 8)+`,`+entry("b", "F32", "[2]", 4, 12)+`}`, 12), `tensor "b" begins at byte 4 of the data, want 8`},
		"gap":                      {encode(`{`+entry("a", "F32", "[1]", 0, 4)+`,`+entry("b", "F32", "[1]", 8, 12)+`}`, 12), `tensor "b" begins at byte 8 of the data, want 4`},
		"bytes at the end":         {encode(`{`+entry("a", "F32", "[1]", 0, 4)+`}`, 6), "2 bytes follow the last tensor"},
		"name twice":               {encode(`{`+entry("a", "F32", "[1]", 0, 4)+`,`+entry("a", "F32", "[1]", 4, 8)+`}`, 8), `tensor "a" stands there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "broken.safetensors")
			if err := os.WriteFile(path, c.file, 0o644); err != nil {
				t.Fatal(err)
			}
			file, err := Open(path)
			if err == nil {
				file.Close()
				t.Fatal("the file was accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q, want %q and the file's name in it", err, c.want)
			}
		})
	}
}

func TestSaveRefusesWhatCannotBeRead(t *testing.T) {
	one := FromFloats("one", []int{1}, []float32{1})
	for name, tensors := range map[string][]Tensor{
		"name twice":   {one, one},
		"reserved":     {FromFloats(metadataKey, []int{1}, []float32{1})},
		"unknown type": {{Name: "a", DType: "F4", Shape: []int{1}, Data: []byte{0}}},
		"wrong size":   {{Name: "a", DType: F32, Shape: []int{2}, Data: []byte{0}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weights.safetensors")
			if err := Save(path, []Tensor{one}, nil); err != nil {
				t.Fatal(err)
			}
			if err := Save(path, tensors, nil); err == nil {
				t.Error("the tensors were saved")
			}
			file, err := Open(path)
			if err != nil {
				t.Fatalf("the earlier file is gone: %v", err)
			}
			file.Close()
		})
	}
}

// readBytes reads a file's content.
func readBytes(data []byte) (*File, error) {
	f := &File{name: "fuzz"}
	return f, f.read(&source{mapped: append([]byte{}, data...), size: uint64(len(data))}, "")
}

// FuzzRead checks that no file makes the reader panic, and that every file it accepts is one that it would write.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add(binary.LittleEndian.AppendUint64(nil, math.MaxUint64))
	f.Add(encode(`{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"__metadata__":{"x":"y"}}  `, 8))
	f.Add(encode(`{"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}`, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := readBytes(data)
		if err != nil {
			return
		}
		first := readAll(t, file)
		path := filepath.Join(t.TempDir(), "copy.safetensors")
		if err := Save(path, first, file.Metadata()); err != nil {
			t.Fatalf("an accepted file cannot be written: %v", err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		defer again.Close()
		second := readAll(t, again)
		byName := func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(first, byName)
		slices.SortFunc(second, byName)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("came back as %v, want %v", second, first)
		}
	})
}

func readAll(t *testing.T, file *File) []Tensor {
	result := []Tensor{}
	for _, name := range file.Names() {
		tensor, err := file.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tensor.Floats(); err != nil {
			t.Fatal(err)
		}
		tensor.Shape = append([]int{}, tensor.Shape...)
		result = append(result, tensor)
	}
	return result
}
