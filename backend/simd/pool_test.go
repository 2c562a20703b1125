package simd

import (
	"testing"

	"github.com/gomlx/compute"
)

func TestPoolsAgreeWithTheGoBackend(t *testing.T) {
	b, reference, r := open(t, "threads=2"), openGo(t), seeded(t)
	for _, c := range []struct {
		name                                   string
		dims, window, strides, dilations, base []int
		paddings                               [][2]int
		onKernel                               bool
	}{
		{"2×2 with the standard strides", []int{2, 6, 8, 5}, []int{1, 2, 2, 1}, nil, nil, nil, nil, true},
		{"3×3 by 2 padded", []int{2, 7, 9, 17}, []int{1, 3, 3, 1}, []int{1, 2, 2, 1}, nil, nil, [][2]int{{}, {1, 1}, {1, 0}, {}}, true},
		{"3×2 overlapping", []int{1, 5, 6, 3}, []int{1, 3, 2, 1}, []int{1, 1, 1, 1}, []int{1, 1, 1, 1}, nil, nil, true},
		{"dilated", []int{1, 9, 9, 4}, []int{1, 3, 3, 1}, []int{1, 1, 1, 1}, []int{1, 2, 1, 1}, nil, nil, false},
		{"of an input with holes", []int{1, 4, 4, 4}, []int{1, 2, 2, 1}, []int{1, 1, 1, 1}, nil, []int{1, 2, 2, 1}, nil, false},
		{"over channels", []int{1, 3, 3, 8}, []int{1, 1, 2, 2}, nil, nil, nil, nil, false},
		{"over the batch", []int{4, 3, 3, 2}, []int{2, 2, 1, 1}, nil, nil, nil, nil, false},
		{"of a sequence", []int{2, 9, 4}, []int{1, 3, 1}, nil, nil, nil, nil, false},
	} {
		x := normal(r, c.dims...)
		for _, reduction := range []compute.ReduceOpType{compute.ReduceOpMax, compute.ReduceOpMin, compute.ReduceOpSum, compute.ReduceOpProduct} {
			t.Run(c.name+"/"+reduction.String(), func(t *testing.T) {
				pool := func(f *construction, in []compute.Value) []compute.Value {
					return []compute.Value{f.one(f.ReduceWindow(in[0], reduction, c.window, c.strides, c.base, c.dilations, c.paddings))}
				}
				agree(t, b, reference, []tensor{x}, pool)
				checkOnKernel(t, b, []tensor{x}, pool, c.onKernel)
			})
		}
		if c.dilations != nil || c.base != nil {
			continue
		}
		t.Run(c.name+"/gradient", func(t *testing.T) {
			y := execute(t, reference, []tensor{x}, func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{f.one(f.ReduceWindow(in[0], compute.ReduceOpMax, c.window, c.strides, nil, nil, c.paddings))}
			})
			inputs := []tensor{x, normal(r, y[0].dims...)}
			gradient := func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{f.one(f.SelectAndScatterMax(in[0], in[1], c.window, c.strides, c.paddings))}
			}
			agree(t, b, reference, inputs, gradient)
			checkOnKernel(t, b, inputs, gradient, c.onKernel)
			agree(t, b, reference, inputs, func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{f.one(f.SelectAndScatterMin(in[0], in[1], c.window, c.strides, c.paddings))}
			})
		})
	}
}

// checkOnKernel checks whether a plan has steps of the Go backend.
func checkOnKernel(t *testing.T, b *Backend, inputs []tensor, d definition, want bool) {
	t.Helper()
	e := compile(t, b, shapesOfTensors(inputs), nil, d).(*executable)
	if got := countFallbacks(e) == 0; got != want {
		t.Errorf("all on kernels: %v, want %v", got, want)
	}
}

func countFallbacks(e *executable) int {
	count := 0
	for _, s := range append(append([]step{}, e.plan.steps...), e.plan.weightSteps...) {
		if _, ok := s.(*fallback); ok {
			count++
		}
	}
	return count
}
