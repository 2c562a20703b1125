package simd

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/gomlx/compute/dtypes"
)

// reporter says, once for each kind of operation and data type, what has no kernel here.
type reporter struct {
	out   io.Writer
	mutex sync.Mutex
	said  map[string]bool
}

// fallsBack reports a node that runs on GoMLX's Go backend. On a nil reporter it does nothing.
func (r *reporter) fallsBack(n *node) {
	if r == nil {
		return
	}
	var operands []string
	why := "no kernel for this form of it"
	for _, input := range n.inputs {
		operands = append(operands, input.shape.String())
		if d := input.shape.DType; d != dtypes.Float32 {
			why = "no kernel for " + d.String()
		}
	}
	kind := n.op.String() + ": " + why
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !r.said[kind] {
		r.said[kind] = true
		fmt.Fprintf(r.out, "simd: %s of %s runs on GoMLX's Go backend: %s\n", n.op, strings.Join(operands, ", "), why)
	}
}
