//go:build !amd64 || noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

func (c *blockCall) runVector(fetches *asm.Fetches) bool { return false }
