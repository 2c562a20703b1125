//go:build !linux

package simd

// adviseHugePages asks for nothing: elsewhere the system decides.
func adviseHugePages([]byte) {}
