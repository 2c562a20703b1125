package simd

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// shareCommon computes equal operations on equal inputs once.
func shareCommon() rule {
	known := map[string][]*value{}
	return func(_ *rewriter, n *node) []*value {
		if n.op == compute.OpTypeParameter || n.op == compute.OpTypeRNGBitGenerator || !isShareable(n) {
			return nil
		}
		key := identity(n)
		if first, ok := known[key]; ok {
			return first
		}
		known[key] = n.outputs
		return nil
	}
}

// isShareable says whether attributes and shapes tell all about a node: control flow and operations whose settings
// only their replay knows do not.
func isShareable(n *node) bool {
	switch a := n.attributes.(type) {
	case broadcastOf, transposeOf, reduceOf, sliceOf, concatOf, reverseOf, padOf, fftOf, dotOf, convolutionOf, windowOf:
		return true
	case constantOf:
		return len(a.data) <= memory.Alignment
	case nil:
		_, simple := elementwise[n.op]
		return simple || n.op == compute.OpTypeReshape || n.op == compute.OpTypeConvertDType || n.op == compute.OpTypeComplex
	default:
		return false
	}
}

// identity describes a node so that equal descriptions mean equal results.
func identity(n *node) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %v", n.op, n.attributes)
	for _, input := range n.inputs {
		fmt.Fprintf(&s, " %p", input)
	}
	for _, output := range n.outputs {
		fmt.Fprintf(&s, " %s", output.shape)
	}
	return s.String()
}
