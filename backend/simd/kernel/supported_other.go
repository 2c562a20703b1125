//go:build !amd64 || noasm

package kernel

// supported returns the best level that this processor and build have: the twins in pure Go.
func supported() Level { return Generic }
