package memory

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

func TestLargeMemoryIsAdvisedToHaveHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this system has no huge pages")
	}
	for _, size := range []int{2*hugePage + page, 3 * hugePage, 16 * hugePage} {
		memory := Bytes(size)
		first := (uintptr(unsafe.Pointer(&memory[0])) + hugePage - 1) &^ (hugePage - 1)
		if flags := flagsOf(t, first); !strings.Contains(flags, " hg") {
			t.Errorf("%d bytes: the flags of the first huge page are%s, want hg among them", size, flags)
		}
		runtime.KeepAlive(memory)
	}
}

// flagsOf returns the flags of the mapping that an address is in.
func flagsOf(t *testing.T, address uintptr) string {
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inside := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var begin, end uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &begin, &end); n == 2 {
			inside = begin <= address && address < end
		}
		if flags, found := strings.CutPrefix(lines.Text(), "VmFlags:"); found && inside {
			return flags
		}
	}
	t.Fatalf("address %#x is in no mapping", address)
	return ""
}
