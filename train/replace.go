package train

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fastparc/fastparc/internal/atomicfile"
)

// A directory cannot replace another in one step everywhere, so that a replacement goes through two more names beside
// it. At every moment either dir or dir.old is whole:
//
//	dir.new is written and synced · dir becomes dir.old · dir.new becomes dir · dir.old is removed
const (
	newSuffix = ".new"
	oldSuffix = ".old"
)

// replaceDirectory makes dir hold what fill writes into the directory it is given, in place of whatever dir held. If
// fill fails, dir stays as it was and nothing else is left behind.
func replaceDirectory(dir string, fill func(dir string) error) error {
	fresh, old := dir+newSuffix, dir+oldSuffix
	if err := errors.Join(recoverDirectory(dir), os.RemoveAll(old), os.RemoveAll(fresh), os.MkdirAll(fresh, 0o755)); err != nil {
		return err
	}
	if err := fill(fresh); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	atomicfile.SyncDirectory(fresh)
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(err, recoverDirectory(dir))
	}
	atomicfile.SyncDirectory(filepath.Dir(dir))
	return os.RemoveAll(old)
}

// recoverDirectory puts dir back where a replacement was cut off after it had moved dir away. It removes nothing.
func recoverDirectory(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir+oldSuffix, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
