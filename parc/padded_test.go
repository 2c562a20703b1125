package parc_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/parc"
)

// solvePadded returns y, dx, dkernel, dpe and dbias of the zero-padded convolution along the axis, with kh places of the
// kernel and of the embedding.
func (p *mapProblem) solvePadded() [][]float64 {
	n, along := p.h, func(i, j int) int { return i }
	if p.options.Axis == parc.Width {
		n, along = p.w, func(i, j int) int { return j }
	}
	fit := fitting(p.options.Fit, p.kh, n)
	pe := multiply(fit, p.pe, p.c)
	y, dx, dkernel, dpe, dbias := make([]float64, len(p.x)), make([]float64, len(p.x)), make([]float64, len(p.kernel)), make([]float64, n*p.c), make([]float64, p.c)
	size := p.h * p.w * p.c
	for out := range y {
		i, j, c := out%size/p.c/p.w, out/p.c%p.w, out%p.c
		y[out] = p.bias[c]
		dbias[c] += p.g[out]
		for k := range p.kh {
			at := along(i, j) + k - (p.kh-1)/2
			if at < 0 || at >= n {
				continue
			}
			row, column := at, j
			if p.options.Axis == parc.Width {
				row, column = i, at
			}
			in := out/size*size + (row*p.w+column)*p.c + c
			z := p.x[in] + pe[at*p.c+c]
			y[out] += p.kernel[k*p.c+c] * z
			dkernel[k*p.c+c] += p.g[out] * z
			dx[in] += p.kernel[k*p.c+c] * p.g[out]
			dpe[at*p.c+c] += p.kernel[k*p.c+c] * p.g[out]
		}
	}
	return [][]float64{y, dx, dkernel, multiply(transposed(fit), dpe, p.c), dbias}
}

func TestConvolvePaddedEqualsItsDefinition(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 15 {
			p := randomMapProblem(random)
			p.options.Axis, p.options.Form = parc.Axis(random.IntN(2)), form
			p.kh = 1 + random.IntN(15) // shorter than the axis, and longer than twice that
			if p.options.Fit == parc.Crop {
				p.kh = max(p.kh, p.h, p.w)
			}
			p.kernel, p.pe = normal(random, p.kh*p.c), normal(random, p.kh*p.c)
			operator := func(in []*graph.Node) *graph.Node { return parc.ConvolvePadded(in[0], in[1], in[2], in[3], p.options) }
			want := p.solvePadded()
			p.agree(t, p.run(t, backend, dtypes.Float64, []int{p.kh, p.c}, operator), want, 1e-12)
			p.agree(t, p.run(t, backend, dtypes.Float32, []int{p.kh, p.c}, operator), want, 1e-5)
		}
	})
}

func TestConvolvePaddedNamesBadArguments(t *testing.T) {
	for _, c := range []struct {
		x, kernel, pe, bias []int
		options             parc.Options
		want                string
	}{
		{[]int{1, 4, 4, 2}, []int{4, 2, 2}, nil, nil, parc.Options{}, "kernel of shape (Float32)[4, 2, 2]: want [K, C]"},
		{[]int{1, 4, 4, 2}, []int{4, 3}, nil, nil, parc.Options{}, "has 3 channels: want the input's 2"},
		{[]int{1, 4, 4, 2}, []int{0, 2}, nil, nil, parc.Options{}, "is 0, want at least 1"},
		{[]int{1, 4, 4, 2}, []int{4, 2}, []int{4}, nil, parc.Options{}, "position embedding of shape (Float32)[4]: want [K, C]"},
		{[]int{1, 4, 4, 2}, []int{4, 2}, nil, []int{3}, parc.Options{}, "bias of shape (Float32)[3]: want [2]"},
		{[]int{1, 4, 4, 2}, []int{4, 2}, nil, nil, parc.Options{Axis: 2}, "axis 2: want one of"},
	} {
		err := buildError(t, func(g *graph.Graph) *graph.Node {
			return parc.ConvolvePadded(zeros(g, c.x), zeros(g, c.kernel), zeros(g, c.pe), zeros(g, c.bias), c.options)
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c, err, c.want)
		}
	}
}
