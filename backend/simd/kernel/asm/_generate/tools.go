// Package generate holds one program a family of kernels; each writes one assembly file and its Go declarations.
// It is a module of its own, so that users of fastparc never build it.
package generate
