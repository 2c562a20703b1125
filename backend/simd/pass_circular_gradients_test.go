package simd

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// turnedRoundOf returns w [N, C] turned round about index 0.
func turnedRoundOf(f *construction, w compute.Value) compute.Value {
	d := dimensionsOf(f, w)
	rest := f.one(f.Reverse(f.one(f.Slice(w, []int{1, 0}, d, nil)), 0))
	return f.one(f.Concatenate(0, f.one(f.Slice(w, []int{0, 0}, []int{1, d[1]}, nil)), rest))
}

// kernelGradientOf is the gradient [N, C] of the kernel in the frequencies.
func kernelGradientOf(f *construction, v, x compute.Value, axis int) compute.Value {
	xr, xi := f.spectrumOf(f.one(f.Transpose(x, toLast[axis]...)))
	vr, vi := f.spectrumOf(f.one(f.Transpose(v, toLast[axis]...)))
	sum := func(a, b compute.Value) compute.Value { return f.one(f.ReduceSum(f.mul(a, b), 0, 1)) }
	re := f.add(sum(xr, vr), sum(xi, vi))
	im := f.one(f.Sub(sum(xi, vr), sum(xr, vi)))
	return f.one(f.Transpose(f.irfft(f.one(f.Complex(re, im)), dimensionsOf(f, x)[axis]), 1, 0))
}

func TestGradientsAreTakenTogether(t *testing.T) {
	b := open(t, "threads=2")
	image := []int{2, 112, 5, 16}
	// The inputs are x, v and the kernel.
	both := func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{spatial(f, in[1], turnedRoundOf(f, in[2]), 1), kernelGradientOf(f, in[1], in[0], 1)}
	}
	inputs := [][]int{image, image, {112, 16}}
	const apart = "packedCircular circularParts circularSums"
	for _, c := range []circularCase{
		{"the gradients alone", inputs, nil, both, one},
		{"with the operator, whose kernel they take", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return append(both(f, in), spatial(f, in[0], in[2], 1))
		}, "packedCircular circularParts circularParts"},
		{"with the sum over lines", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return append(both(f, in), f.one(f.ReduceSum(in[1], 0, 2)))
		}, one},
		{"beside another sum", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return append(both(f, in), f.one(f.ReduceSum(in[1], 0, 1)))
		}, "packedCircular circularParts fused"},
		{"beside a sum of something else", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return append(both(f, in), f.one(f.ReduceSum(in[0], 0, 2)))
		}, "packedCircular circularParts ReduceSum"},
		{"along the width, in the frequencies", [][]int{{1, 5, 112, 24}, {1, 5, 112, 24}, {112, 24}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{
				byParts(f, in[1], turnedRoundOf(f, in[2]), 2), kernelGradientOf(f, in[1], in[0], 2), f.one(f.ReduceSum(in[1], 0, 1)),
			}
		}, one},
		{"of both halves", [][]int{{2, 112, 64, 32}, {2, 112, 64, 32}, {112, 16}, {64, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			half := func(x compute.Value, first int) compute.Value {
				return f.one(f.Slice(x, []int{0, 0, 0, first}, []int{2, 112, 64, first + 16}, nil))
			}
			left, right := half(in[1], 0), half(in[1], 16)
			return []compute.Value{
				f.one(f.Concatenate(3, spatial(f, left, turnedRoundOf(f, in[2]), 1), spatial(f, right, turnedRoundOf(f, in[3]), 2))),
				kernelGradientOf(f, left, half(in[0], 0), 1), kernelGradientOf(f, right, half(in[0], 16), 2),
				f.one(f.ReduceSum(left, 0, 2)), f.one(f.ReduceSum(right, 0, 1)),
			}
		}, "packedCircular packedCircular circularParts"},
		{"short lines", [][]int{{2, 7, 5, 16}, {2, 7, 5, 16}, {7, 16}}, nil, both, apart},
		{"a kernel that is not turned round", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, in[1], in[2], 1), kernelGradientOf(f, in[1], in[0], 1)}
		}, apart},
		{"of different outputs", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, in[1], turnedRoundOf(f, in[2]), 1), kernelGradientOf(f, in[0], in[1], 1)}
		}, apart},
		{"along different axes", [][]int{{2, 112, 112, 16}, {2, 112, 112, 16}, {112, 16}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{spatial(f, in[1], turnedRoundOf(f, in[2]), 1), kernelGradientOf(f, in[1], in[0], 2)}
		}, apart},
		{"where one needs the other", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			dx := spatial(f, in[1], turnedRoundOf(f, in[2]), 1)
			return []compute.Value{dx, kernelGradientOf(f, in[1], f.add(in[0], dx), 1)}
		}, "packedCircular circularParts fused circularSums"},
		{"beside an operator that adds what is made of them", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			outputs := both(f, in)
			y := f.add(spatial(f, in[0], in[2], 1), f.one(f.Reshape(f.one(f.ReduceSum(outputs[1], 0)), 1, 1, 1, 16)))
			return append(outputs, y)
		}, "packedCircular circularParts fused packedCircular circularParts"},
		{"where the kernel needs the sum", inputs, nil, func(f *construction, in []compute.Value) []compute.Value {
			sum := f.one(f.ReduceSum(in[1], 0, 2))
			w := f.mul(in[2], sum)
			return []compute.Value{spatial(f, in[1], turnedRoundOf(f, w), 1), kernelGradientOf(f, in[1], in[0], 1), sum}
		}, "ReduceSum fused packedCircular circularParts"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
}

// TestGradientsAreTakenTogetherWhereThatIsFaster has short lines, of which each gradient alone is faster directly.
func TestGradientsAreTakenTogetherWhereThatIsFaster(t *testing.T) {
	b := open(t, "threads=2")
	const n = 7
	inputs := [][]int{{2, n, 5, 16}, {2, n, 5, 16}, {n, 16}}
	marked := func(f *construction, v compute.Value) compute.Value {
		return f.all(f.OptimizationBarrier(wrap(f, v, dimensionsOf(f, v), 1, n-1)))[0]
	}
	convolution := func(f *construction, in []compute.Value) compute.Value {
		return spatial(f, in[1], turnedRoundOf(f, in[2]), 1)
	}
	directConvolution := func(f *construction, in []compute.Value) compute.Value {
		c := convolutionCase{convolution: depthwiseConvolution(16)}
		return c.build(f, []compute.Value{marked(f, in[1]), f.one(f.Reshape(turnedRoundOf(f, in[2]), n, 1, 1, 16))})[0]
	}
	gradient := func(f *construction, in []compute.Value) compute.Value { return kernelGradientOf(f, in[1], in[0], 1) }
	directGradient := func(f *construction, in []compute.Value) compute.Value {
		c := convolutionCase{convolution: kernelGradientConvolution(16, nil)}
		return f.one(f.Reshape(c.build(f, []compute.Value{marked(f, in[0]), in[1]})[0], n, 16))
	}
	const apart = "packedCircular circularParts circularSums"
	for _, c := range []struct {
		name                  string
		apart, together       int // picoseconds for each element
		convolution, gradient func(f *construction, in []compute.Value) compute.Value
		want                  string
	}{
		{"faster together", 1e3, 1, convolution, gradient, one},
		{"faster apart", 1e3, 1e6, convolution, gradient, apart},
		{"hardly faster together", 1e9, 0.96e9, convolution, gradient, apart},
		{"clearly faster together", 1e9, 0.94e9, convolution, gradient, one},
		{"faster together, but the convolution is asked for directly", 1e3, 1, directConvolution, gradient, apart},
		{"faster together, but the kernel's gradient is asked for directly", 1e3, 1, convolution, directGradient, apart},
	} {
		t.Run(c.name, func(t *testing.T) {
			takeGradientsIn(t, c.apart, c.together)
			both := func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{c.convolution(f, in), c.gradient(f, in)}
			}
			if c.want == one { // the Go backend, which others are compared with, panics on some gradients
				alone := circularCase{inputs: inputs, nodes: one, build: both}
				alone.check(t, b)
				return
			}
			g := recorded(t, b, []shapes.Shape{float32Shape(inputs[0]...), float32Shape(inputs[1]...), float32Shape(inputs[2]...)}, nil, both)
			optimize(b, g)
			if got := listingWithout(g, compute.OpTypeReshape, compute.OpTypeConstant); got != c.want {
				t.Errorf("the passes leave %q, want %q", got, c.want)
			}
		})
	}
}

// TestGradientsShareTheSpectrumOfTheKernel has the gradients by an embedding, of one line alone, besides those of images.
func TestGradientsShareTheSpectrumOfTheKernel(t *testing.T) {
	b := open(t, "")
	streamFrom(t, costs.Streamed{Forward: math.MaxInt, Training: 1, Gradients: 1})
	for _, n := range []int{28, 112} {
		image, weights, line := float32Shape(2, n, 16, 16), float32Shape(n, 16), float32Shape(1, n, 1, 16)
		g := recorded(t, b, []shapes.Shape{image, image, weights, line}, nil, func(f *construction, in []compute.Value) []compute.Value {
			x, v, w, embedding := in[0], in[1], in[2], in[3]
			sum := f.one(f.Reshape(f.one(f.ReduceSum(v, 0, 2)), 1, n, 1, 16))
			return []compute.Value{
				spatial(f, x, w, 1),
				spatial(f, v, turnedRoundOf(f, w), 1), spatialGradient(f, v, x, 1),
				spatial(f, sum, turnedRoundOf(f, w), 1), spatialGradient(f, sum, embedding, 1),
			}
		})
		optimize(b, g)
		kernels, joined := 0, 0
		for _, node := range g.nodes {
			switch a := node.attributes.(type) {
			case packedCircularOf:
				kernels++
			case circularPartsOf:
				if g := a.parts[0].gradients; g != nil {
					joined++
					if !g.form.Streamed {
						t.Errorf("N = %d: gradients are not written as the sizes of gradients say", n)
					}
				}
				if form, frequencies := a.parts[0].form.(kernel.CircularFFT); frequencies && !form.Streamed {
					t.Errorf("N = %d: a convolution is not written as in a training step", n)
				}
			}
		}
		if kernels != 1 || joined != 2 {
			t.Errorf("N = %d: the kernel is laid out %d times and %d gradients of it are taken along, want 1 and 2", n, kernels, joined)
		}
	}
}
