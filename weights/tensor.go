package weights

// Tensors as they stand in a file, and their values as numbers.

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Tensor is a named array.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	// Data is the elements in row-major order, little-endian.
	Data []byte
}

// DType is a type of elements, by its name in safetensors files.
type DType string

// The types of elements that are read and written.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U64  DType = "U64"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// elements lists, for each type, its GoMLX twin and how one element becomes a float32.
var elements = map[DType]struct {
	dtype dtypes.DType
	float func(b []byte) float32
}{
	F64:  {dtypes.Float64, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
	F32:  {dtypes.Float32, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	F16:  {dtypes.Float16, func(b []byte) float32 { return float16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }},
	BF16: {dtypes.BFloat16, func(b []byte) float32 { return bfloat16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }},
	I64:  {dtypes.Int64, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }},
	I32:  {dtypes.Int32, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }},
	I16:  {dtypes.Int16, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) }},
	I8:   {dtypes.Int8, func(b []byte) float32 { return float32(int8(b[0])) }},
	U64:  {dtypes.Uint64, func(b []byte) float32 { return float32(binary.LittleEndian.Uint64(b)) }},
	U32:  {dtypes.Uint32, func(b []byte) float32 { return float32(binary.LittleEndian.Uint32(b)) }},
	U16:  {dtypes.Uint16, func(b []byte) float32 { return float32(binary.LittleEndian.Uint16(b)) }},
	U8:   {dtypes.Uint8, func(b []byte) float32 { return float32(b[0]) }},
	Bool: {dtypes.Bool, func(b []byte) float32 { return float32(b[0]) }},
}

// FromFloats returns a tensor of type F32.
func FromFloats(name string, shape []int, values []float32) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return Tensor{Name: name, DType: F32, Shape: shape, Data: data}
}

// Floats returns the elements as float32, rounded to the nearest where the type is finer.
func (t Tensor) Floats() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	element := elements[t.DType]
	width := element.dtype.Size()
	values := make([]float32, len(t.Data)/width)
	for i := range values {
		values[i] = element.float(t.Data[i*width:])
	}
	return values, nil
}

// FromValue returns a GoMLX tensor as a tensor of the same type and shape, bit for bit: what a checkpoint needs for the
// state of optimizers and random generators.
func FromValue(name string, value *tensors.Tensor) (Tensor, error) {
	for dtype, element := range elements {
		if element.dtype == value.DType() {
			t := Tensor{Name: name, DType: dtype, Shape: value.Shape().Dimensions}
			err := value.ConstBytes(func(data []byte) { t.Data = append(t.Data, data...) })
			return t, err
		}
	}
	return Tensor{}, fmt.Errorf("weights: tensor %q: safetensors files have no type for %s", name, value.DType())
}

// Value returns the tensor as a GoMLX tensor of the same type and shape, bit for bit.
func (t Tensor) Value() (*tensors.Tensor, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	value := tensors.FromShape(shapes.Make(elements[t.DType].dtype, t.Shape...))
	err := value.MutableBytes(func(data []byte) { copy(data, t.Data) })
	return value, err
}

// check says whether the tensor holds as many bytes as its type and shape take.
func (t Tensor) check() error {
	size, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return fmt.Errorf("weights: tensor %q: %w", t.Name, err)
	}
	if size != uint64(len(t.Data)) {
		return fmt.Errorf("weights: tensor %q of type %s and shape %v holds %d bytes, want %d", t.Name, t.DType, t.Shape, len(t.Data), size)
	}
	return nil
}

// byteSize returns how many bytes a tensor takes.
func byteSize(dtype DType, shape []int) (uint64, error) {
	element, ok := elements[dtype]
	if !ok {
		return 0, fmt.Errorf("type %q, want one of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL", dtype)
	}
	size := uint64(element.dtype.Size())
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative size", shape)
		}
		overflow, product := bits.Mul64(size, uint64(dim))
		if overflow != 0 || product > math.MaxInt64 {
			return 0, fmt.Errorf("shape %v has more elements than can be counted", shape)
		}
		size = product
	}
	return size, nil
}
