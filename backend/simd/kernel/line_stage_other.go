//go:build !amd64 || noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

func (r *lineRun) runVector(back bool, fetches *asm.Fetches) bool { return false }
