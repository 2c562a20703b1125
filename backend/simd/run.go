package simd

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// run is one call of an executable on its way through the plan.
type run struct {
	plan       *plan
	backend    *Backend
	arena      []byte
	weights    []byte
	parameters []*Buffer
	outputs    []*Buffer
	scratch    [][]float32 // one a goroutine
	job        job
}

// space says where a value's memory is.
type space int

const (
	inArena space = iota
	inWeights
	inParameter
	inOutput
	inConstant
)

// location is a value's memory within a run.
type location struct {
	space  space
	index  int // of the parameter or output
	offset int // bytes
	size   int // bytes
	data   []byte
}

// bytes returns a value's memory.
func (r *run) bytes(l location) []byte {
	var whole []byte
	switch l.space {
	case inArena:
		whole = r.arena
	case inWeights:
		whole = r.weights
	case inParameter:
		whole = r.parameters[l.index].data
	case inOutput:
		whole = r.outputs[l.index].data
	default:
		whole = l.data
	}
	return whole[l.offset : l.offset+l.size : l.offset+l.size]
}

// floats returns a float32 value's memory.
func (r *run) floats(l location) []float32 {
	b := r.bytes(l)
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// complexes returns a complex64 value's memory.
func (r *run) complexes(l location) []complex64 {
	b := r.bytes(l)
	return unsafe.Slice((*complex64)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/8)
}

// flatView returns memory as the Go slice of a data type.
func flatView(dtype dtypes.DType, data []byte, elements int) any {
	if len(data) == 0 {
		return dtypes.MakeAnySlice(dtype, 0)
	}
	return dtypes.UnsafeAnySliceFromBytes(unsafe.Pointer(unsafe.SliceData(data)), dtype, elements)
}

// step is one piece of a plan.
type step interface {
	run(r *run) error
}

// parallelWork is the number of elementary operations (multiply-adds, elements moved) below which a task is not worth
// waking another goroutine for.
const parallelWork = 1 << 16

// task is a step that splits into independent units.
type task struct {
	units   int
	work    int // elementary operations in all
	scratch int // float32 values a goroutine
	body    func(r *run, scratch []float32, lo, hi int)
}

func (t *task) run(r *run) error {
	r.backend.workers.do(r, t, min(r.backend.threads, 1+t.work/parallelWork))
	return nil
}
