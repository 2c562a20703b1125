package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// File is an open file of tensors. They are read when they are asked for, by any number of goroutines.
type File struct {
	contents

	name    string
	sources []*source
}

// contents is what a file says it holds.
type contents struct {
	tensors  map[string]tensorInfo
	names    []string
	metadata map[string]string
}

// tensorInfo says where a tensor is.
type tensorInfo struct {
	DType DType
	Shape []int

	source *source
	begin  uint64 // the place of the first element in the source
	// strides are the distances of neighbours along each axis, in elements; nil where the tensor lies in row-major order
	// without gaps.
	strides []int
}

// Open opens a file of weights. What it is shows from its content:
//
//   - a safetensors file;
//   - the index of one that is kept in parts (model.safetensors.index.json), which lie in the index's folder;
//   - a PyTorch checkpoint, of torch.save's zip format or the one before it. It holds a state_dict, itself or under one
//     of the keys state_dict, model_state_dict, model, model_ema, ema, state_dict_ema, module and their like, the first
//     of them that is there. Nothing in it is run: a checkpoint that needs more than a state_dict is made of is refused.
//
// A file that does not hold together is refused: one that is cut off, or whose tensors do not take the bytes that their
// type and shape say.
func Open(path string) (*File, error) {
	return OpenKey(path, "")
}

// OpenKey opens a PyTorch checkpoint that holds several state_dicts, such as a model's and its moving average: it takes the
// one under this key. With an empty key it is [Open]. Where there is none under the key, the error lists the keys.
func OpenKey(path, key string) (*File, error) {
	s, err := openSource(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	f := &File{name: path, sources: []*source{s}}
	if err := guard(func() error { return f.read(s, key) }); err != nil {
		return nil, errors.Join(fmt.Errorf("weights: %s: %w", path, err), f.Close())
	}
	return f, nil
}

// read reads what the source says it holds, by its format: under the key, where one is given.
func (f *File) read(s *source, key string) (err error) {
	start, err := s.view(0, min(s.size, lengthSize))
	if err != nil {
		return err
	}
	isZip := bytes.HasPrefix(start, []byte("PK\x03\x04"))
	isHeader := len(start) == lengthSize && binary.LittleEndian.Uint64(start) <= maxHeader
	isPickle := !isHeader && bytes.HasPrefix(start, []byte{pickleStart})
	if key != "" && !isZip && !isPickle {
		return wrongKey(key, nil)
	}
	switch {
	case isZip:
		f.contents, err = readTorchZip(s, key)
	case isHeader:
		f.contents, err = readSafetensors(s)
	case isPickle:
		f.contents, err = readTorchLegacy(s, key)
	case bytes.HasPrefix(bytes.TrimSpace(start), []byte("{")):
		f.contents, err = f.readIndex(s)
	default:
		f.contents, err = readSafetensors(s)
	}
	return err
}

// Close closes the file.
func (f *File) Close() error {
	var problems []error
	for _, s := range f.sources {
		problems = append(problems, s.Close())
	}
	return errors.Join(problems...)
}

// Names returns the names of the tensors in the order of the file.
func (f *File) Names() []string {
	return slices.Clone(f.names)
}

// Metadata returns the file's free-form metadata, nil where it has none.
func (f *File) Metadata() map[string]string {
	return maps.Clone(f.metadata)
}

// Tensor reads a tensor.
func (f *File) Tensor(name string) (Tensor, error) {
	var tensor Tensor
	err := guard(func() (err error) {
		tensor, err = f.view(name)
		tensor.Data = bytes.Clone(tensor.Data)
		return err
	})
	return tensor, err
}

// view is Tensor without a copy: the data is valid until the file is closed, nobody may change it, and reading it is to
// be guarded.
func (f *File) view(name string) (Tensor, error) {
	info, ok := f.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("weights: %s holds no tensor %q", f.name, name)
	}
	data, err := info.data()
	if err != nil {
		return Tensor{}, fmt.Errorf("weights: %s: tensor %q: %w", f.name, name, err)
	}
	return Tensor{Name: name, DType: info.DType, Shape: slices.Clone(info.Shape), Data: data}, nil
}

// data returns the elements in row-major order.
func (i tensorInfo) data() ([]byte, error) {
	size, err := byteSize(i.DType, i.Shape)
	if err != nil {
		return nil, err
	}
	if i.strides == nil {
		return i.source.view(i.begin, i.begin+size)
	}
	width := elements[i.DType].dtype.Size()
	last := 0
	for axis, stride := range i.strides {
		last += (i.Shape[axis] - 1) * stride
	}
	spread, err := i.source.view(i.begin, i.begin+uint64((last+1)*width))
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, size)
	var gather func(axis, offset int)
	gather = func(axis, offset int) {
		if axis == len(i.Shape) {
			data = append(data, spread[offset*width:(offset+1)*width]...)
			return
		}
		for n := range i.Shape[axis] {
			gather(axis+1, offset+n*i.strides[axis])
		}
	}
	gather(0, 0)
	return data, nil
}
