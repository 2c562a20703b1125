package weights

// PyTorch checkpoints: the zip archives that torch.save writes since version 1.6, and the row of pickles that it wrote
// before. In both the objects are a pickle, and the elements of tensors stand outside of it in storages, which tensors
// may share.

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"path"
	"slices"

	"github.com/fastparc/fastparc/weights/internal/pickle"
)

// readTorchZip reads what a checkpoint in a zip archive holds, under a key where one is given.
func readTorchZip(s *source, key string) (contents, error) {
	archive, err := openArchive(s)
	if err != nil {
		return contents{}, err
	}
	if order, err := archive.record("byteorder"); err == nil && string(order) != "little" {
		return contents{}, fmt.Errorf("byte order %q, want little", order)
	}
	text, err := archive.record("data.pkl")
	if err != nil {
		return contents{}, err
	}
	objects := newTorchObjects()
	checkpoint, _, err := pickle.Read(text, objects)
	if err != nil {
		return contents{}, fmt.Errorf("data.pkl: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(objects.storages)) {
		begin, end, err := archive.find("data/" + key)
		if err != nil {
			return contents{}, err
		}
		storage := objects.storages[key]
		storage.begin, storage.available = begin, end-begin
	}
	return stateDict(checkpoint, key, s)
}

// archive is a zip archive whose files are all stored as they are.
type archive struct {
	source *source
	folder string
	files  map[string]*zip.File
}

// openArchive lists the files of an archive of torch.save, which are all in one folder.
func openArchive(s *source) (*archive, error) {
	reader, err := zip.NewReader(s, int64(s.size))
	if err != nil {
		return nil, fmt.Errorf("the archive is cut off or damaged: %w", err)
	}
	a := &archive{source: s, files: make(map[string]*zip.File)}
	for _, file := range reader.File {
		a.files[file.Name] = file
		if path.Base(file.Name) == "data.pkl" {
			a.folder = path.Dir(file.Name)
		}
	}
	return a, nil
}

// find returns the place in the source of a file of the archive. It is stored uncompressed, as torch.save does, so that
// it cannot be larger than it looks.
func (a *archive) find(name string) (begin, end uint64, err error) {
	file, ok := a.files[path.Join(a.folder, name)]
	if !ok {
		return 0, 0, fmt.Errorf("the archive holds no %s: it is no checkpoint of torch.save", name)
	}
	if file.Method != zip.Store || file.CompressedSize64 != file.UncompressedSize64 {
		return 0, 0, fmt.Errorf("%s in the archive is compressed: save the checkpoint anew with torch.save", file.Name)
	}
	offset, err := file.DataOffset()
	if err != nil {
		return 0, 0, fmt.Errorf("%s in the archive: %w", file.Name, err)
	}
	begin = uint64(offset)
	if size := file.UncompressedSize64; begin > a.source.size || size > a.source.size-begin {
		return 0, 0, fmt.Errorf("%s in the archive takes %d bytes from byte %d, the whole file has %d", file.Name, size, begin, a.source.size)
	}
	return begin, begin + file.UncompressedSize64, nil
}

// record returns the content of a small file of the archive.
func (a *archive) record(name string) ([]byte, error) {
	begin, end, err := a.find(name)
	if err != nil {
		return nil, err
	}
	if end-begin > maxHeader {
		return nil, fmt.Errorf("%s in the archive has %d bytes, want at most %d", name, end-begin, maxHeader)
	}
	return a.source.view(begin, end)
}

// The first two pickles of a checkpoint without archive, and the first byte of any pickle.
const (
	legacyMagic    = "1950a86a20f9469cfc6c"
	legacyProtocol = 1001
	pickleStart    = 0x80
)

// readTorchLegacy reads what a checkpoint without archive holds, under a key where one is given: five pickles, of which the fourth is the objects and
// the last lists the storages; then these, each after its number of elements.
func readTorchLegacy(s *source, key string) (contents, error) {
	text, err := s.view(0, min(s.size, maxHeader))
	if err != nil {
		return contents{}, err
	}
	objects := newTorchObjects()
	position := uint64(0)
	next := func() (any, error) {
		object, length, err := pickle.Read(text[position:], objects)
		position += uint64(length)
		return object, err
	}
	if magic, err := next(); err != nil {
		return contents{}, err
	} else if number, ok := magic.(*big.Int); !ok || number.Text(16) != legacyMagic {
		return contents{}, errors.New("a pickle, but not one of torch.save")
	}
	if protocol, err := next(); err != nil || protocol != any(int64(legacyProtocol)) {
		return contents{}, errors.Join(fmt.Errorf("protocol %v, want %d", protocol, legacyProtocol), err)
	}
	system, err := next()
	if err != nil {
		return contents{}, err
	}
	if dict, ok := system.(*pickle.Dict); ok {
		if little, ok := dict.Get("little_endian"); ok && little != true {
			return contents{}, errors.New("the highest byte stands first, want the lowest")
		}
	}
	checkpoint, err := next()
	if err != nil {
		return contents{}, err
	}
	keys, err := next()
	if err != nil {
		return contents{}, err
	}
	if err := objects.placeLegacy(keys, s, position); err != nil {
		return contents{}, err
	}
	return stateDict(checkpoint, key, s)
}

// placeLegacy finds the storages, which follow one another in the order of their keys.
func (o *torchObjects) placeLegacy(keys any, s *source, position uint64) error {
	list, ok := keys.(*pickle.List)
	if !ok {
		return fmt.Errorf("%T for the storages' keys, want a list", keys)
	}
	for _, key := range list.Items {
		name, _ := key.(string)
		storage, ok := o.storages[name]
		if !ok {
			return fmt.Errorf("storage %v is not that of any tensor", key)
		}
		count, err := s.view(position, position+8)
		if err != nil {
			return fmt.Errorf("storage %s: %w", name, err)
		}
		if found := binary.LittleEndian.Uint64(count); found != storage.length {
			return fmt.Errorf("storage %s has %d elements, want %d", name, found, storage.length)
		}
		position += 8
		if rest := s.size - position; storage.length > rest/storage.width {
			return fmt.Errorf("storage %s has %d elements, but only %d bytes follow: the file is cut off", name, storage.length, rest)
		}
		storage.begin, storage.available = position, storage.length*storage.width
		position += storage.available
	}
	return nil
}
