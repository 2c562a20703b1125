package simd

import (
	"github.com/gomlx/compute"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// maxFolded is the largest result, in bytes, that is computed while compiling.
const maxFolded = 1 << 20

// foldConstants computes nodes that depend on constants alone, once, on the Go backend.
func foldConstants(b *Backend) rule {
	return func(rw *rewriter, n *node) []*value {
		if n.op == compute.OpTypeConstant || n.op == compute.OpTypeParameter || n.op == compute.OpTypeBroadcastInDim || len(n.inputs) == 0 && n.op != compute.OpTypeIota {
			return nil
		}
		for _, input := range n.inputs {
			if input.node.op != compute.OpTypeConstant {
				return nil
			}
		}
		for _, output := range n.outputs {
			if byteSize(output.shape) > maxFolded || output.shape.DType.IsComplex() {
				return nil
			}
		}
		data, err := evaluate(b, n)
		if err != nil {
			return nil // the run will say what is wrong
		}
		folded := make([]*value, len(n.outputs))
		for i, output := range n.outputs {
			folded[i] = rw.constant(output, data[i])
		}
		return folded
	}
}

// constant adds a constant in place of a value.
func (b *rewriter) constant(v *value, data []byte) *value {
	n := &node{function: v.node.function, op: compute.OpTypeConstant, attributes: constantOf{data}}
	n.outputs = []*value{{node: n, shape: v.shape}}
	return b.add(n)
}

// evaluate runs a node of constants.
func evaluate(b *Backend, n *node) (results [][]byte, err error) {
	defer catch(&err)
	executable, err := compileAlone(b.fallback, n)
	if err != nil {
		return nil, err
	}
	defer executable.Finalize()
	s := &fallback{op: n.op, executable: executable, shapes: shapesOf(n.inputs)}
	for _, input := range n.inputs {
		data := input.node.attributes.(constantOf).data
		s.inputs = append(s.inputs, location{space: inConstant, size: len(data), data: data})
	}
	for _, output := range n.outputs {
		data := memory.Bytes(byteSize(output.shape))
		s.outputs = append(s.outputs, location{space: inConstant, size: len(data), data: data})
		results = append(results, data)
	}
	return results, s.run(&run{backend: b})
}
