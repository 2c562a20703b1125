package parc_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/parc"
)

// forms are the ways to compute the operator; automatic is one of the others.
var forms = []parc.Form{parc.Spatial, parc.FFT, parc.Auto}

// everywhere runs a test in every form on every backend.
func everywhere(t *testing.T, test func(t *testing.T, backend compute.Backend, form parc.Form)) {
	for _, engine := range backends.Names() {
		for _, form := range forms {
			t.Run(fmt.Sprintf("%s/%s", engine, form), func(t *testing.T) { test(t, open(t, engine), form) })
		}
	}
}

func open(t testing.TB, engine string) compute.Backend {
	t.Helper()
	backend, err := backends.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}

func TestConvolveEqualsItsDefinition(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 40 {
			p := randomProblem(random)
			p.options.Form = form
			// A sum is as exact as the sum of its terms' sizes allows, however much of it cancels.
			want, sizes := p.solve(), p.sizes().solve()
			compare(t, p, evaluate(t, backend, dtypes.Float64, p), want, sizes, 1e-13)
			compare(t, p, evaluate(t, backend, dtypes.Float32, p), want, sizes, 5e-6)
		}
	})
}

// randomProblem draws sizes, options and values. Length 1 and primes come up often.
func randomProblem(random *rand.Rand) *problem {
	between := func(low, high int) int { return low + random.IntN(high-low+1) }
	p := &problem{b: between(1, 3), h: between(1, 13), w: between(1, 13), c: between(1, 5), dense: between(0, 1) == 1}
	p.options.Axis = parc.Axis(between(0, 1))
	p.options.Fit = parc.Fit(between(0, 2))
	p.k = between(1, 13)
	if between(0, 1) == 1 {
		p.k = p.length()
	}
	if p.options.Fit == parc.Crop {
		p.k = max(p.k, p.length())
	}
	p.outputs = p.c
	perPosition := p.c
	if p.dense {
		p.outputs = between(1, 5)
		perPosition = p.c * p.outputs
	}
	p.x = normal(random, p.b*p.h*p.w*p.c)
	p.kernel = normal(random, p.k*perPosition)
	p.g = normal(random, p.b*p.h*p.w*p.outputs)
	if between(0, 3) > 0 {
		p.pe = normal(random, p.k*p.c)
	}
	if between(0, 3) > 0 {
		p.bias = normal(random, p.outputs)
	}
	return p
}

func normal(random *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	return values
}

func (p *problem) String() string {
	return fmt.Sprintf("[%d,%d,%d,%d] K=%d outputs=%d dense=%t pe=%t bias=%t %+v",
		p.b, p.h, p.w, p.c, p.k, p.outputs, p.dense, p.pe != nil, p.bias != nil, p.options)
}

// inputs returns the values of x, kernel, g and, where they are used, pe and bias, and their shapes.
func (p *problem) inputs() (values [][]float64, dims [][]int) {
	kernel := []int{p.k, p.c}
	if p.dense {
		kernel = append(kernel, p.outputs)
	}
	values = [][]float64{p.x, p.kernel, p.g}
	dims = [][]int{{p.b, p.h, p.w, p.c}, kernel, {p.b, p.h, p.w, p.outputs}}
	if p.pe != nil {
		values, dims = append(values, p.pe), append(dims, []int{p.k, p.c})
	}
	if p.bias != nil {
		values, dims = append(values, p.bias), append(dims, []int{p.outputs})
	}
	return values, dims
}

// build returns the output for the nodes of inputs.
func (p *problem) build(nodes []*graph.Node) *graph.Node {
	var pe, bias *graph.Node
	rest := nodes[3:]
	if p.pe != nil {
		pe, rest = rest[0], rest[1:]
	}
	if p.bias != nil {
		bias = rest[0]
	}
	return parc.Convolve(nodes[0], nodes[1], pe, bias, p.options)
}

// evaluate runs the operator and its gradients.
func evaluate(t testing.TB, backend compute.Backend, dtype dtypes.DType, p *problem) solution {
	t.Helper()
	values, dims := p.inputs()
	outputs := execute(t, backend, dtype, values, dims, func(nodes []*graph.Node) []*graph.Node {
		y := p.build(nodes)
		parameters := append([]*graph.Node{nodes[0], nodes[1]}, nodes[3:]...)
		return append([]*graph.Node{y}, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, nodes[2])), parameters...)...)
	})
	s := solution{y: outputs[0], dx: outputs[1], dkernel: outputs[2]}
	rest := outputs[3:]
	if p.pe != nil {
		s.dpe, rest = rest[0], rest[1:]
	}
	if p.bias != nil {
		s.dbias = rest[0]
	}
	return s
}

// execute runs a graph on the values, converted to the type, and returns its outputs as float64.
func execute(t testing.TB, backend compute.Backend, dtype dtypes.DType, values [][]float64, dims [][]int,
	build func(nodes []*graph.Node) []*graph.Node) [][]float64 {
	t.Helper()
	exec, err := graph.NewExec(backend, build)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	arguments := make([]any, len(values))
	for i, v := range values {
		arguments[i] = tensor(dtype, v, dims[i])
	}
	results, err := exec.Call(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	outputs := make([][]float64, len(results))
	for i, result := range results {
		if result.DType() != dtype {
			t.Fatalf("output %d is of type %s, want %s", i, result.DType(), dtype)
		}
		outputs[i] = float64s(result)
	}
	return outputs
}

func tensor(dtype dtypes.DType, values []float64, dims []int) *tensors.Tensor {
	if dtype == dtypes.Float64 {
		return tensors.FromFlatDataAndDimensions(slices.Clone(values), dims...)
	}
	singles := make([]float32, len(values))
	for i, v := range values {
		singles[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(singles, dims...)
}

func float64s(t *tensors.Tensor) []float64 {
	if t.DType() == dtypes.Float64 {
		return tensors.MustCopyFlatData[float64](t)
	}
	singles := tensors.MustCopyFlatData[float32](t)
	values := make([]float64, len(singles))
	for i, v := range singles {
		values[i] = float64(v)
	}
	return values
}

// compare fails where the output or a gradient differs by more than the tolerance times the largest of sizes.
func compare(t *testing.T, p *problem, got, want, sizes solution, tolerance float64) {
	t.Helper()
	for _, part := range []struct {
		name             string
		got, want, sizes []float64
	}{
		{"y", got.y, want.y, sizes.y},
		{"dx", got.dx, want.dx, sizes.dx},
		{"dkernel", got.dkernel, want.dkernel, sizes.dkernel},
		{"dpe", got.dpe, want.dpe, sizes.dpe},
		{"dbias", got.dbias, want.dbias, sizes.dbias},
	} {
		if len(part.got)+len(part.want) == 0 {
			continue
		}
		if d := distance(part.got, part.want) / largest(part.sizes); !(d <= tolerance) {
			t.Errorf("%s: %s is off by %.3g, want at most %g", p, part.name, d, tolerance)
		}
	}
}

// distance returns the largest difference of two slices of the same length.
func distance(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	difference := 0.0
	for i := range want {
		difference = max(difference, math.Abs(got[i]-want[i]))
	}
	return difference
}

// largest returns the largest absolute value.
func largest(values []float64) float64 { return distance(values, make([]float64, len(values))) }
