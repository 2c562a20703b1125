package weights

// Safetensors files in parts: an index (model.safetensors.index.json) says which file holds which tensor.

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// readIndex opens the parts that an index names. They lie in its folder.
func (f *File) readIndex(s *source) (contents, error) {
	c := contents{tensors: make(map[string]tensorInfo)}
	if s.size > maxHeader {
		return c, fmt.Errorf("index of %d bytes, want at most %d", s.size, maxHeader)
	}
	text, err := s.view(0, s.size)
	if err != nil {
		return c, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return c, fmt.Errorf("index: %w", err)
	}
	if len(index.WeightMap) == 0 {
		return c, fmt.Errorf("index: no weight_map, want the file of each tensor")
	}
	parts := make(map[string]contents)
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		part := index.WeightMap[name]
		if _, open := parts[part]; !open {
			if parts[part], err = f.openPart(part); err != nil {
				return c, fmt.Errorf("index: %s: %w", part, err)
			}
		}
		info, ok := parts[part].tensors[name]
		if !ok {
			return c, fmt.Errorf("index: tensor %q is not in %s", name, part)
		}
		c.tensors[name] = info
		c.names = append(c.names, name)
	}
	return c, nil
}

func (f *File) openPart(part string) (contents, error) {
	if part != filepath.Base(part) || !filepath.IsLocal(part) {
		return contents{}, fmt.Errorf("want the name of a file beside the index")
	}
	s, err := openSource(filepath.Join(filepath.Dir(f.name), part))
	if err != nil {
		return contents{}, err
	}
	f.sources = append(f.sources, s)
	return readSafetensors(s)
}
