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
	"slices"

	"github.com/fastparc/fastparc/internal/atomicfile"
)

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

// readSafetensors reads and checks the header of a safetensors file.
func readSafetensors(s *source) (contents, error) {
	c := contents{tensors: make(map[string]tensorInfo)}
	if s.size < lengthSize {
		return c, fmt.Errorf("%d bytes, too short for a file of weights", s.size)
	}
	prefix, err := s.view(0, lengthSize)
	if err != nil {
		return c, err
	}
	length := binary.LittleEndian.Uint64(prefix)
	if length > maxHeader {
		return c, fmt.Errorf("header of %d bytes, want at most %d: neither a safetensors file nor a PyTorch checkpoint", length, maxHeader)
	}
	if rest := s.size - lengthSize; length > rest {
		return c, fmt.Errorf("header of %d bytes, but only %d follow: the file is cut off", length, rest)
	}
	header, err := s.view(lengthSize, lengthSize+length)
	if err != nil {
		return c, err
	}
	entries, err := c.decodeHeader(header)
	if err != nil {
		return c, fmt.Errorf("header: %w", err)
	}
	return c, c.place(entries, s, lengthSize+length)
}

// decodeHeader reads the entries of the header one by one, so that a name that stands twice is noticed.
func (c *contents) decodeHeader(header []byte) (map[string]headerEntry, error) {
	decoder := json.NewDecoder(bytes.NewReader(header))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.Join(errors.New("not a JSON object"), err)
	}
	entries := make(map[string]headerEntry)
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name := key.(string) // The decoder allows nothing else for a key.
		if name == metadataKey {
			if err := decoder.Decode(&c.metadata); err != nil {
				return nil, fmt.Errorf("%s: %w", metadataKey, err)
			}
			continue
		}
		var entry headerEntry
		if err := decoder.Decode(&entry); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if _, twice := entries[name]; twice {
			return nil, fmt.Errorf("tensor %q stands there twice", name)
		}
		entries[name] = entry
		c.names = append(c.names, name)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if rest := header[decoder.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("more follows the JSON object")
	}
	return entries, nil
}

// place finds the tensors in a file whose header ends at start, and checks that they fill the data without gap or
// overlap.
func (c *contents) place(entries map[string]headerEntry, s *source, start uint64) error {
	available := s.size - start
	for _, name := range c.names {
		entry := entries[name]
		begin, end := entry.Offsets[0], entry.Offsets[1]
		want, err := byteSize(entry.DType, entry.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if begin > end || end > available {
			return fmt.Errorf("tensor %q is at bytes %d to %d of %d: the file is cut off or its header is wrong", name, begin, end, available)
		}
		if end-begin != want {
			return fmt.Errorf("tensor %q of type %s and shape %v has %d bytes, want %d", name, entry.DType, entry.Shape, end-begin, want)
		}
		c.tensors[name] = tensorInfo{DType: entry.DType, Shape: entry.Shape, source: s, begin: start + begin}
	}
	slices.SortFunc(c.names, func(a, b string) int {
		x, y := entries[a].Offsets, entries[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(a, b))
	})
	end := uint64(0)
	for _, name := range c.names {
		offsets := entries[name].Offsets
		if offsets[0] != end {
			return fmt.Errorf("tensor %q begins at byte %d of the data, want %d: tensors overlap or leave a gap", name, offsets[0], end)
		}
		end = offsets[1]
	}
	if end != available {
		return fmt.Errorf("%d bytes follow the last tensor, want none", available-end)
	}
	return nil
}
