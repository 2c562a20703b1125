// Package atomicfile writes files that are either there whole or not there at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write makes a file of what write writes. The file takes its place only when all of it is on the disk: where anything
// fails, an earlier file of that name stays as it was and nothing else is left behind.
func Write(path string, write func(w io.Writer) error) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			temporary.Close()
			os.Remove(temporary.Name())
			err = fmt.Errorf("cannot write %s: %w", path, err)
		}
	}()
	buffered := bufio.NewWriterSize(temporary, 1<<20)
	if err := errors.Join(write(buffered), buffered.Flush()); err != nil {
		return err
	}
	if err := temporary.Chmod(0o644); err != nil {
		return err
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	SyncDirectory(filepath.Dir(path))
	return nil
}

// SyncDirectory makes the names in a directory last through a power failure, on the systems that can.
func SyncDirectory(path string) {
	if directory, err := os.Open(path); err == nil {
		directory.Sync()
		directory.Close()
	}
}
