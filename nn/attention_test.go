package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

func TestAttentionFollowsTheDefinition(t *testing.T) {
	const sequences, length, channels, heads = 3, 5, 12, 2
	eachBackend(t, "values", func(t *testing.T, backend compute.Backend) {
		rng := newRand(t)
		var state State
		layer := NewAttention(state.Path("mha"), channels, heads)
		x, store := uniform(rng, sequences, length, channels), randomStore(t, &state, uniform(rng, 4000))
		got := model.MustNewExec(backend, store, layer.Apply).MustCall(x)[0]

		qkv := denseByDefinition(toFloat64(x), store, "/mha/qkv_proj", channels, 3*channels)
		mixed := make([]float64, sequences*length*channels)
		const width = channels / heads
		for s := range sequences {
			for h := range heads {
				part := func(kind, position int) []float64 {
					at := (s*length+position)*3*channels + kind*channels + h*width
					return qkv[at : at+width]
				}
				for i := range length {
					weights, sum := make([]float64, length), 0.0
					for j := range length {
						for c := range width {
							weights[j] += part(0, i)[c] * part(1, j)[c] / math.Sqrt(width)
						}
						weights[j] = math.Exp(weights[j])
						sum += weights[j]
					}
					for j := range length {
						for c := range width {
							mixed[(s*length+i)*channels+h*width+c] += weights[j] / sum * part(2, j)[c]
						}
					}
				}
			}
		}
		wantClose(t, "output", got, denseByDefinition(mixed, store, "/mha/out_proj", channels, channels))
	})
}

func TestSoftmaxHasTheDerivedGradient(t *testing.T) {
	eachBackend(t, "gradient", func(t *testing.T, backend compute.Backend) {
		rng := newRand(t)
		x, v := uniform(rng, 3, 4, 7), uniform(rng, 3, 4, 7)
		got := graph.MustExecOnceN(backend, func(x, v *graph.Node) []*graph.Node {
			own := graph.Gradient(graph.ReduceAllSum(graph.Mul(softmax(x), v)), x)[0]
			derived := graph.Gradient(graph.ReduceAllSum(graph.Mul(graph.Softmax(x, -1), v)), x)[0]
			return []*graph.Node{own, derived}
		}, x, v)
		wantClose(t, "gradient", got[0], toFloat64(got[1]))
	})
}

func TestChannelAttentionFollowsTheDefinition(t *testing.T) {
	const batch, height, width, channels, few = 2, 3, 4, 32, 2
	eachBackend(t, "values", func(t *testing.T, backend compute.Backend) {
		rng := newRand(t)
		var state State
		layer := NewChannelAttention(state.Path("ca"), channels)
		x, store := uniform(rng, batch, height, width, channels), randomStore(t, &state, uniform(rng, 1000))
		got := model.MustNewExec(backend, store, layer.Apply).MustCall(x)[0]

		want := toFloat64(x)
		for b := range batch {
			image := want[b*height*width*channels:][:height*width*channels]
			means := make([]float64, channels)
			for i, value := range image {
				means[i%channels] += value / (height * width)
			}
			inside := normalizeByDefinition(denseByDefinition(means, store, "/ca/fc/0", channels, few), store, "/ca/fc/1")
			for i, value := range inside {
				inside[i] = value * min(max(value+3, 0), 6) / 6
			}
			factors := normalizeByDefinition(denseByDefinition(inside, store, "/ca/fc/3", few, channels), store, "/ca/fc/4")
			for i := range image {
				image[i] *= min(max(factors[i%channels]+3, 0), 6) / 6
			}
		}
		wantClose(t, "output", got, want)
	})
}

// randomStore returns a store that holds all of a state's parameters, with the given values one after the other. Those
// of running variances are made positive.
func randomStore(t *testing.T, state *State, values *tensors.Tensor) *model.Store {
	t.Helper()
	store, rest := model.NewStore(), tensors.MustCopyFlatData[float32](values)
	for _, param := range state.Params() {
		value := tensors.FromScalar(int64(0))
		if param.Kind != Counted {
			size := shapeSize(param.Layout.Shape)
			own := slices.Clone(rest[:size])
			rest = rest[size:]
			if param.Kind == Measured && param.Name[len(param.Name)-3:] == "var" {
				for i := range own {
					own[i] = 1.5 + own[i]
				}
			}
			value = tensors.FromFlatDataAndDimensions(own, param.Layout.Shape...)
		}
		if _, err := store.CreateVariable(model.RootScopePath+param.VariablePath(), value); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// held returns the values of a variable, or nil where there is none.
func held(store *model.Store, path string) []float64 {
	variable := store.GetVariable(path)
	if variable == nil {
		return nil
	}
	return toFloat64(variable.MustValue())
}

// denseByDefinition applies a dense layer, or a 1×1 convolution, to rows of x.
func denseByDefinition(x []float64, store *model.Store, path string, in, out int) []float64 {
	weight, bias := held(store, path+"/weight"), held(store, path+"/bias")
	y := make([]float64, len(x)/in*out)
	for i := range y {
		row, o := i/out, i%out
		if bias != nil {
			y[i] = bias[o]
		}
		for c := range in {
			y[i] += x[row*in+c] * weight[c*out+o]
		}
	}
	return y
}

// normalizeByDefinition applies a batch normalisation by running statistics to rows of x.
func normalizeByDefinition(x []float64, store *model.Store, path string) []float64 {
	weight, bias := held(store, path+"/weight"), held(store, path+"/bias")
	mean, variance := held(store, path+"/running_mean"), held(store, path+"/running_var")
	y := make([]float64, len(x))
	for i := range x {
		c := i % len(mean)
		y[i] = (x[i]-mean[c])/math.Sqrt(variance[c]+1e-5)*weight[c] + bias[c]
	}
	return y
}
