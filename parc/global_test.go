package parc_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/parc"
)

// mapProblem is a depth-wise operator on images [b, h, w, c] with a kernel and an embedding of kh·kw places, and the loss
// Σ g·y.
type mapProblem struct {
	b, h, w, c, kh, kw     int
	options                parc.Options
	x, kernel, pe, bias, g []float64
}

func randomMapProblem(random *rand.Rand) *mapProblem {
	between := func(low, high int) int { return low + random.IntN(high-low+1) }
	p := &mapProblem{b: between(1, 3), h: between(1, 7), w: between(1, 7), c: between(1, 4)}
	p.kh, p.kw = between(1, 7), between(1, 7)
	if between(0, 1) == 1 {
		p.kh, p.kw = p.h, p.w
	}
	p.options.Fit = parc.Fit(between(0, 2))
	if p.options.Fit == parc.Crop {
		p.kh, p.kw = max(p.kh, p.h), max(p.kw, p.w)
	}
	p.x, p.g = normal(random, p.b*p.h*p.w*p.c), normal(random, p.b*p.h*p.w*p.c)
	p.kernel, p.pe, p.bias = normal(random, p.kh*p.kw*p.c), normal(random, p.kh*p.kw*p.c), normal(random, p.c)
	return p
}

// solve returns y, dx, dkernel, dpe and dbias of the global convolution as it is defined.
func (p *mapProblem) solve() [][]float64 {
	rows, columns := fitting(p.options.Fit, p.kh, p.h), fitting(p.options.Fit, p.kw, p.w)
	// weight is what the place (s, r) of a kernel counts at (i, j) of the map.
	weight := func(i, j, s, r int) float64 { return rows[i][s] * columns[j][r] }
	fit := func(t []float64) []float64 {
		fitted := make([]float64, p.h*p.w*p.c)
		for at := range fitted {
			i, j, c := at/p.c/p.w, at/p.c%p.w, at%p.c
			for place := range p.kh * p.kw {
				fitted[at] += weight(i, j, place/p.kw, place%p.kw) * t[place*p.c+c]
			}
		}
		return fitted
	}
	back := func(fitted []float64) []float64 {
		t := make([]float64, p.kh*p.kw*p.c)
		for at, v := range fitted {
			i, j, c := at/p.c/p.w, at/p.c%p.w, at%p.c
			for place := range p.kh * p.kw {
				t[place*p.c+c] += weight(i, j, place/p.kw, place%p.kw) * v
			}
		}
		return t
	}
	kernel, pe := fit(p.kernel), fit(p.pe)
	size := p.h * p.w * p.c
	y, dx, dkernel, dpe, dbias := make([]float64, len(p.x)), make([]float64, len(p.x)), make([]float64, size), make([]float64, size), make([]float64, p.c)
	for out := range y {
		image, i, j, c := out/size, out/p.c/p.w%p.h, out/p.c%p.w, out%p.c
		y[out] = p.bias[c]
		dbias[c] += p.g[out]
		for u := range p.h {
			for v := range p.w {
				at := ((i+u)%p.h*p.w+(j+v)%p.w)*p.c + c
				w := (u*p.w+v)*p.c + c
				z := p.x[image*size+at] + pe[at]
				y[out] += kernel[w] * z
				dkernel[w] += p.g[out] * z
				dx[image*size+at] += kernel[w] * p.g[out]
				dpe[at] += kernel[w] * p.g[out]
			}
		}
	}
	return [][]float64{y, dx, back(dkernel), back(dpe), dbias}
}

// run executes an operator on the problem's values and returns its output and gradients.
func (p *mapProblem) run(t *testing.T, backend compute.Backend, dtype dtypes.DType, kernel []int, operator func(in []*graph.Node) *graph.Node) [][]float64 {
	t.Helper()
	values := [][]float64{p.x, p.kernel, p.pe, p.bias, p.g}
	image := []int{p.b, p.h, p.w, p.c}
	return execute(t, backend, dtype, values, [][]int{image, kernel, kernel, {p.c}, image}, func(nodes []*graph.Node) []*graph.Node {
		y := operator(nodes)
		return append([]*graph.Node{y}, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, nodes[4])), nodes[:4]...)...)
	})
}

// agree compares an operator's output and gradients; float32 is as exact as the sums of some hundred terms are.
func (p *mapProblem) agree(t *testing.T, got, want [][]float64, tolerance float64) {
	t.Helper()
	for i, name := range []string{"y", "dx", "dkernel", "dpe", "dbias"} {
		if d := distance(got[i], want[i]); !(d <= tolerance*(1+largest(want[i]))) {
			t.Errorf("[%d,%d,%d,%d] kernel %dx%d %v: %s is off by %.3g", p.b, p.h, p.w, p.c, p.kh, p.kw, p.options, name, d)
		}
	}
}

func TestGlobalConvolveEqualsItsDefinition(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 15 {
			p := randomMapProblem(random)
			p.options.Form = form
			operator := func(in []*graph.Node) *graph.Node { return parc.GlobalConvolve(in[0], in[1], in[2], in[3], p.options) }
			kernel := []int{p.kh, p.kw, p.c}
			want := p.solve()
			p.agree(t, p.run(t, backend, dtypes.Float64, kernel, operator), want, 1e-12)
			p.agree(t, p.run(t, backend, dtypes.Float32, kernel, operator), want, 1e-5)
		}
	})
}

// Two algorithms round differently, so the engine's results tell which one it took.
func TestTheEngineComputesTheGlobalFormThatIsAskedFor(t *testing.T) {
	backend := open(t, "simd")
	for _, c := range []struct{ h, w, auto int }{{4, 5, int(parc.Spatial)}, {17, 14, int(parc.FFT)}} {
		random := rand.New(rand.NewPCG(1, uint64(c.h)))
		p := &mapProblem{b: 2, h: c.h, w: c.w, c: 20, kh: c.h, kw: c.w}
		size := c.h * c.w * p.c
		p.x, p.g = normal(random, 2*size), normal(random, 2*size)
		p.kernel, p.pe, p.bias = normal(random, size), normal(random, size), normal(random, p.c)
		results, want := map[parc.Form][][]float64{}, p.solve()
		for _, form := range forms {
			p.options.Form = form
			operator := func(in []*graph.Node) *graph.Node { return parc.GlobalConvolve(in[0], in[1], in[2], in[3], p.options) }
			results[form] = p.run(t, backend, dtypes.Float32, []int{c.h, c.w, p.c}, operator)
			p.agree(t, results[form], want, 1e-5)
		}
		for i, name := range []string{"y", "dx", "dkernel"} {
			if slices.Equal(results[parc.Spatial][i], results[parc.FFT][i]) {
				t.Errorf("%dx%d: %s is the same to the bit in both forms", c.h, c.w, name)
			}
			if !slices.Equal(results[parc.Auto][i], results[parc.Form(c.auto)][i]) {
				t.Errorf("%dx%d: %s of the automatic form is not that of the form %v", c.h, c.w, name, parc.Form(c.auto))
			}
		}
	}
}

func TestGlobalConvolutionsAreTheSameForAnyNumberOfThreads(t *testing.T) {
	p := &mapProblem{b: 3, h: 15, w: 22, c: 40, kh: 15, kw: 22}
	random, size := rand.New(rand.NewPCG(2, 3)), 15*22*40
	p.x, p.g = normal(random, 3*size), normal(random, 3*size)
	p.kernel, p.pe, p.bias = normal(random, size), normal(random, size), normal(random, p.c)
	operator := func(in []*graph.Node) *graph.Node { return parc.GlobalConvolve(in[0], in[1], in[2], in[3], p.options) }
	var want [][]float64
	for _, threads := range []string{"1", "2", "5"} {
		got := p.run(t, open(t, "simd:threads="+threads), dtypes.Float32, []int{15, 22, 40}, operator)
		if want == nil {
			want = got
		}
		for i, name := range []string{"y", "dx", "dkernel", "dpe", "dbias"} {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%s is not the same with %s threads as with one", name, threads)
			}
		}
	}
}

func TestGlobalConvolveNamesBadArguments(t *testing.T) {
	for _, c := range []struct {
		x, kernel, pe, bias []int
		options             parc.Options
		want                string
	}{
		{[]int{1, 4, 4, 2}, []int{4, 2}, nil, nil, parc.Options{}, "kernel of shape (Float32)[4, 2]: want [KH, KW, C]"},
		{[]int{1, 4, 4, 2}, []int{4, 4, 3}, nil, nil, parc.Options{}, "has 3 channels: want the input's 2"},
		{[]int{1, 4, 4, 2}, []int{0, 4, 2}, nil, nil, parc.Options{}, "is 0, want at least 1"},
		{[]int{1, 0, 4, 2}, []int{4, 4, 2}, nil, nil, parc.Options{}, "size of axis H is 0"},
		{[]int{1, 4, 4, 2}, []int{4, 4, 2}, []int{4, 2}, nil, parc.Options{}, "position embedding of shape"},
		{[]int{1, 4, 4, 2}, []int{4, 4, 2}, nil, []int{3}, parc.Options{}, "bias of shape (Float32)[3]: want [2]"},
		{[]int{1, 4, 4, 2}, []int{4, 4, 2}, nil, nil, parc.Options{Form: 7}, "form 7: want one of"},
	} {
		err := buildError(t, func(g *graph.Graph) *graph.Node {
			return parc.GlobalConvolve(zeros(g, c.x), zeros(g, c.kernel), zeros(g, c.pe), zeros(g, c.bias), c.options)
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c, err, c.want)
		}
	}
}

// buildError returns the error of building a graph on the Go backend.
func buildError(t *testing.T, build func(g *graph.Graph) *graph.Node) error {
	t.Helper()
	exec, err := graph.NewExec(open(t, "go"), build)
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.Call()
	return err
}

// zeros is a constant of the dimensions, or nil where there are none.
func zeros(g *graph.Graph, dims []int) *graph.Node {
	if dims == nil {
		return nil
	}
	return graph.Zeros(g, shapes.Make(dtypes.Float32, dims...))
}
