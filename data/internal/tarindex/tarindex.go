// Package tarindex finds the files in a tar archive, so that each can be read where it lies.
package tarindex

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Entry is a regular file of an archive: Size bytes from Offset.
type Entry struct {
	Name         string // slash-separated, clean, relative
	Offset, Size int64
}

// Index lists the regular files of the archive of size bytes that r holds, in the archive's order. Folders, links and
// devices are left out. A file that lies partly outside the archive, a missing end of archive, a sparse file and a
// name that leads out of the folder one would unpack to are errors.
func Index(r io.ReaderAt, size int64) ([]Entry, error) {
	section := io.NewSectionReader(r, 0, size)
	archive := tar.NewReader(section)
	var entries []Entry
	end := int64(0) // of the last entry
	for {
		header, err := archive.Next()
		position, _ := section.Seek(0, io.SeekCurrent)
		if errors.Is(err, io.EOF) {
			if position < end+2*blockSize {
				return nil, fmt.Errorf("truncated: ends after %d files with no end-of-archive mark", len(entries))
			}
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("after %d files: %w", len(entries), err)
		}
		if sparse(header) {
			return nil, fmt.Errorf("file %q is stored sparse, which is not supported", header.Name)
		}
		end = position
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > size-position {
			return nil, fmt.Errorf("truncated: file %q has %d bytes, %d are left", header.Name, header.Size, size-position)
		}
		end = position + (header.Size+blockSize-1)/blockSize*blockSize
		name := path.Clean(header.Name)
		if !fs.ValidPath(name) || strings.Contains(name, `\`) {
			return nil, fmt.Errorf("file name %q leads out of the archive's folder", header.Name)
		}
		entries = append(entries, Entry{Name: name, Offset: position, Size: header.Size})
	}
}

const blockSize = 512

func sparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
