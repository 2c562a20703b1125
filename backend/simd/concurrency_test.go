package simd

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gomlx/compute"
)

// network is a small network of everything that has a weights part: a packed convolution with folded scales, a
// depth-wise and a circular convolution, and a product, over images [2, 12, 10, 3].
func network(f *construction, in []compute.Value) []compute.Value {
	dims := []int{2, 12, 10, 16}
	x := (&convolutionCase{convolution: standardConvolution(func(a *convolutionOf) { a.paddings = [][2]int{{1, 1}, {1, 1}} })}).build(f, []compute.Value{in[0], in[1]})[0]
	factor := f.one(f.Rsqrt(f.one(f.Add(f.one(f.Mul(in[2], in[2])), f.constant(1)))))
	x = f.one(f.Max(f.one(f.Mul(x, f.spread(factor, []int{3}, dims...))), f.constant(0)))
	x = (&convolutionCase{convolution: standardConvolution(func(a *convolutionOf) {
		a.channelGroupCount, a.paddings = 16, [][2]int{{1, 1}, {1, 1}}
	})}).build(f, []compute.Value{x, in[3]})[0]
	x = (&convolutionCase{convolution: depthwiseConvolution(16), prepare: wrapping(dims, 1, 11)}).build(f, []compute.Value{x, in[4]})[0]
	mean := f.one(f.Mul(f.one(f.ReduceSum(x, 1, 2)), f.constant(1.0/120)))
	return []compute.Value{f.one(f.DotGeneral(mean, []int{1}, nil, in[5], []int{1}, nil, compute.DotGeneralConfig{})), x}
}

var networkNames = []string{"images", "/conv/weight", "/norm/weight", "/depthwise/weight", "/circular/weight", "/head/weight"}

// networkInputs returns images and weights.
func networkInputs(r *rand.Rand) []tensor {
	return []tensor{normal(r, 2, 12, 10, 3), normal(r, 3, 3, 3, 16), normal(r, 16), normal(r, 3, 3, 1, 16), normal(r, 12, 1, 1, 16), normal(r, 7, 16)}
}

func TestConcurrentCallsGetTheirOwnResults(t *testing.T) {
	b, reference, r := open(t, "threads=3"), openGo(t), seeded(t)
	const calls = 8
	weights := networkInputs(r)[1:]
	buffers := upload(t, b, weights...)
	executable := compile(t, b, shapesOfTensors(networkInputs(r)), networkNames, network)
	images, want := make([]tensor, calls), make([][]tensor, calls)
	for i := range calls {
		images[i] = normal(r, 2, 12, 10, 3)
		inputs := append([]tensor{images[i]}, weights...)
		want[i] = execute(t, b, inputs, network)
		for k, output := range execute(t, reference, inputs, network) {
			near(t, fmt.Sprintf("output %d", k), want[i][k], output, 1e-5)
		}
	}
	var running sync.WaitGroup
	for i := range calls {
		running.Go(func() {
			for range 20 {
				input := upload(t, b, images[i])
				outputs, err := executable.Execute(append(input, buffers...), []bool{true}, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if err := different(download(t, outputs), want[i]); err != nil {
					t.Errorf("call %d: %v", i, err)
					return
				}
				for _, output := range outputs {
					if err := output.Finalize(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	running.Wait()
}

// different says where two lists of float tensors differ in a bit.
func different(got, want []tensor) error {
	for i := range want {
		for j, v := range want[i].floats() {
			if got[i].floats()[j] != v {
				return fmt.Errorf("output %d: value %d is %v, want %v", i, j, got[i].floats()[j], v)
			}
		}
	}
	return nil
}

// TestWeightsBelongToTheirBuffers calls one executable with two sets of weights in turn, from several goroutines.
func TestWeightsBelongToTheirBuffers(t *testing.T) {
	r := seeded(t)
	inputs := networkInputs(r)
	var want [2][]tensor
	for _, threads := range []int{1, 2, 4} {
		b := open(t, fmt.Sprintf("threads=%d", threads))
		executable := compile(t, b, shapesOfTensors(inputs), networkNames, network)
		var buffers [2][]compute.Buffer
		for set := range buffers {
			r := rand.New(rand.NewPCG(uint64(set), 1))
			mine := append([]tensor{inputs[0]}, networkInputs(r)[1:]...)
			buffers[set] = upload(t, b, mine...)
			got := execute(t, b, mine, network)
			if want[set] == nil {
				want[set] = got
			}
			if err := different(got, want[set]); err != nil {
				t.Fatalf("%d threads give other bits: %v", threads, err)
			}
		}
		var running sync.WaitGroup
		for worker := range 4 {
			running.Go(func() {
				for i := range 10 {
					set := (worker + i) % 2
					outputs, err := executable.Execute(buffers[set], nil, 0)
					if err != nil {
						t.Error(err)
						return
					}
					if err := different(download(t, outputs), want[set]); err != nil {
						t.Errorf("%d threads, weights %d: %v", threads, set, err)
						return
					}
				}
			})
		}
		running.Wait()
		executable.Finalize()
	}
}

// TestDonatedWeightsAreReplaced trains in the way of GoMLX: each step donates the weights and returns new ones.
func TestDonatedWeightsAreReplaced(t *testing.T) {
	b, reference, r := open(t, "threads=2"), openGo(t), seeded(t)
	x := normal(r, 6, 8)
	step := func(f *construction, in []compute.Value) []compute.Value {
		y := f.one(f.DotGeneral(in[0], []int{1}, nil, in[1], []int{0}, nil, compute.DotGeneralConfig{}))
		gradient := f.one(f.DotGeneral(in[0], []int{0}, nil, y, []int{0}, nil, compute.DotGeneralConfig{}))
		return []compute.Value{f.one(f.Sub(in[1], f.one(f.Mul(gradient, f.constant(0.01)))))}
	}
	run := func(backend compute.Backend) tensor {
		w := normal(rand.New(rand.NewPCG(1, 1)), 8, 5)
		executable := compile(t, backend, shapesOfTensors([]tensor{x, w}), []string{"x", "/w"}, step)
		input, weights := upload(t, backend, x)[0], upload(t, backend, w)[0]
		for range 20 {
			outputs, err := executable.Execute([]compute.Buffer{input, weights}, []bool{false, true}, 0)
			if err != nil {
				t.Fatal(err)
			}
			weights = outputs[0]
		}
		return download(t, []compute.Buffer{weights})[0]
	}
	near(t, "the weights after 20 steps", run(b), run(reference), 1e-5)
}
