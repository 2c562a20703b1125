package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/fastparc/fastparc/parc"
)

// TestSerialParCFollowsTheDefinition computes the spatial part of the ParC-MetaFormer block in float64 as it is written
// down, on maps of other sizes than the kernels', square and not.
func TestSerialParCFollowsTheDefinition(t *testing.T) {
	const batch, channels = 2, 6
	for _, size := range [][2]int{{5, 5}, {7, 4}, {3, 9}, {1, 6}} {
		for _, form := range []parc.Form{parc.Spatial, parc.FFT} {
			for _, embedded := range []bool{true, false} {
				eachBackend(t, fmt.Sprint(size, form, embedded), func(t *testing.T, backend compute.Backend) {
					rng := newRand(t)
					var state State
					config := ParCConfig{Kernel: [2]int{5, 4}, NoPositionEmbedding: !embedded, Form: form}
					layer := NewSerialParC(state.Path("block"), channels, config)
					x, store := uniform(rng, batch, size[0], size[1], channels), randomStore(t, &state, uniform(rng, 400))
					got := model.MustNewExec(backend, store, layer.Apply).MustCall(x)[0]
					m := maps{batch, size[0], size[1], channels / 2}
					wantClose(t, "output", got, m.serialByDefinition(toFloat64(x), store))
				})
			}
		}
	}
}

func TestChannelsThatDoNotDivideAreRefused(t *testing.T) {
	var state State
	for want, declare := range map[string]func(){
		"ParC on 5 channels, want an even number": func() { NewSerialParC(state.Path(), 5, ParCConfig{}) },
		"attention with 4 heads on 6 channels":    func() { NewAttention(state.Path(), 6, 4) },
	} {
		if err := exceptions.TryCatch[error](declare); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// maps are feature maps in float64: half of those of a block.
type maps struct{ batch, height, width, channels int }

func (m maps) serialByDefinition(x []float64, store *model.Store) []float64 {
	var halves [2][]float64
	for i := 0; i < len(x); i += m.channels {
		half := i / m.channels % 2
		halves[half] = append(halves[half], x[i:i+m.channels]...)
	}
	for half, axes := range []string{"HW", "WH"} {
		first, second := axes[:1], axes[1:]
		x := m.embed(first, halves[half], held(store, "/block/meta_pe_1_"+first))
		x = normalizeByDefinition(x, store, fmt.Sprintf("/block/pre_Norm_%d", half+1))
		x = m.convolve(first, x, held(store, "/block/meta_kernel_1_"+first))
		x = m.embed(second, x, held(store, "/block/meta_pe_2_"+second))
		halves[half] = m.convolve(second, x, held(store, "/block/meta_kernel_2_"+second))
	}
	var y []float64
	for i := 0; i < len(halves[0]); i += m.channels {
		y = append(append(y, halves[0][i:i+m.channels]...), halves[1][i:i+m.channels]...)
	}
	return y
}

// embed adds an embedding [positions, channels] along an axis, which may be nil.
func (m maps) embed(axis string, x, embedding []float64) []float64 {
	y := slices.Clone(x)
	if embedding == nil {
		return y
	}
	m.each(axis, func(at, position, _, _, n, channel int) { y[at] += m.fitted(embedding, position, n, channel) })
	return y
}

// convolve is y[i] = Σ_k w[k]·x[(i+k) mod n] along an axis.
func (m maps) convolve(axis string, x, kernel []float64) []float64 {
	y := make([]float64, len(x))
	m.each(axis, func(at, position, start, step, n, channel int) {
		for k := range n {
			y[at] += m.fitted(kernel, k, n, channel) * x[start+(position+k)%n*step]
		}
	})
	return y
}

// each visits all elements: where they are, their position among n along the axis, where their line starts and how far
// apart its elements are.
func (m maps) each(axis string, visit func(at, position, start, step, n, channel int)) {
	n, step := m.height, m.width*m.channels
	if axis == "W" {
		n, step = m.width, m.channels
	}
	for at := range m.batch * m.height * m.width * m.channels {
		position := at / step % n
		visit(at, position, at-position*step, step, n, at%m.channels)
	}
}

// fitted interpolates values [positions, channels] linearly at position i of n, corners aligned.
func (m maps) fitted(values []float64, i, n, channel int) float64 {
	last := len(values)/m.channels - 1
	source := 0.0
	if n > 1 {
		source = float64(i*last) / float64(n-1)
	}
	below := int(source)
	share := source - float64(below)
	return (1-share)*values[below*m.channels+channel] + share*values[min(below+1, last)*m.channels+channel]
}
