package simd

// This file builds small computations, runs them here and on the Go backend, and compares.

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
)

// tensor is a value that goes in or out of a computation.
type tensor struct {
	flat any // a slice
	dims []int
}

func (x tensor) shape() shapes.Shape {
	return shapes.Make(dtypes.FromGoType(reflect.TypeOf(x.flat).Elem()), x.dims...)
}

func (x tensor) floats() []float32 { return x.flat.([]float32) }

func scalar[T any](x T) tensor { return tensor{[]T{x}, nil} }

// normal returns a tensor of normal numbers.
func normal(r *rand.Rand, dims ...int) tensor {
	flat := make([]float32, product(dims))
	for i := range flat {
		flat[i] = float32(r.NormFloat64())
	}
	return tensor{flat, dims}
}

// normals returns a tensor of normally distributed values for each of the dimensions.
func normals(r *rand.Rand, dims [][]int) (tensors []tensor) {
	for _, d := range dims {
		tensors = append(tensors, normal(r, d...))
	}
	return tensors
}

// seeded returns a generator whose seed is in the log of a test that fails.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// definition builds a computation on a function from its parameters.
type definition func(f *construction, in []compute.Value) []compute.Value

// construction is a function being built, where an error ends the test.
type construction struct {
	compute.Function
	t testing.TB
}

func (c *construction) one(v compute.Value, err error) compute.Value {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("building: %v", err)
	}
	return v
}

func (c *construction) all(v []compute.Value, err error) []compute.Value {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("building: %v", err)
	}
	return v
}

func (c *construction) constant(x float32) compute.Value {
	return c.one(c.Constant([]float32{x}))
}

// spread returns a value repeated over the given axes of a shape.
func (c *construction) spread(x compute.Value, axes []int, dims ...int) compute.Value {
	return c.one(c.BroadcastInDim(x, shapes.Make(dtypes.Float32, dims...), axes))
}

// closure builds a closure of the function.
func (c *construction) closure(parameters []shapes.Shape, d definition) compute.Function {
	c.t.Helper()
	f, err := c.Closure()
	if err != nil {
		c.t.Fatal(err)
	}
	define(c.t, f, parameters, nil, d)
	return f
}

// define gives a function its parameters, its operations and what it returns.
func define(t testing.TB, f compute.Function, parameters []shapes.Shape, names []string, d definition) {
	t.Helper()
	c := &construction{f, t}
	var in []compute.Value
	for i, shape := range parameters {
		name := fmt.Sprint("x", i)
		if i < len(names) {
			name = names[i]
		}
		in = append(in, c.one(f.Parameter(name, shape, nil)))
	}
	if err := f.Return(d(c, in), nil); err != nil {
		t.Fatalf("returning: %v", err)
	}
}

func shapesOfTensors(inputs []tensor) []shapes.Shape {
	var result []shapes.Shape
	for _, input := range inputs {
		result = append(result, input.shape())
	}
	return result
}

// compile makes an executable; parameters without a name are x0, x1, …
func compile(t testing.TB, b compute.Backend, parameters []shapes.Shape, names []string, d definition) compute.Executable {
	t.Helper()
	builder := b.Builder("test")
	define(t, builder.Main(), parameters, names, d)
	executable, err := builder.Compile()
	if err != nil {
		t.Fatalf("compiling: %v", err)
	}
	return executable
}

func upload(t testing.TB, b compute.Backend, inputs ...tensor) []compute.Buffer {
	t.Helper()
	var buffers []compute.Buffer
	for _, input := range inputs {
		buffer, err := b.BufferFromFlatData(0, input.flat, input.shape())
		if err != nil {
			t.Fatal(err)
		}
		buffers = append(buffers, buffer)
	}
	return buffers
}

func download(t testing.TB, buffers []compute.Buffer) []tensor {
	t.Helper()
	var outputs []tensor
	for _, buffer := range buffers {
		shape, err := buffer.Shape()
		if err != nil {
			t.Fatal(err)
		}
		flat := dtypes.MakeAnySlice(shape.DType, shape.Size())
		if err := buffer.ToFlatData(flat); err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, tensor{flat, shape.Dimensions})
	}
	return outputs
}

// execute builds, compiles and runs a computation once.
func execute(t testing.TB, b compute.Backend, inputs []tensor, d definition) []tensor {
	t.Helper()
	executable := compile(t, b, shapesOfTensors(inputs), nil, d)
	defer executable.Finalize()
	buffers, err := executable.Execute(upload(t, b, inputs...), nil, 0)
	if err != nil {
		t.Fatalf("executing: %v", err)
	}
	return download(t, buffers)
}

// open returns a backend that lives as long as the test.
func open(t testing.TB, config string) *Backend {
	t.Helper()
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b.(*Backend)
}

func openGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// agree runs a computation here and on the Go backend and compares the results.
func agree(t testing.TB, b, reference compute.Backend, inputs []tensor, d definition) {
	t.Helper()
	got, want := execute(t, b, inputs, d), execute(t, reference, inputs, d)
	for i := range want {
		near(t, fmt.Sprintf("output %d", i), got[i], want[i], 2e-4)
	}
}

// near compares tensors: floats within a tolerance relative to the largest value, all else exactly.
func near(t testing.TB, what string, got, want tensor, tolerance float64) {
	t.Helper()
	if !slices.Equal(got.dims, want.dims) {
		t.Fatalf("%s has dimensions %v, want %v", what, got.dims, want.dims)
	}
	w, isFloat := want.flat.([]float32)
	if !isFloat {
		if !reflect.DeepEqual(got.flat, want.flat) {
			t.Fatalf("%s is %v, want %v", what, got.flat, want.flat)
		}
		return
	}
	largest := 1.0
	for _, v := range w {
		if a := math.Abs(float64(v)); a < math.Inf(1) {
			largest = max(largest, a)
		}
	}
	for i, v := range got.floats() {
		if !nearFloat(float64(v), float64(w[i]), tolerance*largest) {
			t.Fatalf("%s: value %d of %d is %g, want %g", what, i, len(w), v, w[i])
		}
	}
}

func nearFloat(got, want, tolerance float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(got) && math.IsNaN(want) || got == want
	}
	return math.Abs(got-want) <= tolerance
}

// recorded returns the graph of a computation before any pass.
func recorded(t testing.TB, b *Backend, parameters []shapes.Shape, names []string, d definition) *graph {
	t.Helper()
	builder := newBuilder(b, "test")
	define(t, builder.main, parameters, names, d)
	return newGraph(builder.main)
}

// listing names the nodes of a graph, in order, without its parameters: operations, or what a kernel computes.
func listing(g *graph) string {
	var names []string
	for _, n := range g.nodes {
		switch n.op {
		case compute.OpTypeParameter:
		case compute.OpTypeInvalid:
			name := strings.TrimPrefix(fmt.Sprintf("%T", n.attributes), "*")
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(name, "simd."), "Of"))
		default:
			names = append(names, n.op.String())
		}
	}
	return strings.Join(names, " ")
}

func float32Shape(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }
