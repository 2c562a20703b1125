//go:build !unix

package weights

import (
	"errors"
	"os"
)

// mapFile returns an error: files are read.
func mapFile(*os.File, int64) (mapped []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
