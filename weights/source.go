package weights

// The bytes of files: mapped into memory where the system does that, else read when they are asked for.

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// source is the bytes of a file.
type source struct {
	size   uint64
	mapped []byte   // all of them, or nil
	file   *os.File // open where nothing is mapped
	unmap  func() error
}

func openSource(path string) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	s := &source{size: uint64(info.Size())}
	if s.mapped, s.unmap, err = mapFile(file, info.Size()); err != nil {
		s.file = file
		return s, nil
	}
	return s, file.Close()
}

// Close ends the use of the file and of every view of it.
func (s *source) Close() error {
	if s.file != nil {
		return s.file.Close()
	}
	if s.mapped == nil {
		return os.ErrClosed
	}
	s.mapped = nil
	return s.unmap()
}

// view returns the bytes from begin to end, which nobody may change, until the source is closed.
func (s *source) view(begin, end uint64) ([]byte, error) {
	if s.file == nil && s.mapped == nil {
		return nil, os.ErrClosed
	}
	if begin > end || end > s.size {
		return nil, fmt.Errorf("bytes %d to %d of %d: the file is cut off", begin, end, s.size)
	}
	if s.file == nil {
		return s.mapped[begin:end:end], nil
	}
	data := make([]byte, end-begin)
	if n, err := s.file.ReadAt(data, int64(begin)); n < len(data) {
		return nil, err
	}
	return data, nil
}

// ReadAt implements [io.ReaderAt].
func (s *source) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || uint64(offset) >= s.size {
		return 0, io.EOF
	}
	end := min(uint64(offset)+uint64(len(p)), s.size)
	data, err := s.view(uint64(offset), end)
	n := copy(p, data)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// guard calls read and returns as an error that a mapped file does not hold what it held when it was opened: somebody
// else has shortened it, or its disk cannot be read.
func guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			err = fmt.Errorf("the file was changed or cannot be read any more: %v", fault)
		default:
			panic(fault)
		}
	}()
	return read()
}
