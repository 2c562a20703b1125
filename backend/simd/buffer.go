package simd

import (
	"math/bits"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/fastparc/fastparc/backend/simd/internal/memory"
)

// Buffer implements compute.Buffer. Nobody outside the backend sees its memory, so its contents never change while it
// lives: what was computed from a buffer stays valid as long as the buffer is the same.
type Buffer struct {
	backend *Backend
	shape   shapes.Shape
	data    []byte // nil once finalized or donated
}

var _ compute.Buffer = (*Buffer)(nil)

// Backend implements compute.Buffer.
func (b *Buffer) Backend() compute.Backend { return b.backend }

// Shape implements compute.Buffer.
func (b *Buffer) Shape() (shapes.Shape, error) { return b.shape, nil }

// DeviceNum implements compute.Buffer.
func (b *Buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

// Finalize implements compute.Buffer: the memory goes back to the pool. A second call does nothing.
func (b *Buffer) Finalize() error {
	data := b.data
	b.data = nil
	b.backend.buffers.put(data)
	return nil
}

// ToFlatData implements compute.Buffer.
func (b *Buffer) ToFlatData(flat any) error {
	target, err := flatBytes(flat, b.shape)
	if err != nil {
		return errors.WithMessage(err, "simd: ToFlatData")
	}
	if b.data == nil && b.shape.Size() > 0 {
		return errors.Errorf("simd: ToFlatData: the buffer of shape %s is finalized", b.shape)
	}
	copy(target, b.data)
	return nil
}

// Data implements compute.Buffer; the backend does not share memory.
func (b *Buffer) Data() (any, error) {
	return nil, errors.New("simd: buffers are not shared, use ToFlatData")
}

// CopyToDevice implements compute.Buffer.
func (b *Buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	if device != 0 {
		return nil, errors.Errorf("simd: device %d does not exist, the only one is 0", device)
	}
	copied := b.backend.newBuffer(b.shape)
	copy(copied.data, b.data)
	return copied, nil
}

// HasSharedBuffers implements compute.DataInterface. Sharing would let a caller change weights in place unseen.
func (b *Backend) HasSharedBuffers() bool { return false }

// NewSharedBuffer implements compute.DataInterface.
func (b *Backend) NewSharedBuffer(compute.DeviceNum, shapes.Shape) (compute.Buffer, any, error) {
	return nil, nil, errors.New("simd: shared buffers are not supported (see HasSharedBuffers)")
}

// BufferFromFlatData implements compute.DataInterface.
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	if b.IsFinalized() {
		return nil, errors.New("simd: the backend is finalized")
	}
	if device != 0 {
		return nil, errors.Errorf("simd: device %d does not exist, the only one is 0", device)
	}
	source, err := flatBytes(flat, shape)
	if err != nil {
		return nil, errors.WithMessage(err, "simd: BufferFromFlatData")
	}
	buffer := b.newBuffer(shape)
	copy(buffer.data, source)
	return buffer, nil
}

func (b *Backend) newBuffer(shape shapes.Shape) *Buffer {
	return &Buffer{backend: b, shape: shape.Clone(), data: b.buffers.get(byteSize(shape))}
}

// byteSize is the memory that a tensor of this shape takes.
func byteSize(shape shapes.Shape) int { return shape.DType.SizeForDimensions(shape.Dimensions...) }

// flatBytes returns the memory of a Go slice that holds a tensor of the given shape.
func flatBytes(flat any, shape shapes.Shape) ([]byte, error) {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice {
		return nil, errors.Errorf("flat data is a %T, want a slice for shape %s", flat, shape)
	}
	bytes := v.Len() * int(v.Type().Elem().Size())
	if want := byteSize(shape); bytes != want {
		return nil, errors.Errorf("flat data is %d values of %s (%d bytes), want %d bytes for shape %s",
			v.Len(), v.Type().Elem(), bytes, want, shape)
	}
	if !shape.DType.IsPacked() && dtypes.FromGoType(v.Type().Elem()) != shape.DType {
		return nil, errors.Errorf("flat data is of %s, want the values of shape %s", v.Type().Elem(), shape)
	}
	if bytes == 0 {
		return nil, nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), bytes), nil
}

// bufferPool keeps memory that buffers gave back, by size class, for the buffers to come.
type bufferPool struct {
	classes [sizeClasses]sync.Pool
}

// get returns aligned memory of the given size with unspecified contents.
func (p *bufferPool) get(size int) []byte {
	if size == 0 {
		return nil
	}
	class, room := sizeClass(size)
	if kept, ok := p.classes[class].Get().(*byte); ok {
		return unsafe.Slice(kept, room)[:size]
	}
	return memory.Bytes(room)[:size]
}

// put takes memory back that get returned.
func (p *bufferPool) put(data []byte) {
	if cap(data) == 0 {
		return
	}
	class, room := sizeClass(cap(data))
	if room == cap(data) {
		p.classes[class].Put(unsafe.SliceData(data))
	}
}

// From memory.Alignment to largeSize there are two size classes for each power of two, and from there on, to more than any
// machine has, largeSteps.
const (
	alignmentBits = 6 // of memory.Alignment
	largeBits     = 20
	mostBits      = 48
	largeSize     = 1 << largeBits
	largeSteps    = 16
	smallClasses  = 2 * (largeBits - alignmentBits)
	sizeClasses   = smallClasses + largeSteps*(mostBits-largeBits) + 1
)

// sizeClass returns the class that serves a size, and the memory of that class. What large memory has too much of counts: where
// it is used again, all of it is cleared.
func sizeClass(size int) (class, room int) {
	if size > largeSize {
		power := bits.Len(uint(size-1)) - 1
		step := 1 << power / largeSteps
		steps := (size - 1<<power + step - 1) / step
		return smallClasses + (power-largeBits)*largeSteps + steps, 1<<power + steps*step
	}
	room = memory.Alignment
	for class = 0; room < size; class++ {
		if class%2 == 0 {
			room += room / 2
		} else {
			room += room / 3
		}
	}
	return class, room
}
