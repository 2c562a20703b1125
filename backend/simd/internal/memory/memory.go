// Package memory allocates what tensors and temporaries are kept in.
package memory

import (
	"sync/atomic"
	"unsafe"
)

// Alignment is of all memory, in bytes: a cache line and the widest vector.
const Alignment = 64

const (
	page    = 4096
	stagger = 5 * Alignment
)

var staggered atomic.Uint32

// Bytes allocates memory that begins at a multiple of Alignment. Large ones begin some lines of the cache further in a page
// than those before, so that the same places of two tensors do not drive each other out, and have huge pages where the system
// gives them.
func Bytes(size int) []byte {
	further := 0
	if size >= 16*page {
		further = int(staggered.Add(1)) * stagger % page
	}
	raw := make([]byte, size+further+Alignment)
	adviseHugePages(raw)
	skip := further + -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw))))&(Alignment-1)
	return raw[skip : skip+size : skip+size]
}

// Floats allocates memory as Bytes does.
func Floats(n int) []float32 {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Bytes(4*n)))), n)
}
