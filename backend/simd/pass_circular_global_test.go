package simd

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// oneGlobal is what is left of a global convolution alone.
const oneGlobal = "packedGlobal globalMaps"

// wrapMap concatenates x with its beginning along both axes, in the given order.
func wrapMap(f *construction, x compute.Value, axes ...int) compute.Value {
	for _, axis := range axes {
		dims := dimensionsOf(f, x)
		x = wrap(f, x, dims, axis, dims[axis]-1)
	}
	return x
}

// spatialMap is the two-dimensional operator as a convolution of x [B, H, W, C], continued, with w [H, W, C].
func spatialMap(f *construction, x, w compute.Value) compute.Value {
	return convolvedMap(f, wrapMap(f, x, 1, 2), w)
}

// convolvedMap convolves what is continued already.
func convolvedMap(f *construction, x, w compute.Value) compute.Value {
	d := dimensionsOf(f, w)
	c := convolutionCase{convolution: depthwiseConvolution(d[2])}
	return c.build(f, []compute.Value{x, f.one(f.Reshape(w, d[0], d[1], 1, d[2]))})[0]
}

// mapsOf makes a definition of an operator on two inputs.
func mapsOf(op func(f *construction, x, w compute.Value) compute.Value) definition {
	return func(f *construction, in []compute.Value) []compute.Value { return []compute.Value{op(f, in[0], in[1])} }
}

// rfft2 transforms [B, H, W, C] to [B, C, W/2+1, H], by complex numbers.
func (c *construction) rfft2(x compute.Value) compute.Value {
	rows := c.rfft(c.one(c.Transpose(x, 0, 1, 3, 2)))
	rows = c.one(c.Transpose(rows, 0, 2, 3, 1))
	return c.one(c.FFT(rows, compute.FFTForward, []int{dimensionsOf(c, rows)[3]}))
}

// irfft2 is the way back.
func (c *construction) irfft2(s compute.Value, w int) compute.Value {
	columns := c.one(c.FFT(s, compute.FFTInverse, []int{dimensionsOf(c, s)[3]}))
	return c.one(c.Transpose(c.irfft(c.one(c.Transpose(columns, 0, 3, 1, 2)), w), 0, 1, 3, 2))
}

// spectralMap is the operator with the product of spectra given.
func spectralMap(product func(f *construction, x, w compute.Value) compute.Value) func(f *construction, x, w compute.Value) compute.Value {
	return func(f *construction, x, w compute.Value) compute.Value {
		d := dimensionsOf(f, x)
		return f.irfft2(product(f, f.rfft2(x), f.rfft2(f.one(f.Reshape(w, 1, d[1], d[2], d[3])))), d[2])
	}
}

// conjugateProduct is x·conj(w).
func conjugateProduct(f *construction, x, w compute.Value) compute.Value {
	return f.mul(x, f.one(f.Conj(w)))
}

// partsProduct is the same in parts.
func partsProduct(f *construction, x, w compute.Value) compute.Value {
	xr, xi, wr, wi := f.one(f.Real(x)), f.one(f.Imag(x)), f.one(f.Real(w)), f.one(f.Imag(w))
	re := f.add(f.mul(xr, wr), f.mul(xi, wi))
	return f.one(f.Complex(re, f.one(f.Sub(f.mul(xi, wr), f.mul(xr, wi)))))
}

func TestGlobalFormsBecomeOneNode(t *testing.T) {
	b := open(t, "threads=2")
	for _, size := range [][2]int{{12, 14}, {14, 12}, {2, 360}, {17, 23}} {
		h, w := size[0], size[1]
		image, kernel := []int{2, h, w, 3}, []int{h, w, 3}
		for _, c := range []circularCase{
			{"spatial", [][]int{image, kernel}, nil, mapsOf(spatialMap), oneGlobal},
			{"spatial, along the width first", [][]int{image, kernel}, nil, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
				return convolvedMap(f, wrapMap(f, x, 2, 1), w)
			}), oneGlobal},
			{"times the conjugate", [][]int{image, kernel}, nil, mapsOf(spectralMap(conjugateProduct)), oneGlobal},
			{"in parts", [][]int{image, kernel}, nil, mapsOf(spectralMap(partsProduct)), oneGlobal},
			{"one image of one channel", [][]int{{1, h, w, 1}, {h, w, 1}}, nil, mapsOf(spectralMap(partsProduct)), oneGlobal},
			{"channels first", [][]int{{2, 3, h, w}, {3, h, w}}, nil, func(f *construction, in []compute.Value) []compute.Value {
				transform := func(x compute.Value) compute.Value {
					return f.one(f.FFT(f.one(f.Transpose(f.rfft(x), 0, 1, 3, 2)), compute.FFTForward, []int{h}))
				}
				s := conjugateProduct(f, transform(in[0]), transform(f.one(f.Reshape(in[1], 1, 3, h, w))))
				s = f.one(f.Transpose(f.one(f.FFT(s, compute.FFTInverse, []int{h})), 0, 1, 3, 2))
				return []compute.Value{f.irfft(s, w)}
			}, "Transpose Transpose packedGlobal globalMaps Transpose"},
			{"along the height first", [][]int{image, kernel}, nil, func(f *construction, in []compute.Value) []compute.Value {
				turn := func(x compute.Value) compute.Value { return f.one(f.Transpose(x, 0, 2, 1, 3)) }
				kernel := turn(f.one(f.Reshape(in[1], 1, h, w, 3)))
				return []compute.Value{turn(f.irfft2(conjugateProduct(f, f.rfft2(turn(in[0])), f.rfft2(kernel)), h))}
			}, oneGlobal},
		} {
			t.Run(fmt.Sprint(h, "x", w, "/", c.name), func(t *testing.T) { c.check(t, b) })
		}
	}
}

// globalKernelGradient is the gradient [12, 14, 3] of a kernel, in parts, each product summed over the images.
func globalKernelGradient(f *construction, v, x compute.Value) compute.Value {
	v, x = f.rfft2(v), f.rfft2(x)
	xr, xi, vr, vi := f.one(f.Real(x)), f.one(f.Imag(x)), f.one(f.Real(v)), f.one(f.Imag(v))
	sum := func(a, b compute.Value) compute.Value {
		return f.one(f.Reshape(f.one(f.ReduceSum(f.mul(a, b), 0)), 1, 3, 8, 12))
	}
	s := f.one(f.Complex(f.add(sum(xr, vr), sum(xi, vi)), f.one(f.Sub(sum(xi, vr), sum(xr, vi)))))
	return f.one(f.Reshape(f.irfft2(s, 14), 12, 14, 3))
}

func TestGradientsOfGlobalKernelsBecomeOneNode(t *testing.T) {
	b := open(t, "threads=2")
	image := []int{2, 12, 14, 3}
	summed := mapsOf(globalKernelGradient)
	c := circularCase{inputs: [][]int{image, image}, build: summed, nodes: "globalGradient"}
	c.check(t, b)
	// The Go backend has no groups of the batch: the spatial form is compared with the other one.
	spatial := func(f *construction, in []compute.Value) []compute.Value {
		c := convolutionCase{convolution: kernelGradientConvolution(3, nil)}
		return []compute.Value{f.one(f.Reshape(c.build(f, []compute.Value{wrapMap(f, in[1], 1, 2), in[0]})[0], 12, 14, 3))}
	}
	r := seeded(t)
	inputs := []tensor{normal(r, image...), normal(r, image...)}
	g := recorded(t, b, shapesOfTensors(inputs), nil, spatial)
	optimize(b, g)
	if got := listingWithout(g, compute.OpTypeReshape); got != "globalGradient" {
		t.Errorf("the passes leave %q of the spatial form", got)
	}
	near(t, "the gradient", execute(t, b, inputs, spatial)[0], executeAsWritten(t, b, inputs, summed)[0], 1e-5)
}

func TestNearMissesOfGlobalConvolutionsAreLeft(t *testing.T) {
	b := open(t, "threads=2")
	image, kernel := []int{2, 12, 14, 3}, []int{12, 14, 3}
	with := func(product func(f *construction, x, w compute.Value) compute.Value) definition {
		return mapsOf(spectralMap(product))
	}
	for _, c := range []struct {
		name   string
		inputs [][]int
		build  definition
		global bool // the operator is recognised in it all the same, and the rest is left
	}{
		{"no conjugate", [][]int{image, kernel}, with(func(f *construction, x, w compute.Value) compute.Value { return f.mul(x, w) }), false},
		{"the other conjugate", [][]int{image, kernel}, with(func(f *construction, x, w compute.Value) compute.Value {
			return f.mul(f.one(f.Conj(x)), w)
		}), false},
		{"twice the product", [][]int{image, kernel}, with(func(f *construction, x, w compute.Value) compute.Value {
			p := conjugateProduct(f, x, w)
			return f.add(p, p)
		}), false},
		{"the result divided by the places", [][]int{image, kernel}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.mul(spectralMap(conjugateProduct)(f, in[0], in[1]), f.constant(1./168))}
		}, true},
		{"conjugated between the transforms", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			transform := func(x compute.Value, conjugate bool) compute.Value {
				rows := f.one(f.Transpose(f.rfft(f.one(f.Transpose(x, 0, 1, 3, 2))), 0, 2, 3, 1))
				if conjugate {
					rows = f.one(f.Conj(rows))
				}
				return f.one(f.FFT(rows, compute.FFTForward, []int{12}))
			}
			return f.irfft2(f.mul(transform(x, false), transform(f.one(f.Reshape(w, 1, 12, 14, 3)), true)), 14)
		}), false},
		{"transformed forward again", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			s := conjugateProduct(f, f.rfft2(x), f.rfft2(f.one(f.Reshape(w, 1, 12, 14, 3))))
			s = f.one(f.FFT(s, compute.FFTForward, []int{12}))
			return f.one(f.Transpose(f.irfft(f.one(f.Transpose(s, 0, 3, 1, 2)), 14), 0, 1, 3, 2))
		}), false},
		{"back to another width", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			return f.irfft2(conjugateProduct(f, f.rfft2(x), f.rfft2(f.one(f.Reshape(w, 1, 12, 14, 3)))), 15)
		}), false},
		{"back along the channels", [][]int{{2, 14, 12, 14}, {14, 12, 14}}, with(func(f *construction, x, w compute.Value) compute.Value {
			return f.one(f.Transpose(conjugateProduct(f, x, w), 0, 3, 2, 1))
		}), false},
		{"a kernel of one line", [][]int{image, {14, 3}}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			line := f.rfft(f.one(f.Transpose(f.one(f.Reshape(w, 1, 1, 14, 3)), 0, 3, 1, 2)))
			return f.irfft2(partsProduct(f, f.rfft2(x), f.one(f.Transpose(line, 0, 1, 3, 2))), 14)
		}), false},
		{"a kernel of one line, repeated before it is transformed", [][]int{image, {14, 3}}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			re, im := f.spectrumOf(f.one(f.Transpose(w, 1, 0)))
			many := func(v compute.Value) compute.Value { return f.spread(v, []int{1, 2}, 1, 3, 8, 12) }
			s := f.one(f.FFT(f.one(f.Complex(many(re), many(im))), compute.FFTForward, []int{12}))
			return f.irfft2(partsProduct(f, f.rfft2(x), s), 14)
		}), false},
		{"transformed twice along the width", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			twice := func(x compute.Value) compute.Value {
				return f.one(f.FFT(f.rfft(f.one(f.Transpose(x, 0, 1, 3, 2))), compute.FFTForward, []int{8}))
			}
			s := conjugateProduct(f, twice(x), twice(f.one(f.Reshape(w, 1, 12, 14, 3))))
			return f.irfft(f.one(f.FFT(s, compute.FFTInverse, []int{8})), 14)
		}), false},
		{"one kernel for all channels", [][]int{image, {12, 14, 1}}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			return f.irfft2(f.mul(f.rfft2(x), f.one(f.Conj(f.rfft2(f.one(f.Reshape(w, 1, 12, 14, 1)))))), 14)
		}), false},
		{"a row short of the map", [][]int{image, {11, 14, 3}}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			return convolvedMap(f, wrapMap(f, x, 1, 2), w)
		}), false},
		{"a column more than the beginning", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			x = wrapMap(f, x, 1)
			return convolvedMap(f, wrap(f, x, dimensionsOf(f, x), 2, 14), w)
		}), false},
		{"continued along one axis alone", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			x = wrapMap(f, x, 2)
			zeros := f.spread(f.constant(0), nil, 2, 11, 27, 3)
			return convolvedMap(f, f.one(f.Concatenate(1, x, zeros)), w)
		}), false},
		{"grouped but not depth-wise", [][]int{{2, 12, 14, 4}, {12, 14, 2, 4}}, func(f *construction, in []compute.Value) []compute.Value {
			c := convolutionCase{convolution: standardConvolution(func(a *convolutionOf) { a.channelGroupCount = 2 })}
			return c.build(f, []compute.Value{wrapMap(f, in[0], 1, 2), in[1]})
		}, false},
		{"with a multiplier", [][]int{image, {12, 14, 1, 6}}, func(f *construction, in []compute.Value) []compute.Value {
			c := convolutionCase{convolution: depthwiseConvolution(3)}
			return c.build(f, []compute.Value{wrapMap(f, in[0], 1, 2), in[1]})
		}, false},
		{"small", [][]int{{2, 5, 4, 3}, {5, 4, 3}}, mapsOf(spatialMap), false},
		{"asked for directly", [][]int{image, kernel}, mapsOf(func(f *construction, x, w compute.Value) compute.Value {
			return convolvedMap(f, f.all(f.OptimizationBarrier(wrapMap(f, x, 1, 2)))[0], w)
		}), false},
		{"small, asked for in the frequencies", [][]int{{2, 5, 4, 3}, {5, 4, 3}}, with(conjugateProduct), true},
	} {
		t.Run(c.name, func(t *testing.T) { checkRecognised(t, b, c.inputs, c.build, hasGlobal, c.global) })
	}
}

func hasGlobal(g *graph) bool {
	return slices.ContainsFunc(g.nodes, func(n *node) bool {
		switch n.attributes.(type) {
		case globalMapsOf, globalGradientOf:
			return true
		}
		return false
	})
}

func TestTermsMoveIntoGlobalConvolutions(t *testing.T) {
	b := open(t, "threads=2")
	image, kernel, weights := []int{2, 12, 14, 3}, []int{12, 14, 3}, []string{"x", "/w", "/a", "/b"}
	onMap := func(f *construction, v compute.Value) compute.Value { return f.one(f.Reshape(v, 1, 12, 14, 3)) }
	perChannel := func(f *construction, v compute.Value) compute.Value { return f.one(f.Reshape(v, 1, 1, 1, 3)) }
	embedded := func(f *construction, in []compute.Value) []compute.Value {
		y := spatialMap(f, f.add(in[0], onMap(f, in[2])), in[1])
		return []compute.Value{f.add(perChannel(f, in[3]), y)}
	}
	for _, c := range []circularCase{
		{"a bias", [][]int{image, kernel, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(spectralMap(partsProduct)(f, in[0], in[1]), perChannel(f, in[2]))}
		}, oneGlobal},
		{"a bias repeated explicitly", [][]int{image, kernel, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(spatialMap(f, in[0], in[1]), f.spread(in[2], []int{3}, image...))}
		}, oneGlobal},
		{"an embedding and a bias of weights", [][]int{image, kernel, kernel, {3}}, weights, embedded, "packedGlobal globalMaps packedGlobal globalMaps"},
		{"what weights add to each place", [][]int{image, kernel, kernel}, weights, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(spatialMap(f, in[0], in[1]), onMap(f, in[2]))}
		}, oneGlobal},
		{"not an embedding that is no weight", [][]int{image, kernel, kernel, {3}}, nil, embedded, "fused packedGlobal globalMaps"},
		{"not an embedding that is trained", [][]int{image, kernel, kernel, {3}, image}, weights, func(f *construction, in []compute.Value) []compute.Value {
			return append(embedded(f, in), globalKernelGradient(f, in[4], f.add(in[0], onMap(f, in[2]))))
		}, "fused packedGlobal globalMaps globalGradient"},
		{"not an image", [][]int{{1, 12, 14, 3}, kernel, {1, 12, 14, 3}}, []string{"x", "/w", "r"}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.add(spatialMap(f, in[0], in[1]), in[2])}
		}, "packedGlobal globalMaps fused"},
		{"not a bias where the convolution has another user", [][]int{image, kernel, {3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			y := spatialMap(f, in[0], in[1])
			return []compute.Value{f.add(y, perChannel(f, in[2])), f.one(f.Tanh(y))}
		}, "packedGlobal globalMaps fused fused"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
	var parameters []shapes.Shape
	for _, d := range [][]int{image, kernel, kernel, {3}} {
		parameters = append(parameters, float32Shape(d...))
	}
	if e := compile(t, b, parameters, weights, embedded).(*executable); len(e.plan.steps) != 1 {
		t.Errorf("%d steps a call, want 1: all else depends on weights alone", len(e.plan.steps))
	}
}

func TestReversedGlobalKernelsAreTakenAsTheyAre(t *testing.T) {
	b := open(t, "threads=2")
	turned := func(f *construction, w compute.Value) compute.Value {
		d := dimensionsOf(f, w)
		rows := f.one(f.Reshape(w, d[0], d[1]*d[2]))
		rest := f.one(f.Reverse(f.one(f.Slice(rows, []int{1, 0}, []int{d[0], d[1] * d[2]}, nil)), 0))
		rows = f.one(f.Concatenate(0, f.one(f.Slice(rows, []int{0, 0}, []int{1, d[1] * d[2]}, nil)), rest))
		return f.one(f.Reshape(rows, d...))
	}
	transposed := func(f *construction, w compute.Value) compute.Value { return f.one(f.Transpose(w, 1, 0, 2)) }
	for _, c := range []struct {
		name  string
		turn  func(f *construction, w compute.Value) compute.Value
		nodes string
	}{
		{"turned round", func(f *construction, w compute.Value) compute.Value {
			return transposed(f, turned(f, transposed(f, turned(f, w))))
		}, oneGlobal},
		{"not along one axis alone", turned, "Slice Reverse Slice Concatenate packedGlobal globalMaps"},
		{"not transposed", func(f *construction, w compute.Value) compute.Value {
			return turned(f, transposed(f, turned(f, w)))
		}, "Slice Reverse Slice Concatenate Transpose Slice Reverse Slice Concatenate packedGlobal globalMaps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := circularCase{inputs: [][]int{{2, 13, 13, 3}, {13, 13, 3}}, nodes: c.nodes, build: func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{spatialMap(f, in[0], c.turn(f, in[1]))}
			}}
			one.check(t, b)
		})
	}
}
