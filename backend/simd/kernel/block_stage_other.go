//go:build !amd64 || noasm

package kernel

func (c *blockCall) assembly() blockRoutine { return nil }
