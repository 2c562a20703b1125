package simd

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
)

// counting returns 0, 1, 2, … of a type, with the given dimensions.
func counting(dtype dtypes.DType, first int, dims ...int) tensor {
	n := product(dims)
	flat := reflect.ValueOf(dtypes.MakeAnySlice(dtype, n))
	for i := range n {
		element := flat.Index(i)
		switch v := first + i; {
		case dtype == dtypes.BFloat16:
			element.Set(reflect.ValueOf(bfloat16.FromFloat32(float32(v))))
		case dtype == dtypes.Bool:
			element.SetBool(v*v%3 == 1)
		case dtype.IsComplex():
			element.SetComplex(complex(float64(v), -float64(v)))
		case dtype.IsFloat():
			element.SetFloat(float64(v))
		case dtype.IsUnsigned():
			element.SetUint(uint64(v))
		default:
			element.SetInt(int64(v))
		}
	}
	return tensor{flat.Interface(), dims}
}

// eachOfBlock visits the places of a block's elements in the block and in the whole, whose start is clamped.
func eachOfBlock(whole, sizes []int, starts []int64, visit func(inBlock, inWhole int)) {
	for i := range product(sizes) {
		at, stride, rest := 0, 1, i
		for axis := len(whole) - 1; axis >= 0; axis-- {
			start := min(max(int(starts[axis]), 0), whole[axis]-sizes[axis])
			at += (start + rest%sizes[axis]) * stride
			rest /= sizes[axis]
			stride *= whole[axis]
		}
		visit(i, at)
	}
}

var blocks = []struct {
	whole, sizes []int
	starts       []int64
}{
	{nil, nil, nil},
	{[]int{7}, []int{3}, []int64{2}},
	{[]int{7}, []int{3}, []int64{6}},
	{[]int{7}, []int{3}, []int64{-1}},
	{[]int{7}, []int{7}, []int64{100}},
	{[]int{4, 5}, []int{2, 5}, []int64{1, 3}},
	{[]int{4, 5}, []int{4, 2}, []int64{-9, 2}},
	{[]int{3, 4, 5}, []int{2, 1, 5}, []int64{1, 3, 0}},
	{[]int{3, 4, 5}, []int{3, 4, 1}, []int64{0, 0, 4}},
	{[]int{2, 3, 4, 5}, []int{1, 2, 3, 4}, []int64{1, 1, 120, -120}},
	{[]int{4, 5}, []int{0, 5}, []int64{1, 0}},
	{[]int{4, 5}, []int{4, 0}, []int64{1, 0}},
}

func TestDynamicSlicesBeginWhereTheirStartsSayWithinTheOperand(t *testing.T) {
	b := open(t, "threads=2")
	for _, c := range blocks {
		for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Int8, dtypes.BFloat16, dtypes.Int64, dtypes.Bool, dtypes.Complex64} {
			t.Run(fmt.Sprint(dtype, c.whole, c.sizes, c.starts), func(t *testing.T) {
				whole, update := counting(dtype, 0, c.whole...), counting(dtype, 60, c.sizes...)
				inputs := []tensor{whole, update}
				for _, start := range c.starts {
					inputs = append(inputs, scalar(start))
				}
				got := execute(t, b, inputs, func(f *construction, in []compute.Value) []compute.Value {
					return []compute.Value{
						f.one(f.DynamicSlice(in[0], in[2:], c.sizes)),
						f.one(f.DynamicUpdateSlice(in[0], in[1], in[2:])),
					}
				})
				slice, updated := reflect.ValueOf(counting(dtype, 0, c.sizes...).flat), reflect.ValueOf(counting(dtype, 0, c.whole...).flat)
				eachOfBlock(c.whole, c.sizes, c.starts, func(inBlock, inWhole int) {
					slice.Index(inBlock).Set(reflect.ValueOf(whole.flat).Index(inWhole))
					updated.Index(inWhole).Set(reflect.ValueOf(update.flat).Index(inBlock))
				})
				near(t, "the slice", got[0], tensor{slice.Interface(), c.sizes}, 0)
				near(t, "the updated operand", got[1], tensor{updated.Interface(), c.whole}, 0)
			})
		}
	}
}

func TestDynamicSliceTakesStartsOfEveryIntegerType(t *testing.T) {
	b := open(t, "")
	for _, c := range []struct {
		start tensor
		want  float32
	}{
		{scalar(int8(-1)), 0}, {scalar(int8(3)), 3}, {scalar(int16(-300)), 0}, {scalar(int32(8)), 8}, {scalar(int32(-1 << 31)), 0},
		{scalar(int64(1) << 40), 9}, {scalar(uint8(255)), 9}, {scalar(uint16(5)), 5}, {scalar(uint32(1 << 31)), 9}, {scalar(uint64(1) << 63), 9},
	} {
		got := execute(t, b, []tensor{counting(dtypes.Float32, 0, 10), c.start}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.DynamicSlice(in[0], in[1:], []int{1}))}
		})
		if v := got[0].floats()[0]; v != c.want {
			t.Errorf("start %v (%s) gives element %g, want %g", c.start.flat, c.start.shape().DType, v, c.want)
		}
	}
}

func TestLargeDynamicSlicesAreSplitOverThreads(t *testing.T) {
	b := open(t, "threads=4")
	whole := counting(dtypes.Float32, 0, 600, 700)
	got := execute(t, b, []tensor{whole, scalar(int32(17)), scalar(int32(5))}, func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{f.one(f.DynamicSlice(in[0], in[1:], []int{500, 600}))}
	})
	want := make([]float32, 500*600)
	eachOfBlock(whole.dims, []int{500, 600}, []int64{17, 5}, func(inBlock, inWhole int) { want[inBlock] = float32(inWhole) })
	if !slices.Equal(got[0].floats(), want) {
		t.Error("a slice of 500 by 600 has elements of other places")
	}
}

func TestDynamicSliceRefusesWhatDoesNotFit(t *testing.T) {
	b := open(t, "")
	for _, c := range []struct {
		name, want string
		build      func(f compute.Function, x, update, start, float compute.Value) (compute.Value, error)
	}{
		{"a start too few", "1 start indices for shape (Float32)[4, 5]", func(f compute.Function, x, _, start, _ compute.Value) (compute.Value, error) {
			return f.DynamicSlice(x, []compute.Value{start}, []int{1, 1})
		}},
		{"a size too large", "size 6 along axis 1", func(f compute.Function, x, _, start, _ compute.Value) (compute.Value, error) {
			return f.DynamicSlice(x, []compute.Value{start, start}, []int{1, 6})
		}},
		{"a negative size", "size -1 along axis 0", func(f compute.Function, x, _, start, _ compute.Value) (compute.Value, error) {
			return f.DynamicSlice(x, []compute.Value{start, start}, []int{-1, 1})
		}},
		{"a start that is no integer", "start index 1 is (Float32)", func(f compute.Function, x, _, start, float compute.Value) (compute.Value, error) {
			return f.DynamicSlice(x, []compute.Value{start, float}, []int{1, 1})
		}},
		{"an update too large", "size 9 along axis 1", func(f compute.Function, x, update, start, _ compute.Value) (compute.Value, error) {
			return f.DynamicUpdateSlice(x, update, []compute.Value{start, start})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &construction{b.Builder("test").Main(), t}
			x := f.one(f.Parameter("x", float32Shape(4, 5), nil))
			update := f.one(f.Parameter("update", float32Shape(1, 9), nil))
			start := f.one(f.Parameter("start", shapes.Make(dtypes.Int32), nil))
			_, err := c.build(f, x, update, start, f.one(f.Parameter("float", float32Shape(), nil)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
