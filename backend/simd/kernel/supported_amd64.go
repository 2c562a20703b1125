//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// supported returns the best level that this processor and operating system run.
func supported() Level {
	x := &cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasBMI2 && x.HasAVX2 && x.HasFMA:
		return AVX512
	case x.HasAVX2 && x.HasFMA:
		return AVX2
	default:
		return Generic
	}
}
