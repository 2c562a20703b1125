package memory

import (
	"syscall"
	"unsafe"
)

// hugePage is how many bytes a huge page has on most processors.
const hugePage = 2 << 20

// adviseHugePages asks the system for huge pages where memory is large. The rows of a line of a large feature map are on a
// page each otherwise, and a processor keeps the places of some dozens of pages at hand. It is advice: a system that does not
// take it changes nothing.
func adviseHugePages(memory []byte) {
	begin := -int(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) & (hugePage - 1)
	if end := begin + (len(memory)-begin)&^(hugePage-1); begin < end {
		_ = syscall.Madvise(memory[begin:end], syscall.MADV_HUGEPAGE)
	}
}
