package simd

import (
	"math"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

func init() { lowerings = append(lowerings, lowerComplex) }

// complexOps are the element-wise operations whose result is complex, on complex operands.
var complexOps = map[compute.OpType]func(x, y complex64) complex64{
	compute.OpTypeAdd:  func(x, y complex64) complex64 { return x + y },
	compute.OpTypeSub:  func(x, y complex64) complex64 { return x - y },
	compute.OpTypeMul:  func(x, y complex64) complex64 { return x * y },
	compute.OpTypeDiv:  func(x, y complex64) complex64 { return x / y },
	compute.OpTypeNeg:  func(x, _ complex64) complex64 { return -x },
	compute.OpTypeConj: func(x, _ complex64) complex64 { return complex(real(x), -imag(x)) },
}

// partOps are those whose result is real.
var partOps = map[compute.OpType]func(x complex64) float32{
	compute.OpTypeReal: func(x complex64) float32 { return real(x) },
	compute.OpTypeImag: func(x complex64) float32 { return imag(x) },
	compute.OpTypeAbs:  func(x complex64) float32 { return float32(math.Hypot(float64(real(x)), float64(imag(x)))) },
}

// lowerComplex makes the operations on complex64, which the Go backend does not have.
func lowerComplex(p *planner, n *node) (bool, error) {
	if n.op != compute.OpTypeComplex && (complexOps[n.op] == nil && partOps[n.op] == nil || n.inputs[0].shape.DType != dtypes.Complex64) {
		return false, nil
	}
	out := n.outputs[0]
	size := out.shape.Size()
	to := p.at(out)
	patterns := make([]kernel.Broadcast, len(n.inputs))
	for i, input := range n.inputs {
		pattern, ok := repeatPattern(input.shape.Dimensions, out.shape.Dimensions)
		if !ok {
			return false, nil
		}
		patterns[i] = pattern
	}
	from := p.locationsOf(n.inputs)
	var body func(r *run, lo, hi int)
	switch {
	case n.op == compute.OpTypeComplex:
		body = func(r *run, lo, hi int) {
			re, im, y := r.floats(from[0]), r.floats(from[1]), r.complexes(to)
			for i := lo; i < hi; i++ {
				y[i] = complex(re[source(patterns[0], i)], im[source(patterns[1], i)])
			}
		}
	case partOps[n.op] != nil:
		part := partOps[n.op]
		body = func(r *run, lo, hi int) {
			x, y := r.complexes(from[0]), r.floats(to)
			for i := lo; i < hi; i++ {
				y[i] = part(x[i])
			}
		}
	default:
		op, last := complexOps[n.op], len(n.inputs)-1
		body = func(r *run, lo, hi int) {
			a, b, y := r.complexes(from[0]), r.complexes(from[last]), r.complexes(to)
			for i := lo; i < hi; i++ {
				y[i] = op(a[source(patterns[0], i)], b[source(patterns[last], i)])
			}
		}
	}
	p.step(elementTask(size, body))
	return true, nil
}

// source returns the element of a repeated operand that stands at position i.
func source(b kernel.Broadcast, i int) int { return i/(b.Repeat*b.Inner)*b.Inner + i%b.Inner }

// elementsEach is how many elements one unit of an element-wise task in Go has.
const elementsEach = 4096

// elementTask splits a loop over elements.
func elementTask(elements int, body func(r *run, lo, hi int)) *task {
	return &task{
		units: (elements + elementsEach - 1) / elementsEach, work: 4 * elements,
		body: func(r *run, _ []float32, lo, hi int) { body(r, lo*elementsEach, min(hi*elementsEach, elements)) },
	}
}
