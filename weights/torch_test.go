package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Parts of pickles.

func word(s string) string {
	return string(binary.LittleEndian.AppendUint32([]byte("X"), uint32(len(s)))) + s
}

func number(n int) string {
	return string(binary.LittleEndian.AppendUint64([]byte("\x8a\x08"), uint64(n)))
}

func tuple(items ...string) string {
	return "(" + strings.Join(items, "") + "t"
}

func numbers(values []int) string {
	var items []string
	for _, value := range values {
		items = append(items, number(value))
	}
	return tuple(items...)
}

func dict(entries ...string) string {
	return "}(" + strings.Join(entries, "") + "u"
}

func call(module, name string, arguments ...string) string {
	return "c" + module + "\n" + name + "\n" + tuple(arguments...) + "R"
}

func stored(kind, key string, length int) string {
	return tuple(word("storage"), "ctorch\n"+kind+"\n", word(key), word("cpu"), number(length)) + "Q"
}

func tensor(storage string, offset int, shape, strides []int) string {
	return call("torch._utils", "_rebuild_tensor_v2",
		storage, number(offset), numbers(shape), numbers(strides), "\x89", call("collections", "OrderedDict"))
}

func pickled(object string) string {
	return "\x80\x02" + object + "."
}

// storageData is the content of a storage.
type storageData struct {
	key    string
	length int
	data   []byte
}

func float32s(values ...float32) []byte {
	var data []byte
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return data
}

// zipFile is a file of an archive.
type zipFile struct {
	name, content string
	method        uint16
}

func zipped(t testing.TB, files ...zipFile) []byte {
	t.Helper()
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	for _, file := range files {
		w, err := writer.CreateHeader(&zip.FileHeader{Name: file.name, Method: file.method})
		if err == nil {
			_, err = io.WriteString(w, file.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// torchZip is a checkpoint in an archive.
func torchZip(t testing.TB, object string, storages ...storageData) []byte {
	files := []zipFile{{name: "model/data.pkl", content: pickled(object)}, {name: "model/byteorder", content: "little"}}
	for _, s := range storages {
		files = append(files, zipFile{name: "model/data/" + s.key, content: string(s.data)})
	}
	return zipped(t, files...)
}

// torchLegacy is a checkpoint without archive.
func torchLegacy(object string, storages ...storageData) []byte {
	file := pickled("\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19") + pickled(number(1001)) + pickled(dict(word("little_endian"), "\x88")) + pickled(object)
	var keys, data string
	for _, s := range storages {
		keys += word(s.key)
		data += string(binary.LittleEndian.AppendUint64(nil, uint64(s.length))) + string(s.data)
	}
	return []byte(file + pickled("]("+keys+"e") + data)
}

// openBytes opens a file of this content.
func openBytes(t testing.TB, content []byte) (*File, error) {
	t.Helper()
	return openKey(t, content, "")
}

// openKey opens what a file of this content has under a key.
func openKey(t testing.TB, content []byte, key string) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint.pth")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := OpenKey(path, key)
	if err == nil {
		t.Cleanup(func() { file.Close() })
	}
	return file, err
}

func TestTorchTensorsComeOut(t *testing.T) {
	little := binary.LittleEndian
	matrix := storageData{"0", 6, float32s(1, 2, 3, 4, 5, 6)}
	shared := stored("FloatStorage", "0", 6)
	for _, c := range []struct {
		name, tensor string
		storage      storageData
		dtype        DType
		shape        []int
		want         []float32
	}{
		{"whole storage", tensor(shared, 0, []int{2, 3}, []int{3, 1}), matrix, F32, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"part of a storage", tensor(shared, 2, []int{3}, []int{1}), matrix, F32, []int{3}, []float32{3, 4, 5}},
		{"transposed", tensor(shared, 0, []int{3, 2}, []int{1, 3}), matrix, F32, []int{3, 2}, []float32{1, 4, 2, 5, 3, 6}},
		{"every other column", tensor(shared, 1, []int{2, 1}, []int{3, 2}), matrix, F32, []int{2, 1}, []float32{2, 5}},
		{"spread value", tensor(shared, 4, []int{3, 1}, []int{0, 1}), matrix, F32, []int{3, 1}, []float32{5, 5, 5}},
		{"axis of size 1 with any stride", tensor(shared, 0, []int{1, 3}, []int{99, 1}), matrix, F32, []int{1, 3}, []float32{1, 2, 3}},
		{"scalar", tensor(shared, 5, nil, nil), matrix, F32, nil, []float32{6}},
		{"empty", tensor(shared, 6, []int{0, 3}, []int{3, 1}), matrix, F32, []int{0, 3}, nil},
		{"parameter", call("torch._utils", "_rebuild_parameter", tensor(shared, 0, []int{1}, []int{1}), "\x88", "N"), matrix, F32, []int{1}, []float32{1}},
		{"parameter with attributes", call("torch._utils", "_rebuild_parameter_with_state", tensor(shared, 0, []int{1}, []int{1}), "\x88", "N", "}"), matrix, F32, []int{1}, []float32{1}},
		{"shape of type torch.Size", call("torch._utils", "_rebuild_tensor", shared, number(0), call("torch", "Size", numbers([]int{2})), numbers([]int{1})), matrix, F32, []int{2}, []float32{1, 2}},
		{"double", tensor(stored("DoubleStorage", "0", 1), 0, []int{1}, []int{1}), storageData{"0", 1, little.AppendUint64(nil, math.Float64bits(2.5))}, F64, []int{1}, []float32{2.5}},
		{"half", tensor(stored("HalfStorage", "0", 2), 0, []int{2}, []int{1}), storageData{"0", 2, []byte{0, 0xc1, 1, 0}}, F16, []int{2}, []float32{-2.5, 1.0 / (1 << 24)}},
		{"bfloat16", tensor(stored("BFloat16Storage", "0", 1), 0, []int{1}, []int{1}), storageData{"0", 1, []byte{0x20, 0xc0}}, BF16, []int{1}, []float32{-2.5}},
		{"long", tensor(stored("LongStorage", "0", 1), 0, nil, nil), storageData{"0", 1, little.AppendUint64(nil, 7)}, I64, nil, []float32{7}},
		{"byte", tensor(stored("ByteStorage", "0", 1), 0, nil, nil), storageData{"0", 1, []byte{200}}, U8, nil, []float32{200}},
	} {
		object := call("collections", "OrderedDict") + "(" + word("x") + c.tensor + "u}" + word("_metadata") + "}sb"
		for format, content := range map[string][]byte{"zip": torchZip(t, object, c.storage), "legacy": torchLegacy(object, c.storage)} {
			t.Run(c.name+"/"+format, func(t *testing.T) {
				file, err := openBytes(t, content)
				if err != nil {
					t.Fatal(err)
				}
				tensor, err := file.Tensor("x")
				if err != nil {
					t.Fatal(err)
				}
				got, err := tensor.Floats()
				if err != nil {
					t.Fatal(err)
				}
				if tensor.DType != c.dtype || !slices.Equal(tensor.Shape, c.shape) || !slices.Equal(got, c.want) {
					t.Errorf("%s %v %v, want %s %v %v", tensor.DType, tensor.Shape, got, c.dtype, c.shape, c.want)
				}
			})
		}
	}
}

func TestStateIsFoundInCheckpoints(t *testing.T) {
	storage := storageData{"0", 2, float32s(1, 2)}
	state := func(value int) string {
		return dict(word("fc.weight"), tensor(stored("FloatStorage", "0", 2), value-1, []int{1}, []int{1}))
	}
	for _, c := range []struct {
		name, object string
		want         float32
	}{
		{"itself", state(1), 1},
		{"state_dict", dict(word("epoch"), number(3), word("state_dict"), state(1)), 1},
		{"model_state_dict", dict(word("model_state_dict"), state(1)), 1},
		{"model", dict(word("optimizer"), dict(number(0), dict(word("step"), state(2))), word("model"), state(1)), 1},
		{"model_ema", dict(word("model_ema"), state(1)), 1},
		{"module of ema", dict(word("ema"), dict(word("module"), state(1), word("decay"), "G?\xef\xfb\xe7l\x8bC\x96")), 1},
		{"state_dict_ema", dict(word("state_dict_ema"), state(1)), 1},
		{"model before model_ema", dict(word("model_ema"), state(2), word("model"), state(1)), 1},
		{"tensors beside", dict(word("best"), tensor(stored("FloatStorage", "0", 2), 1, nil, nil), word("state_dict"), state(1)), 1},
		{"settings beside", dict(word("args"), call("argparse", "Namespace")+dict(word("lr"), number(1))+"b", word("model"), state(1)), 1},
		{"made of pairs", call("collections", "OrderedDict", "](]("+word("fc.weight")+tensor(stored("FloatStorage", "0", 2), 0, []int{1}, []int{1})+"ee"), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := openBytes(t, torchZip(t, c.object, storage))
			if err != nil {
				t.Fatal(err)
			}
			if names := file.Names(); !slices.Equal(names, []string{"fc.weight"}) {
				t.Fatalf("names %v", names)
			}
			tensor, err := file.Tensor("fc.weight")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tensor.Floats(); err != nil || got[0] != c.want {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestAKeyChoosesAmongTheWeightsOfACheckpoint(t *testing.T) {
	storage := storageData{"0", 2, float32s(1, 2)}
	state := func(value int) string {
		return dict(word("fc.weight"), tensor(stored("FloatStorage", "0", 2), value-1, []int{1}, []int{1}))
	}
	several := dict(word("epoch"), number(3), word("model"), state(1), word("ema"), dict(word("module"), state(2)))
	for name, content := range map[string][]byte{"zip": torchZip(t, several, storage), "legacy": torchLegacy(several, storage)} {
		for key, want := range map[string]float32{"": 1, "model": 1, "ema": 2} {
			file, err := openKey(t, content, key)
			if err != nil {
				t.Fatalf("%s, key %q: %v", name, key, err)
			}
			tensor, err := file.Tensor("fc.weight")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tensor.Floats(); err != nil || got[0] != want {
				t.Errorf("%s, key %q: %v, %v, want %v", name, key, got, err, want)
			}
		}
		for _, key := range []string{"model_ema", "epoch"} {
			if _, err := openKey(t, content, key); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("under the key %q: the checkpoint has them under ema, model", key)) {
				t.Errorf("%s, key %q: error %v, want the keys there are", name, key, err)
			}
		}
	}
	for name, content := range map[string][]byte{"a state_dict": torchZip(t, state(1), storage), "no pickle": []byte("{}")} {
		if _, err := openKey(t, content, "ema"); err == nil || !strings.Contains(err.Error(), "under no key") {
			t.Errorf("%s: error %v, want that there is no key", name, err)
		}
	}
}

func TestTorchFilesThatDoNotHoldTogetherAreRefused(t *testing.T) {
	storage := storageData{"0", 2, float32s(1, 2)}
	state := func(tensor string) string { return dict(word("fc.weight"), tensor) }
	one := stored("FloatStorage", "0", 2)
	good := state(tensor(one, 0, []int{2}, []int{1}))
	archive, legacy := torchZip(t, good, storage), torchLegacy(good, storage)
	pkl := zipFile{name: "model/data.pkl", content: pickled(good)}
	ones := slices.Repeat([]int{1}, 65)
	for _, c := range []struct {
		name    string
		content []byte
		want    []string
	}{
		{"archive cut off", archive[:len(archive)-30], []string{"the archive is cut off or damaged"}},
		{"beginning of an archive", archive[:100], []string{"the archive is cut off or damaged"}},
		{"archive of something else", zipped(t, zipFile{name: "a.txt", content: "a"}), []string{"the archive holds no data.pkl"}},
		{"compressed pickle", zipped(t, zipFile{name: "model/data.pkl", content: strings.Repeat(" ", 1<<20), method: zip.Deflate}), []string{"model/data.pkl in the archive is compressed"}},
		{"compressed storage", zipped(t, pkl, zipFile{name: "model/data/0", content: strings.Repeat("\x00", 1<<20), method: zip.Deflate}), []string{"model/data/0 in the archive is compressed"}},
		{"storage missing", zipped(t, pkl), []string{"the archive holds no data/0"}},
		{"storage too small", torchZip(t, good, storageData{"0", 2, float32s(1)}), []string{`tensor "fc.weight": storage "0" has 4 bytes, want those of 2 elements of type F32`}},
		{"storage too large", torchZip(t, good, storageData{"0", 2, float32s(1, 2, 3)}), []string{`storage "0" has 12 bytes`}},
		{"highest byte first", zipped(t, pkl, zipFile{name: "model/byteorder", content: "big"}), []string{`byte order "big"`}},
		{"claim of a huge storage", torchZip(t, state(tensor(stored("FloatStorage", "0", 1<<60), 0, []int{1 << 60}, []int{1})), storage), []string{`tensor "fc.weight"`}},
		{"more elements than can be counted", torchZip(t, state(tensor(one, 0, []int{1 << 40, 1 << 40}, []int{1, 1})), storage), []string{`tensor "fc.weight"`, "more elements than can be counted"}},
		{"spread beyond its storage", torchZip(t, state(tensor(one, 0, []int{1 << 40}, []int{0})), storage), []string{`tensor "fc.weight": shape [1099511627776] with strides [0] from element 0 does not fit a storage of 2 elements`}},
		{"offset beyond the storage", torchZip(t, state(tensor(one, 2, []int{1}, []int{1})), storage), []string{"from element 2 does not fit"}},
		{"stride beyond the storage", torchZip(t, state(tensor(one, 0, []int{2}, []int{2})), storage), []string{"strides [2] from element 0 does not fit"}},
		{"strides that overflow", torchZip(t, state(tensor(one, 0, []int{2, 2}, []int{math.MaxInt, math.MaxInt})), storage), []string{"does not fit"}},
		{"negative size", torchZip(t, state(tensor(one, 0, []int{-1}, []int{1})), storage), []string{"shape: -1, want a number from 0 up"}},
		{"shape and strides of other lengths", torchZip(t, state(tensor(one, 0, []int{1}, nil)), storage), []string{"1 axes with 0 strides"}},
		{"too many axes", torchZip(t, state(tensor(one, 0, ones, ones)), storage), []string{"65 axes"}},
		{"tensor of no storage", torchZip(t, state(tensor("N", 0, nil, nil))), []string{"a tensor of <nil>, want a storage"}},
		{"two types of one storage", torchZip(t, dict(word("a"), tensor(one, 0, nil, nil), word("b"), tensor(stored("LongStorage", "0", 2), 0, nil, nil)), storage), []string{`storage "0" is of 2 F32 and of 2 I64`}},
		{"complex numbers", torchZip(t, state(tensor(stored("ComplexFloatStorage", "0", 1), 0, nil, nil)), storage), []string{`tensor "fc.weight": type "C64"`}},
		{"no tensors", torchZip(t, dict(word("epoch"), number(3))), []string{"the checkpoint holds no tensors under names"}},
		{"a call of anything else", torchZip(t, call("os", "system", word("touch /tmp/owned"))), []string{"data.pkl", "os.system is refused"}},
		{"a call of eval", torchZip(t, call("builtins", "eval", word("1"))), []string{"builtins.eval is refused"}},
		{"a module", torchZip(t, call("torchvision.models.resnet", "ResNet")), []string{"torchvision.models.resnet.ResNet is refused", "save the state_dict alone"}},
		{"a storage with a code to run", torchZip(t, call("torch.storage", "_load_from_bytes", "N")), []string{"torch.storage._load_from_bytes is refused"}},
		{"a call of a storage", torchZip(t, call("torch", "FloatStorage", number(1<<40))), []string{"torch.FloatStorage must not be called"}},
		{"legacy of another program", []byte(pickled(number(7))), []string{"a pickle, but not one of torch.save"}},
		{"legacy cut off in the objects", legacy[:80], []string{"the pickle is cut off"}},
		{"legacy cut off in a storage", legacy[:len(legacy)-1], []string{"storage 0 has 2 elements, but only 7 bytes follow"}},
		{"legacy cut off before a storage", legacy[:len(legacy)-12], []string{"storage 0", "cut off"}},
		{"legacy with a storage of another length", torchLegacy(good, storageData{"0", 3, float32s(1, 2, 3)}), []string{"storage 0 has 3 elements, want 2"}},
		{"legacy with a storage of nothing", torchLegacy(good, storage, storageData{"1", 1, float32s(1)}), []string{"storage 1 is not that of any tensor"}},
		{"legacy with a huge storage", torchLegacy(state(tensor(stored("FloatStorage", "0", 1<<60), 0, []int{1 << 60}, []int{1})), storageData{"0", 1 << 60, nil}), []string{"the file is cut off"}},
		{"legacy with a call", torchLegacy(call("os", "system", word("ls"))), []string{"os.system is refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			file, err := openBytes(t, c.content)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatalf("the file was accepted: %v", file.Names())
			}
			for _, want := range append(c.want, "checkpoint.pth") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
				t.Errorf("%d bytes were allocated for a file of %d", allocated, len(c.content))
			}
		})
	}
}

func TestTensorsAreReadWhenTheyAreAskedFor(t *testing.T) {
	const length = 8 << 20
	object := dict(word("large"), tensor(stored("FloatStorage", "0", length), 0, []int{length}, []int{1}),
		word("small"), tensor(stored("FloatStorage", "0", length), 0, []int{1}, []int{1}))
	content := torchZip(t, object, storageData{"0", length, make([]byte, 4*length)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	file, err := openBytes(t, content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Tensor("small"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("%d bytes were allocated to read 4 of %d", allocated, 4*length)
	}
}

func TestAFileThatIsShortenedWhileOpenGivesAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := Save(path, []Tensor{FromFloats("x", []int{1 << 16}, make([]float32, 1<<16))}, nil); err != nil {
		t.Fatal(err)
	}
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Skipf("an open file cannot be shortened here: %v", err)
	}
	if _, err := file.Tensor("x"); err == nil {
		t.Error("the tensor was read all the same")
	}
}

func TestAClosedFileGivesAnError(t *testing.T) {
	file, err := openBytes(t, torchLegacy(dict(word("x"), tensor(stored("FloatStorage", "0", 1), 0, nil, nil)), storageData{"0", 1, float32s(1)}))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Tensor("x"); err == nil {
		t.Error("the tensor was read all the same")
	}
}

func TestFilesInPartsAreRead(t *testing.T) {
	write := func(t *testing.T, index string) (*File, error) {
		dir := t.TempDir()
		for name, tensor := range map[string]string{"one.safetensors": "a", "two.safetensors": "b"} {
			if err := Save(filepath.Join(dir, name), []Tensor{FromFloats(tensor, []int{1}, []float32{float32(tensor[0])})}, nil); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "model.safetensors.index.json")
		if err := os.WriteFile(path, []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err == nil {
			t.Cleanup(func() { file.Close() })
		}
		return file, err
	}
	file, err := write(t, `{"metadata": {"total_size": 8}, "weight_map": {"b": "two.safetensors", "a": "one.safetensors"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		tensor, err := file.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tensor.Floats(); err != nil || !slices.Equal(got, []float32{float32(name[0])}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for index, want := range map[string]string{
		`{`:                  "index: unexpected end of JSON",
		`{"weight_map": {}}`: "no weight_map",
		`{"weight_map": {"a": "three.safetensors"}}`:  "three.safetensors",
		`{"weight_map": {"b": "one.safetensors"}}`:    `tensor "b" is not in one.safetensors`,
		`{"weight_map": {"a": "../one.safetensors"}}`: "want the name of a file beside the index",
		`{"weight_map": {"a": ".."}}`:                 "want the name of a file beside the index",
	} {
		if _, err := write(t, index); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", index, err, want)
		}
	}
}

// FuzzOpen checks that no file makes the readers panic or take memory out of proportion.
func FuzzOpen(f *testing.F) {
	seedCheckpoints(f)
	storage := storageData{"0", 6, float32s(1, 2, 3, 4, 5, 6)}
	object := dict(word("model"), dict(word("x"), tensor(stored("FloatStorage", "0", 6), 1, []int{2, 2}, []int{1, 2})))
	f.Add(torchZip(f, object, storage))
	f.Add(torchLegacy(object, storage))
	f.Add(torchZip(f, call("os", "system", word("ls"))))
	f.Add(encode(`{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}`, 8))
	f.Add([]byte(`{"weight_map": {"a": "b"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &File{name: filepath.Join("absent", "fuzz")}
		if err := file.read(&source{mapped: append([]byte{}, data...), size: uint64(len(data))}, ""); err != nil {
			return
		}
		for _, name := range file.Names() {
			tensor, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(tensor.Data) > len(data) {
				t.Fatalf("tensor %q of %d bytes in a file of %d", name, len(tensor.Data), len(data))
			}
			if _, err := tensor.Floats(); err != nil {
				t.Fatal(fmt.Errorf("%q: %w", name, err))
			}
		}
	})
}
