package data

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/data/internal/decode"
	"github.com/fastparc/fastparc/data/internal/tarindex"
)

// ImageFolder is a Source read from a folder of folders, or from a tar archive of one: each picture's class is the name
// of the folder that holds it. Classes are sorted by name, samples by class and then by file name.
type ImageFolder struct {
	root    string
	classes []string
	samples []sample
	archive *os.File // nil for a directory
}

type sample struct {
	name         string // slash-separated, relative to the root
	label        int
	offset, size int64 // in the archive
}

// OpenImageFolder lists the pictures (by file extension) in a directory or a .tar file at any depth; the archive is
// read in place, never unpacked. The folders that hold pictures must lie side by side, as in train/cat/1.jpg and
// train/dog/1.jpg. Names that begin with a dot, and macOS's __MACOSX folders, are passed over, other files ignored.
//
// Errors: no pictures; fewer than two classes; pictures outside class folders, or class folders at different depths or
// under different parents; an archive that is truncated or compressed, or holds names that lead out of it.
// Pictures are not decoded here: a corrupt one is found when it is read.
func OpenImageFolder(root string) (*ImageFolder, error) {
	folder := &ImageFolder{root: root}
	if err := folder.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("data: image folder %s: %w", root, err), folder.Close())
	}
	return folder, nil
}

// OpenImages lists the pictures as [OpenImageFolder] does, wherever they lie in it and sorted by name, without classes: all
// labels are 0. It is for what needs no labels.
func OpenImages(root string) (*ImageFolder, error) {
	folder := &ImageFolder{root: root}
	if err := folder.list(); err != nil {
		return nil, errors.Join(fmt.Errorf("data: images %s: %w", root, err), folder.Close())
	}
	slices.SortFunc(folder.samples, func(a, b sample) int { return cmp.Compare(a.name, b.name) })
	return folder, nil
}

func (f *ImageFolder) open() error {
	if err := f.list(); err != nil {
		return err
	}
	return f.classify()
}

// list finds the pictures.
func (f *ImageFolder) list() error {
	info, err := os.Stat(f.root)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = f.listDirectory()
	} else {
		err = f.listArchive(info.Size())
	}
	if err == nil && len(f.samples) == 0 {
		err = errors.New("no images: want .jpg, .jpeg, .png, .gif, .bmp, .webp, .tif or .tiff files")
	}
	return err
}

func (f *ImageFolder) listDirectory() error {
	return fs.WalkDir(os.DirFS(f.root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && hidden(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && decode.HasExtension(name):
			f.samples = append(f.samples, sample{name: name})
		}
		return nil
	})
}

func (f *ImageFolder) listArchive(size int64) error {
	var err error
	if f.archive, err = os.Open(f.root); err != nil {
		return err
	}
	magic := make([]byte, 2)
	if _, err := f.archive.ReadAt(magic, 0); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return errors.New("compressed with gzip: want a plain .tar, which can be read in place")
	}
	entries, err := tarindex.Index(f.archive, size)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !hidden(entry.Name) && decode.HasExtension(entry.Name) {
			f.samples = append(f.samples, sample{name: entry.Name, offset: entry.Offset, size: entry.Size})
		}
	}
	return nil
}

// hidden says whether any part of a path is not meant to be seen.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
		return strings.HasPrefix(part, ".") || part == "__MACOSX"
	})
}

// classify sorts the samples and numbers their classes.
func (f *ImageFolder) classify() error {
	parent := path.Dir(path.Dir(f.samples[0].name))
	for _, s := range f.samples {
		class := path.Dir(s.name)
		if class == "." {
			return fmt.Errorf("image %q lies in no class folder", s.name)
		}
		if path.Dir(class) != parent {
			return fmt.Errorf("images %q and %q: want all class folders side by side in one folder", f.samples[0].name, s.name)
		}
		f.classes = append(f.classes, path.Base(class))
	}
	slices.Sort(f.classes)
	f.classes = slices.Compact(f.classes)
	if len(f.classes) == 1 {
		return fmt.Errorf("all %d images are of one class, %q: want at least two class folders", len(f.samples), f.classes[0])
	}
	for i, s := range f.samples {
		f.samples[i].label, _ = slices.BinarySearch(f.classes, path.Base(path.Dir(s.name)))
	}
	slices.SortStableFunc(f.samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.name, b.name))
	})
	return nil
}

// Classes are the folder names, sorted.
func (f *ImageFolder) Classes() []string { return f.classes }

// Len is the number of pictures.
func (f *ImageFolder) Len() int { return len(f.samples) }

// Name is a picture's path: below the folder's, or within the archive.
func (f *ImageFolder) Name(index int) string { return filepath.Join(f.root, f.samples[index].name) }

// Label is a picture's class.
func (f *ImageFolder) Label(index int) int { return f.samples[index].label }

// Image reads and decodes a picture.
func (f *ImageFolder) Image(index int) (*Image, error) {
	s := f.samples[index]
	if f.archive != nil {
		return f.decoded(index, io.NewSectionReader(f.archive, s.offset, s.size))
	}
	file, err := os.Open(f.Name(index))
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer file.Close()
	return f.decoded(index, file)
}

func (f *ImageFolder) decoded(index int, r io.ReadSeeker) (*Image, error) {
	image, err := Decode(r)
	if err != nil {
		return nil, fmt.Errorf("data: image %s: %w", f.Name(index), err)
	}
	return image, nil
}

// Close closes the archive. Nothing may be read after that.
func (f *ImageFolder) Close() error {
	if f.archive == nil {
		return nil
	}
	return f.archive.Close()
}
