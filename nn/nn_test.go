package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
)

func TestConvolutionAndItsGradientsFollowTheDefinition(t *testing.T) {
	for _, c := range []struct {
		config        ConvConfig
		in, out       int
		height, width int
	}{
		{ConvConfig{Kernel: 1, Stride: 1, Groups: 1}, 3, 4, 3, 5},
		{ConvConfig{Kernel: 2, Stride: 2, Groups: 1}, 3, 4, 6, 4},
		{ConvConfig{Kernel: 2, Stride: 2, Groups: 1}, 2, 3, 7, 5},
		{ConvConfig{Kernel: 2, Stride: 1, Padding: 1, Groups: 1}, 2, 3, 4, 5},
		{ConvConfig{Kernel: 4, Stride: 4, Groups: 1}, 3, 5, 8, 11},
		{ConvConfig{Kernel: 3, Stride: 1, Padding: 1, Groups: 1}, 4, 2, 5, 4},
		{ConvConfig{Kernel: 3, Stride: 2, Padding: 1, Groups: 1}, 3, 2, 7, 8},
		{ConvConfig{Kernel: 3, Stride: 2, Padding: 1, Groups: 2}, 4, 6, 5, 8},
		{ConvConfig{Kernel: 3, Stride: 1, Padding: 1, Groups: 3}, 6, 3, 4, 3},
		{ConvConfig{Kernel: 3, Stride: 1, Padding: 1, Groups: 17}, 17, 34, 5, 6},
		{ConvConfig{Kernel: 3, Stride: 2, Padding: 1, Groups: 5}, 10, 15, 5, 6},
		{ConvConfig{Kernel: 1, Stride: 1, Groups: 18}, 36, 18, 4, 3},
		{ConvConfig{Kernel: 3, Stride: 1, Padding: 1, Groups: 2}, 10, 6, 4, 3},
		{ConvConfig{Kernel: 7, Stride: 1, Padding: 3, Groups: 5}, 5, 5, 9, 4},
		{ConvConfig{Kernel: 3, Stride: 2, Padding: 1, Groups: 4}, 4, 4, 6, 5},
		{ConvConfig{Kernel: 3, Dilation: 2, Padding: 2}, 4, 3, 7, 6},
		{ConvConfig{Kernel: 3, Dilation: 4, Padding: 1}, 2, 3, 9, 8},
		{ConvConfig{Kernel: 3, Dilation: 2, Padding: 2, Groups: 4}, 4, 4, 3, 6},
		{ConvConfig{Kernel: 3, Dilation: 2, Padding: 2, Groups: 2}, 4, 6, 5, 4},
		{ConvConfig{Kernel: 7, Dilation: 2, Same: true, Groups: 5}, 5, 5, 9, 4},
		{ConvConfig{Kernel: 2, Same: true}, 2, 3, 4, 5},
		{ConvConfig{Kernel: 2, Dilation: 2, Same: true}, 2, 3, 4, 5},
		{ConvConfig{Kernel: 4, Dilation: 3, Same: true, Groups: 2}, 4, 2, 6, 5},
	} {
		eachBackend(t, fmt.Sprintf("%+v_%d→%d_%d×%d", c.config, c.in, c.out, c.height, c.width), func(t *testing.T, backend compute.Backend) {
			rng := newRand(t)
			config := c.config.complete(c.in, c.out)
			x := uniform(rng, 2, c.height, c.width, c.in)
			weight := uniform(rng, config.Kernel, config.Kernel, c.in/config.Groups, c.out)
			size := func(n int) int {
				if config.Same {
					return n
				}
				return (n+2*config.Padding-(config.Kernel-1)*config.Dilation-1)/config.Stride + 1
			}
			v := uniform(rng, 2, size(c.height), size(c.width), c.out)
			got := graph.MustExecOnceN(backend, func(x, weight, v *graph.Node) []*graph.Node {
				y := config.convolve(x, weight)
				loss := graph.ReduceAllSum(graph.Mul(y, v))
				return append(graph.Gradient(loss, x, weight), y)
			}, x, weight, v)
			byInput, byWeight, y := convolveByDefinition(config, x, weight, v)
			wantClose(t, "gradient by input", got[0], byInput)
			wantClose(t, "gradient by weight", got[1], byWeight)
			wantClose(t, "output", got[2], y)
		})
	}
}

// convolveByDefinition visits every product that a convolution adds up.
func convolveByDefinition(c ConvConfig, x, weight, v *tensors.Tensor) (byInput, byWeight, y []float64) {
	xs, ws, vs := x.Shape().Dimensions, weight.Shape().Dimensions, v.Shape().Dimensions
	xData, wData, vData := tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](weight), tensors.MustCopyFlatData[float32](v)
	byInput, byWeight, y = make([]float64, len(xData)), make([]float64, len(wData)), make([]float64, len(vData))
	in, out := ws[2], vs[3]
	before := c.Padding
	if c.Same {
		before = (c.Kernel - 1) * c.Dilation / 2
	}
	for i := range vData {
		o, column, row, image := i%out, i/out%vs[2], i/out/vs[2]%vs[1], i/out/vs[2]/vs[1]
		group := o / (out / c.Groups)
		for k := range len(wData) / out {
			channel, kx, ky := k%in, k/in%c.Kernel, k/in/c.Kernel
			sourceRow, sourceColumn := row*c.Stride+ky*c.Dilation-before, column*c.Stride+kx*c.Dilation-before
			if sourceRow < 0 || sourceRow >= xs[1] || sourceColumn < 0 || sourceColumn >= xs[2] {
				continue
			}
			source := ((image*xs[1]+sourceRow)*xs[2]+sourceColumn)*xs[3] + group*in + channel
			tap := k*out + o
			y[i] += float64(xData[source]) * float64(wData[tap])
			byInput[source] += float64(vData[i]) * float64(wData[tap])
			byWeight[tap] += float64(vData[i]) * float64(xData[source])
		}
	}
	return byInput, byWeight, y
}

func TestLayerNormHasTheDerivedValuesAndGradients(t *testing.T) {
	for _, dims := range [][]int{{3, 5}, {2, 3, 2, 16}, {1, 1}} {
		eachBackend(t, fmt.Sprint(dims), func(t *testing.T, backend compute.Backend) {
			rng := newRand(t)
			channels := dims[len(dims)-1]
			args := []any{uniform(rng, dims...), uniform(rng, channels), uniform(rng, channels), uniform(rng, dims...)}
			derived := func(x, weight, bias *graph.Node) *graph.Node {
				centered := graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, -1))
				variance := graph.ReduceAndKeep(graph.Square(centered), graph.ReduceMean, -1)
				normalized := graph.Div(centered, graph.Sqrt(graph.AddScalar(variance, 1e-6)))
				return addBias(graph.Mul(normalized, graph.ExpandLeftToRank(weight, x.Rank())), bias)
			}
			compare := func(layer func(x, weight, bias *graph.Node) *graph.Node) []*tensors.Tensor {
				return graph.MustExecOnceN(backend, func(x, weight, bias, v *graph.Node) []*graph.Node {
					y := layer(x, weight, bias)
					return append(graph.Gradient(graph.ReduceAllSum(graph.Mul(y, v)), x, weight, bias), y)
				}, args...)
			}
			own := func(x, weight, bias *graph.Node) *graph.Node { return layerNorm(x, weight, bias, 1e-6) }
			got, want := compare(own), compare(derived)
			for i, what := range []string{"gradient by input", "gradient by weight", "gradient by bias", "output"} {
				wantClose(t, what, got[i], toFloat64(want[i]))
			}
		})
	}
}

func TestGELUIsExact(t *testing.T) {
	eachBackend(t, "values", func(t *testing.T, backend compute.Backend) {
		var x []float32
		var y, byInput []float64
		for i := -60; i <= 60; i++ {
			at := float64(i) / 10
			cumulative := math.Erfc(-at/math.Sqrt2) / 2
			x = append(x, float32(at))
			y = append(y, at*cumulative)
			byInput = append(byInput, cumulative+at*math.Exp(-at*at/2)/math.Sqrt(2*math.Pi))
		}
		got := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
			y := GELU{}.Apply(nil, x)
			return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(y), x)[0]}
		}, x)
		wantClose(t, "output", got[0], y)
		wantClose(t, "gradient", got[1], byInput)
	})
}

func TestDropPathKeepsTheExpectedValue(t *testing.T) {
	const samples, probability = 2000, 0.25
	eachBackend(t, "training", func(t *testing.T, backend compute.Backend) {
		for _, training := range []bool{true, false} {
			store := model.NewStore()
			if err := store.SetRNGStateFromSeed(1); err != nil {
				t.Fatal(err)
			}
			exec := model.MustNewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
				store.SetTraining(x.Graph(), training)
				return DropPath(probability).Apply(scope, x)
			})
			x := slices.Repeat([]float32{3}, samples*2)
			y := tensors.MustCopyFlatData[float32](exec.MustCall(tensors.FromFlatDataAndDimensions(x, samples, 1, 1, 2))[0])
			dropped := 0
			for sample := range samples {
				first, second := y[2*sample], y[2*sample+1]
				switch {
				case first != second:
					t.Fatalf("sample %d is %g and %g, want it kept or dropped as a whole", sample, first, second)
				case first == 0:
					dropped++
				case training && math.Abs(float64(first)-3/(1-probability)) > 1e-5:
					t.Fatalf("sample %d is %g, want 0 or %g", sample, first, 3/(1-probability))
				case !training && first != 3:
					t.Fatalf("sample %d is %g outside of training, want 3", sample, first)
				}
			}
			// Four standard deviations of the number of dropped samples.
			if want := samples * probability; training && math.Abs(float64(dropped)-want) > 4*math.Sqrt(want*(1-probability)) {
				t.Errorf("%d of %d samples dropped, want about %g", dropped, samples, want)
			}
			if !training && dropped > 0 {
				t.Errorf("%d samples dropped outside of training", dropped)
			}
		}
	})
}

func TestDropoutZeroesSingleValues(t *testing.T) {
	const size, probability = 4000, 0.2
	eachBackend(t, "training", func(t *testing.T, backend compute.Backend) {
		for _, training := range []bool{true, false} {
			store := model.NewStore()
			if err := store.SetRNGStateFromSeed(1); err != nil {
				t.Fatal(err)
			}
			exec := model.MustNewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
				store.SetTraining(x.Graph(), training)
				return Dropout(probability).Apply(scope, x)
			})
			x := tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{3}, size), 2, size/2)
			kept, dropped := float32(3), 0
			if training {
				kept /= 1 - probability
			}
			for i, y := range tensors.MustCopyFlatData[float32](exec.MustCall(x)[0]) {
				switch {
				case y == 0:
					dropped++
				case math.Abs(float64(y-kept)) > 1e-5:
					t.Fatalf("element %d is %g, want 0 or %g", i, y, kept)
				}
			}
			// Four standard deviations of the number of dropped values.
			if want := size * probability; training && math.Abs(float64(dropped)-want) > 4*math.Sqrt(want*(1-probability)) {
				t.Errorf("%d of %d values dropped, want about %g", dropped, size, want)
			}
			if !training && dropped > 0 {
				t.Errorf("%d values dropped outside of training", dropped)
			}
		}
	})
}

func TestInitialDeviationsFollowTheScheme(t *testing.T) {
	kernel, depthwise, dense := []int{64, 32, 3, 3}, []int{96, 1, 3, 3}, []int{10, 64}
	for _, c := range []struct {
		scheme Scheme
		shape  []int
		want   float64
	}{
		{Small, kernel, 0.02},
		{FanIn, kernel, 1 / math.Sqrt(32*9)},
		{FanIn, dense, 1 / math.Sqrt(64)},
		{FanOut, kernel, math.Sqrt(2.0 / (64 * 9))},
		{FanOut, depthwise, math.Sqrt(2.0 / (96 * 9))},
		{FanOut, dense, 0.01},
		{FanOutKernels, kernel, math.Sqrt(2.0 / (64 * 9))},
		{FanOutKernels, dense, 0.02},
	} {
		if got := c.scheme.weight(c.shape); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("scheme %d begins %v with deviation %g, want %g", c.scheme, c.shape, got, c.want)
		}
	}
}

func TestLayoutsFollowPyTorch(t *testing.T) {
	iota := func(n int) (values []float32) {
		for i := range n {
			values = append(values, float32(i))
		}
		return values
	}
	for name, c := range map[string]struct {
		layout Layout
		want   []float32
	}{
		"vector": {Vector(3), []float32{0, 1, 2}},
		"matrix": {Matrix(3, 2), []float32{0, 3, 1, 4, 2, 5}},
		// PyTorch's [out 2, in 2, height 1, width 2].
		"kernel": {Kernel(1, 2, 2, 2), []float32{0, 4, 2, 6, 1, 5, 3, 7}},
		// PyTorch's [channels 2, 1, height 3, 1].
		"circular kernel": {Kernel(3, 1, 1, 2).As(3, 2), []float32{0, 3, 1, 4, 2, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			torch := iota(len(c.want))
			got := c.layout.FromTorch(torch)
			if !slices.Equal(got, c.want) {
				t.Errorf("%v from PyTorch, want %v", got, c.want)
			}
			if back := c.layout.ToTorch(got); !slices.Equal(back, torch) {
				t.Errorf("%v back to PyTorch, want %v", back, torch)
			}
		})
	}
}

func TestCounterCountsParametersOnceAndEveryProduct(t *testing.T) {
	backend, err := backends.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	g := graph.NewGraph(backend, "count")
	counter := Count(g)
	var state State
	layers := Sequential{
		NewConv(state.Path("conv"), 4, 6, ConvConfig{Kernel: 3, Stride: 2, Padding: 1, Groups: 2}),
		NewParC(state.Path("parc"), "gcc", 6, ParCConfig{Kernel: [2]int{5, 4}}),
		GlobalMean{},
		NewLinear(state.Path("head"), 6, 6),
	}
	layers = append(layers, layers[3])
	scope := model.NewStore().RootScope()
	layers.Apply(scope, graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 8, 10, 4)))
	maps := int64(2 * 4 * 5 * 6)
	if want := maps*(9*2) + maps/2*4 + maps/2*5 + 2*2*36; counter.MACs != want {
		t.Errorf("%d multiply-adds, want %d", counter.MACs, want)
	}
	if want := int64(9*2*6 + 6 + (5*3 + 5*3 + 3) + (4*3 + 4*3 + 3) + 36 + 6); counter.Parameters != want {
		t.Errorf("%d parameters, want %d", counter.Parameters, want)
	}
}

// eachBackend runs a test on every backend that is registered.
func eachBackend(t *testing.T, name string, test func(t *testing.T, backend compute.Backend)) {
	for _, backendName := range backends.Names() {
		t.Run(backendName+"/"+name, func(t *testing.T) {
			backend, err := backends.Open(backendName)
			if err != nil {
				t.Fatal(err)
			}
			defer backend.Finalize()
			test(t, backend)
		})
	}
}

func newRand(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// uniform returns a tensor of values between -1 and 1.
func uniform(rng *rand.Rand, dims ...int) *tensors.Tensor {
	values := make([]float32, shapeSize(dims))
	for i := range values {
		values[i] = 2*rng.Float32() - 1
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

func toFloat64(tensor *tensors.Tensor) []float64 {
	var values []float64
	for _, value := range tensors.MustCopyFlatData[float32](tensor) {
		values = append(values, float64(value))
	}
	return values
}

// wantClose allows a difference of 2e-6 of the largest value, or of 1 where all are smaller.
func wantClose(t *testing.T, what string, tensor *tensors.Tensor, want []float64) {
	t.Helper()
	got := toFloat64(tensor)
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	largest := 1.0
	for _, value := range want {
		largest = max(largest, math.Abs(value))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 2e-6*largest) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}
