//go:build unix

package weights

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file into memory, to be read only.
func mapFile(file *os.File, size int64) (mapped []byte, unmap func() error, err error) {
	if size == 0 || size > math.MaxInt {
		return nil, nil, errors.ErrUnsupported
	}
	mapped, err = unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	return mapped, func() error { return unix.Munmap(mapped) }, err
}
