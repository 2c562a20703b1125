package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

func TestBatchNormHasTheDerivedValuesAndGradients(t *testing.T) {
	for _, dims := range [][]int{{24, 1}, {17, 5}, {2, 3, 4, 16}, {3, 5, 1, 33}} {
		eachBackend(t, fmt.Sprint(dims), func(t *testing.T, backend compute.Backend) {
			rng := newRand(t)
			channels := dims[len(dims)-1]
			args := []any{uniform(rng, dims...), uniform(rng, channels), uniform(rng, channels), uniform(rng, dims...)}
			derived := func(x, weight, bias *graph.Node) *graph.Node {
				rows := graph.Reshape(x, -1, channels)
				centered := graph.Sub(rows, graph.ReduceAndKeep(rows, graph.ReduceMean, 0))
				variance := graph.ReduceAndKeep(graph.Square(centered), graph.ReduceMean, 0)
				normalized := graph.Div(centered, graph.Sqrt(graph.AddScalar(variance, 1e-5)))
				return graph.Reshape(addBias(graph.Mul(normalized, graph.ExpandLeftToRank(weight, 2)), bias), dims...)
			}
			compare := func(layer func(x, weight, bias *graph.Node) *graph.Node) []*tensors.Tensor {
				return graph.MustExecOnceN(backend, func(x, weight, bias, v *graph.Node) []*graph.Node {
					y := layer(x, weight, bias)
					return append(graph.Gradient(graph.ReduceAllSum(graph.Mul(y, v)), x, weight, bias), y)
				}, args...)
			}
			got, want := compare(func(x, weight, bias *graph.Node) *graph.Node {
				y, _, _ := normalizeBatch(x, weight, bias)
				return y
			}), compare(derived)
			for i, what := range []string{"gradient by input", "gradient by weight", "gradient by bias", "output"} {
				wantClose(t, what, got[i], toFloat64(want[i]))
			}
		})
	}
}

func TestBatchNormFollowsTheStatisticsOfTheBatches(t *testing.T) {
	const rows, channels, steps = 6, 3, 2
	eachBackend(t, "running", func(t *testing.T, backend compute.Backend) {
		rng := newRand(t)
		var state State
		layer := NewBatchNorm(state.Path("bn"), channels)
		store := model.NewStore()
		// Variables that were loaded before are not trained either.
		if _, err := store.CreateVariable("/bn/running_mean", tensors.FromFlatDataAndDimensions(make([]float32, channels), channels)); err != nil {
			t.Fatal(err)
		}
		apply := func(training bool) *model.Exec {
			return model.MustNewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
				store.SetTraining(x.Graph(), training)
				return layer.Apply(scope, x)
			})
		}
		train, infer := apply(true), apply(false)
		mean, variance := []float64{0, 0, 0}, []float64{1, 1, 1}
		for range steps {
			x := uniform(rng, rows, channels)
			train.MustCall(x)
			for c := range channels {
				batchMean, batchVariance := meanAndUnbiasedVariance(toFloat64(x), c, channels)
				mean[c] = 0.9*mean[c] + 0.1*batchMean
				variance[c] = 0.9*variance[c] + 0.1*batchVariance
			}
		}
		x := uniform(rng, 1, channels)
		y := infer.MustCall(x)[0]
		want := toFloat64(x)
		for c := range want {
			want[c] = (want[c] - mean[c]) / math.Sqrt(variance[c]+1e-5)
		}
		wantClose(t, "output by running statistics", y, want)
		value := func(name string) *tensors.Tensor { return store.GetVariable("/bn/" + name).MustValue() }
		wantClose(t, "running mean", value("running_mean"), mean)
		wantClose(t, "running variance", value("running_var"), variance)
		if got := tensors.ToScalar[int64](value("num_batches_tracked")); got != steps {
			t.Errorf("%d batches counted, want %d", got, steps)
		}
		var trained []string
		for variable := range store.IterVariables() {
			if variable.Trainable {
				trained = append(trained, variable.Name())
			}
		}
		slices.Sort(trained)
		if want := []string{"bias", "weight"}; !slices.Equal(trained, want) {
			t.Errorf("%v are trained, want %v", trained, want)
		}
	})
}

func meanAndUnbiasedVariance(values []float64, channel, channels int) (mean, variance float64) {
	rows := float64(len(values) / channels)
	for i := channel; i < len(values); i += channels {
		mean += values[i] / rows
	}
	for i := channel; i < len(values); i += channels {
		variance += (values[i] - mean) * (values[i] - mean) / (rows - 1)
	}
	return mean, variance
}

func TestBatchNormOfOneValueIsRefusedWhileTraining(t *testing.T) {
	eachBackend(t, "training", func(t *testing.T, backend compute.Backend) {
		var state State
		layer := NewBatchNorm(state.Path("bn"), 2)
		store := model.NewStore()
		exec := model.MustNewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
			store.SetTraining(x.Graph(), true)
			return layer.Apply(scope, x)
		})
		_, err := exec.Call(tensors.FromFlatDataAndDimensions([]float32{1, 2}, 1, 1, 1, 2))
		if want := "has 1 value for each channel, want at least 2"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	})
}
