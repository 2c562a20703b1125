package parc_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/parc"
)

func TestBuilderCreatesTheVariablesThatItsOptionsNeed(t *testing.T) {
	for name, test := range map[string]struct {
		configure func(b *parc.Builder) *parc.Builder
		output    []int
		variables map[string][]int
	}{
		"by default": {
			configure: func(b *parc.Builder) *parc.Builder { return b.KernelSize(7) },
			output:    []int{2, 6, 5, 3},
			variables: map[string][]int{"/block/weight": {7, 3}, "/block/pe": {7, 3}, "/block/bias": {3}},
		},
		"without embedding": {
			configure: func(b *parc.Builder) *parc.Builder { return b.KernelSize(7).PositionEmbedding(false) },
			output:    []int{2, 6, 5, 3},
			variables: map[string][]int{"/block/weight": {7, 3}, "/block/bias": {3}},
		},
		"without bias": {
			configure: func(b *parc.Builder) *parc.Builder { return b.KernelSize(7).UseBias(false) },
			output:    []int{2, 6, 5, 3},
			variables: map[string][]int{"/block/weight": {7, 3}, "/block/pe": {7, 3}},
		},
		"dense": {
			configure: func(b *parc.Builder) *parc.Builder { return b.KernelSize(4).Dense(8) },
			output:    []int{2, 6, 5, 8},
			variables: map[string][]int{"/block/weight": {4, 3, 8}, "/block/pe": {4, 3}, "/block/bias": {8}},
		},
		"with other names": {
			configure: func(b *parc.Builder) *parc.Builder {
				return b.KernelSize(7).Names("gcc_conv/weight", "meta_pe", "gcc_conv/bias")
			},
			output:    []int{2, 6, 5, 3},
			variables: map[string][]int{"/block/gcc_conv/weight": {7, 3}, "/block/meta_pe": {7, 3}, "/block/gcc_conv/bias": {3}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := model.NewStore()
			exec, err := model.NewExec(open(t, "go"), store, func(scope *model.Scope, x *graph.Node) *graph.Node {
				return test.configure(parc.New(scope.In("block"), x)).Done()
			})
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := exec.Call(tensors.FromShape(shapes.Make(dtypes.Float32, 2, 6, 5, 3)))
			if err != nil {
				t.Fatal(err)
			}
			if got := outputs[0].Shape().Dimensions; !slices.Equal(got, test.output) {
				t.Errorf("output of shape %v, want %v", got, test.output)
			}
			found := make(map[string][]int)
			for v := range store.IterVariables() {
				if strings.HasPrefix(v.Path(), "/block/") {
					found[v.Path()] = v.Shape().Dimensions
				}
			}
			if len(found) != len(test.variables) {
				t.Errorf("variables %v, want %v", found, test.variables)
			}
			for path, dims := range test.variables {
				if !slices.Equal(found[path], dims) {
					t.Errorf("variable %s of shape %v, want %v", path, found[path], dims)
				}
			}
		})
	}
}

func TestBuilderAppliesItsOptions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := &problem{b: 1, h: 4, w: 9, c: 3, k: 11, outputs: 5, dense: true,
		options: parc.Options{Axis: parc.Width, Fit: parc.Cubic, Form: parc.Spatial}}
	p.x, p.g = normal(random, 1*4*9*3), make([]float64, 1*4*9*5)
	p.kernel, p.pe, p.bias = normal(random, 11*3*5), normal(random, 11*3), normal(random, 5)
	store := model.NewStore()
	for name, variable := range map[string]*tensors.Tensor{
		"weight": tensor(dtypes.Float64, p.kernel, []int{11, 3, 5}),
		"pe":     tensor(dtypes.Float64, p.pe, []int{11, 3}),
		"bias":   tensor(dtypes.Float64, p.bias, []int{5}),
	} {
		if _, err := store.CreateVariable("/"+name, variable); err != nil {
			t.Fatal(err)
		}
	}
	exec, err := model.NewExec(open(t, "go"), store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return parc.New(scope, x).Axis(parc.Width).KernelSize(11).Dense(5).Fit(parc.Cubic).Form(parc.Spatial).Done()
	})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := exec.Call(tensor(dtypes.Float64, p.x, []int{1, 4, 9, 3}))
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(float64s(outputs[0]), p.solve().y); !(d < 1e-12) {
		t.Errorf("off by %g", d)
	}
}

func TestBadArgumentsAreNamedWithTheirValue(t *testing.T) {
	type nodes struct{ x, kernel, pe, bias []int }
	good := nodes{x: []int{2, 6, 5, 3}, kernel: []int{7, 3}, pe: []int{7, 3}, bias: []int{3}}
	for _, test := range []struct {
		nodes   nodes
		options parc.Options
		want    string
	}{
		{good, parc.Options{Axis: 2}, "axis 2: want one of height, width"},
		{good, parc.Options{Fit: -1}, "fit -1: want one of linear, cubic, crop"},
		{good, parc.Options{Form: 3}, "form 3: want one of auto, spatial, fft"},
		{good, parc.Options{Axis: parc.Height, Fit: parc.Crop}, ""},
		{nodes{x: []int{2, 9, 5, 3}, kernel: []int{7, 3}}, parc.Options{Fit: parc.Crop}, "fit crop with kernel size 7: want at least the 9"},
		{nodes{x: []int{6, 5, 3}, kernel: []int{7, 3}}, parc.Options{}, "input of shape (Float32)[6, 5, 3]: want [B, H, W, C]"},
		{nodes{x: []int{2, 0, 5, 3}, kernel: []int{7, 3}}, parc.Options{}, "size of axis H is 0, want at least 1"},
		{nodes{x: []int{0, 6, 5, 3}, kernel: []int{7, 3}}, parc.Options{}, "size of axis B is 0, want at least 1"},
		{nodes{x: []int{2, 6, 5, 0}, kernel: []int{7, 0}}, parc.Options{}, "size of axis C is 0, want at least 1"},
		{nodes{x: good.x, kernel: []int{7}}, parc.Options{}, "kernel of shape (Float32)[7]: want [K, C]"},
		{nodes{x: good.x, kernel: []int{7, 4}}, parc.Options{}, "kernel of shape (Float32)[7, 4] has 4 channels: want the input's 3"},
		{nodes{x: good.x, kernel: []int{0, 3}}, parc.Options{}, "kernel of shape (Float32)[0, 3]: size of axis 0 is 0"},
		{nodes{x: good.x, kernel: good.kernel, pe: []int{7, 2}}, parc.Options{}, "position embedding of shape (Float32)[7, 2] has 2 channels"},
		{nodes{x: good.x, kernel: good.kernel, pe: []int{7}}, parc.Options{}, "position embedding of shape (Float32)[7]: want [K, C]"},
		{nodes{x: good.x, kernel: good.kernel, bias: []int{4}}, parc.Options{}, "bias of shape (Float32)[4]: want [3]"},
		{nodes{x: good.x, kernel: []int{7, 3, 8}, bias: []int{3}}, parc.Options{}, "bias of shape (Float32)[3]: want [8]"},
	} {
		exec, err := graph.NewExec(open(t, "go"), func(g *graph.Graph) *graph.Node {
			node := func(dims []int) *graph.Node {
				if dims == nil {
					return nil
				}
				return graph.Zeros(g, shapes.Make(dtypes.Float32, dims...))
			}
			return parc.Convolve(node(test.nodes.x), node(test.nodes.kernel), node(test.nodes.pe), node(test.nodes.bias), test.options)
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = exec.Call()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v %+v: error %v, want %q", test.nodes, test.options, err, test.want)
		}
	}
}

func TestBuilderNamesBadArgumentsAndTheScope(t *testing.T) {
	for want, configure := range map[string]func(b *parc.Builder) *parc.Builder{
		"kernel size 0 in scope /block: want at least 1":     func(b *parc.Builder) *parc.Builder { return b },
		"kernel size -3 in scope /block: want at least 1":    func(b *parc.Builder) *parc.Builder { return b.KernelSize(-3) },
		"0 output channels in scope /block: want at least 1": func(b *parc.Builder) *parc.Builder { return b.KernelSize(3).Dense(0) },
		"axis -1: want one of height, width":                 func(b *parc.Builder) *parc.Builder { return b.KernelSize(3).Axis(-1) },
	} {
		exec, err := model.NewExec(open(t, "go"), model.NewStore(), func(scope *model.Scope, x *graph.Node) *graph.Node {
			return configure(parc.New(scope.In("block"), x)).Done()
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = exec.Call(tensors.FromShape(shapes.Make(dtypes.Float32, 1, 4, 4, 2))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestFormsAreReadAndWrittenByName(t *testing.T) {
	for name, form := range map[string]parc.Form{"auto": parc.Auto, "spatial": parc.Spatial, "fft": parc.FFT} {
		var read parc.Form
		if err := json.Unmarshal([]byte(`"`+name+`"`), &read); err != nil || read != form {
			t.Errorf("%s is read as %v, %v", name, read, err)
		}
		if written, err := json.Marshal(form); err != nil || string(written) != `"`+name+`"` {
			t.Errorf("%v is written as %s, %v", form, written, err)
		}
	}
	var form parc.Form
	if err := form.UnmarshalText([]byte("winograd")); err == nil || !strings.Contains(err.Error(), `form "winograd": want one of auto, spatial, fft`) {
		t.Errorf("error %v", err)
	}
}
