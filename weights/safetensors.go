package weights

// The safetensors format (https://github.com/huggingface/safetensors): the length of a header as 8 bytes, the header
// as JSON, then the tensors' data without gaps.

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/fastparc/fastparc/internal/atomicfile"
)

// File is an open safetensors file. Its tensors are read when they are asked for, by any number of goroutines.
type File struct {
	name     string
	data     io.ReaderAt
	closer   io.Closer
	tensors  map[string]tensorInfo
	names    []string
	metadata map[string]string
}

// tensorInfo is a tensor's entry in the header, with offsets from the beginning of the file.
type tensorInfo struct {
	DType DType
	Shape []int
	begin uint64
	end   uint64
}

// Open opens a safetensors file. A file whose header does not hold together is refused: one that is cut off, whose
// header is larger than the file or than 100 MB, or whose tensors overlap, leave gaps, or do not take the bytes that
// their type and shape say.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("weights: %w", err)
	}
	file, err := read(path, f, info.Size())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("weights: %s: %w", path, err)
	}
	file.closer = f
	return file, nil
}

// Close closes the file.
func (f *File) Close() error {
	return f.closer.Close()
}

// Names returns the names of the tensors in the order of their data.
func (f *File) Names() []string {
	return slices.Clone(f.names)
}

// Metadata returns the file's free-form metadata, nil where it has none.
func (f *File) Metadata() map[string]string {
	return f.metadata
}

// Tensor reads a tensor.
func (f *File) Tensor(name string) (Tensor, error) {
	info, ok := f.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("weights: %s holds no tensor %q", f.name, name)
	}
	data := make([]byte, info.end-info.begin)
	if n, err := f.data.ReadAt(data, int64(info.begin)); n < len(data) {
		return Tensor{}, fmt.Errorf("weights: %s: tensor %q: %w", f.name, name, err)
	}
	return Tensor{Name: name, DType: info.DType, Shape: slices.Clone(info.Shape), Data: data}, nil
}

// Save writes a safetensors file of tensors in the given order, with free-form metadata or nil. Either all of it is
// written or, where anything fails, an earlier file of that name stays as it was.
func Save(path string, tensors []Tensor, metadata map[string]string) error {
	header, err := encodeHeader(tensors, metadata)
	if err != nil {
		return err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		if err := binary.Write(w, binary.LittleEndian, uint64(len(header))); err != nil {
			return err
		}
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, tensor := range tensors {
			if _, err := w.Write(tensor.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return nil
}

const (
	// lengthSize is the size of the header's length.
	lengthSize = 8
	// maxHeader is the largest header that the format allows.
	maxHeader = 100_000_000
	// metadataKey is the header's entry that is not a tensor.
	metadataKey = "__metadata__"
)

// headerEntry is a tensor's entry as it stands in the header, with offsets from the end of the header.
type headerEntry struct {
	DType   DType     `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets [2]uint64 `json:"data_offsets"`
}

// encodeHeader returns the header, padded with spaces so that data begins at a multiple of 8 bytes.
func encodeHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	entries := make(map[string]any)
	if len(metadata) > 0 {
		entries[metadataKey] = metadata
	}
	offset := uint64(0)
	for _, tensor := range tensors {
		if err := tensor.check(); err != nil {
			return nil, err
		}
		if _, twice := entries[tensor.Name]; twice || tensor.Name == metadataKey {
			return nil, fmt.Errorf("weights: tensor name %q is taken", tensor.Name)
		}
		end := offset + uint64(len(tensor.Data))
		entries[tensor.Name] = headerEntry{tensor.DType, append([]int{}, tensor.Shape...), [2]uint64{offset, end}}
		offset = end
	}
	header, err := json.Marshal(entries)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("weights: header of %d bytes, want at most %d", len(header), maxHeader)
	}
	return header, nil
}

// read reads and checks the header of a file of the given size.
func read(name string, r io.ReaderAt, size int64) (*File, error) {
	if size < lengthSize {
		return nil, fmt.Errorf("%d bytes, too short for a safetensors file", size)
	}
	var prefix [lengthSize]byte
	if n, err := r.ReadAt(prefix[:], 0); n < len(prefix) {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, want at most %d: not a safetensors file", length, maxHeader)
	}
	if rest := uint64(size - lengthSize); length > rest {
		return nil, fmt.Errorf("header of %d bytes, but only %d follow: the file is cut off", length, rest)
	}
	header := make([]byte, length)
	if n, err := r.ReadAt(header, lengthSize); n < len(header) {
		return nil, err
	}
	file := &File{name: name, data: r, tensors: make(map[string]tensorInfo)}
	if err := file.decodeHeader(header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return file, file.place(lengthSize+length, uint64(size))
}

// decodeHeader reads the entries of the header one by one, so that a name that stands twice is noticed.
func (f *File) decodeHeader(header []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(header))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errors.Join(errors.New("not a JSON object"), err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		name := key.(string) // The decoder allows nothing else for a key.
		if name == metadataKey {
			if err := decoder.Decode(&f.metadata); err != nil {
				return fmt.Errorf("%s: %w", metadataKey, err)
			}
			continue
		}
		var entry headerEntry
		if err := decoder.Decode(&entry); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if _, twice := f.tensors[name]; twice {
			return fmt.Errorf("tensor %q stands there twice", name)
		}
		f.tensors[name] = tensorInfo{DType: entry.DType, Shape: entry.Shape, begin: entry.Offsets[0], end: entry.Offsets[1]}
		f.names = append(f.names, name)
	}
	if _, err := decoder.Token(); err != nil {
		return err
	}
	if rest := header[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return errors.New("more follows the JSON object")
	}
	return nil
}

// place turns offsets from the end of the header, at start, into offsets in the file of the given size, and checks
// that the tensors fill the data without gap or overlap.
func (f *File) place(start, size uint64) error {
	for _, name := range f.names {
		info := f.tensors[name]
		want, err := byteSize(info.DType, info.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if available := size - start; info.begin > info.end || info.end > available {
			return fmt.Errorf("tensor %q is at bytes %d to %d of %d: the file is cut off or its header is wrong", name, info.begin, info.end, available)
		}
		if info.end-info.begin != want {
			return fmt.Errorf("tensor %q of type %s and shape %v has %d bytes, want %d", name, info.DType, info.Shape, info.end-info.begin, want)
		}
		info.begin += start
		info.end += start
		f.tensors[name] = info
	}
	slices.SortFunc(f.names, func(a, b string) int {
		x, y := f.tensors[a], f.tensors[b]
		return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end), cmp.Compare(a, b))
	})
	end := start
	for _, name := range f.names {
		info := f.tensors[name]
		if info.begin != end {
			return fmt.Errorf("tensor %q begins at byte %d of the data, want %d: tensors overlap or leave a gap", name, info.begin-start, end-start)
		}
		end = info.end
	}
	if end != size {
		return fmt.Errorf("%d bytes follow the last tensor, want none", size-end)
	}
	return nil
}
