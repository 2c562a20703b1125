//go:build !linux

package memory

// adviseHugePages asks for nothing: elsewhere the system decides.
func adviseHugePages([]byte) {}
