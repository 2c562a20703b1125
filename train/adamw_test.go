package train

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/backends"
)

// goBackend opens GoMLX's own Go backend, on which all that this package builds must run.
func goBackend(t testing.TB) compute.Backend {
	t.Helper()
	backend, err := backends.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}

// quadratic takes steps of o on two variables whose loss is the sum of their squares.
func quadratic(t *testing.T, o *AdamW) (step func(), value func(name string) []float32) {
	t.Helper()
	store := model.NewStore()
	for name, start := range map[string][]float32{"kernel": {1, -2, 3}, "bias": {0.5, -0.25}} {
		if _, err := store.CreateVariable(name, tensors.FromValue(start)); err != nil {
			t.Fatal(err)
		}
	}
	exec, err := model.NewExec(goBackend(t), store, func(scope *model.Scope, g *graph.Graph) *graph.Node {
		var loss *graph.Node
		for _, name := range []string{"kernel", "bias"} {
			term := graph.ReduceAllSum(graph.Square(scope.GetVariable(name).NodeValue(g)))
			if loss == nil {
				loss = term
			} else {
				loss = graph.Add(loss, term)
			}
		}
		o.UpdateGraph(scope, g, loss)
		return loss
	})
	if err != nil {
		t.Fatal(err)
	}
	step = func() {
		t.Helper()
		if _, err := exec.Call(); err != nil {
			t.Fatal(err)
		}
	}
	value = func(name string) []float32 {
		return tensors.MustCopyFlatData[float32](store.GetVariable(name).MustValue())
	}
	return step, value
}

// adamWReference is the algorithm as the paper states it, in float64, on the loss Σx².
func adamWReference(x []float64, steps int, learningRate, decay float64) []float64 {
	const beta1, beta2 = 0.9, 0.999
	m, v := make([]float64, len(x)), make([]float64, len(x))
	for t := 1; t <= steps; t++ {
		for i := range x {
			gradient := 2 * x[i]
			m[i] = beta1*m[i] + (1-beta1)*gradient
			v[i] = beta2*v[i] + (1-beta2)*gradient*gradient
			mHat := m[i] / (1 - math.Pow(beta1, float64(t)))
			vHat := v[i] / (1 - math.Pow(beta2, float64(t)))
			x[i] -= learningRate * (mHat/(math.Sqrt(vHat)+1e-8) + decay*x[i])
		}
	}
	return x
}

func TestAdamWFollowsThePaperAndDecaysOnlyChosenVariables(t *testing.T) {
	const learningRate, decay, steps = 0.05, 0.3, 7
	step, value := quadratic(t, &AdamW{
		LearningRate: learningRate,
		WeightDecay:  decay,
		Decays:       func(v *model.Variable) bool { return v.Name() == "kernel" },
	})
	for range steps {
		step()
	}
	closeTo(t, "kernel", value("kernel"), adamWReference([]float64{1, -2, 3}, steps, learningRate, decay))
	closeTo(t, "bias", value("bias"), adamWReference([]float64{0.5, -0.25}, steps, learningRate, 0))
}

func TestGradientsAreClippedByTheirCommonNorm(t *testing.T) {
	starts := map[string][]float64{"kernel": {2, -4, 6}, "bias": {1, -0.5}}
	norm := math.Sqrt(2*2 + 4*4 + 6*6 + 1*1 + 0.5*0.5)
	for _, c := range []struct {
		name  string
		scale float64
		limit float64
		want  float64 // what each gradient is multiplied with
	}{
		{"above the limit", 1, norm / 4, 0.25},
		{"below the limit", 1, norm * 4, 1},
		{"no limit", 1, 0, 1},
		{"all zero", 0, 1, 1},
	} {
		g := graph.NewGraph(goBackend(t), c.name)
		store := model.NewStore()
		var variables []*model.Variable
		var gradients []*graph.Node
		for name, start := range starts {
			variables = append(variables, store.VariableWithValue(name, float32(0)))
			gradients = append(gradients, graph.ConvertDType(graph.MulScalar(graph.Const(g, start), c.scale), dtypes.Float32))
		}
		if err := g.Compile(clipByGlobalNorm(gradients, variables, c.limit)...); err != nil {
			t.Fatal(err)
		}
		for i, output := range g.Run() {
			var want []float64
			for _, value := range starts[variables[i].Name()] {
				want = append(want, value*c.scale*c.want)
			}
			closeTo(t, c.name, tensors.MustCopyFlatData[float32](output), want)
		}
	}
}

func closeTo(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(float64(got[i])-want[i]) <= 1e-5*max(1, math.Abs(want[i]))) {
			t.Errorf("%s[%d] = %g, want %g", name, i, got[i], want[i])
		}
	}
}
