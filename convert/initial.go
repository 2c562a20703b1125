package convert

// What new operators begin with.

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// Initial is a way in which a new operator begins.
type Initial int

const (
	// Reference begins as the reference implementation of the family does: with random kernels.
	Reference Initial = iota
	// Marginal begins with the sums of the kernel that the operator replaces along the other axis, at the offsets that they
	// have, and with embedding 0. On maps that are constant along the other axis this is the replaced convolution, but for
	// the borders. Dense kernels keep what leads from the first half of the channels to itself, and from the second half
	// to itself: dense circular convolutions have nothing else.
	Marginal
)

var initials = map[string]Initial{"reference": Reference, "marginal": Marginal}

func (i Initial) String() string {
	if i == Marginal {
		return "marginal"
	}
	return "reference"
}

// MarshalText implements [encoding.TextMarshaler].
func (i Initial) MarshalText() ([]byte, error) {
	return []byte(i.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (i *Initial) UnmarshalText(text []byte) error {
	initial, ok := initials[string(text)]
	if !ok {
		return fmt.Errorf("beginning %q: expected marginal or reference", text)
	}
	*i = initial
	return nil
}

// initialState returns what the model's state begins with.
func initialState(backend compute.Backend, m *models.Model, seed int64) (state []weights.Tensor, err error) {
	store := model.NewStore()
	defer store.Finalize()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, err
	}
	err = exceptions.TryCatch[error](func() {
		g := graph.NewGraph(backend, m.Name())
		defer g.Finalize()
		size := m.Options().ImageSize
		images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, size[0], size[1], 3))
		m.Logits(store.RootScope(), images)
		m.Features(store.RootScope(), images) // these may be normalised, which logits are not
	})
	if err != nil {
		return nil, err
	}
	if err := store.InitializeVariables(backend, nil); err != nil {
		return nil, err
	}
	return weights.Collect(m, store)
}

// marginal returns the kernel of a circular convolution along the height [out, in, length, 1], or along the width
// [out, in, 1, length], made from the middle of a local kernel [channels, in, height, width]: sums along the other axis.
// What was at an offset d from the middle is at d, counted modulo the length.
func marginal(local, global weights.Tensor, alongWidth bool) (weights.Tensor, error) {
	values, err := local.Floats()
	if err != nil {
		return global, err
	}
	out, in, length := global.Shape[0], global.Shape[1], global.Shape[2]*global.Shape[3]
	localIn, height, width := local.Shape[1], local.Shape[2], local.Shape[3]
	firstOut, firstIn := 0, 0
	if alongWidth {
		firstOut, firstIn = local.Shape[0]-out, localIn-in
	}
	sums := make([]float64, out*in*length)
	for o := range out {
		for i := range in {
			for row := range height {
				for column := range width {
					offset := row - height/2
					if alongWidth {
						offset = column - width/2
					}
					place := ((offset % length) + length) % length
					value := values[(((firstOut+o)*localIn+firstIn+i)*height+row)*width+column]
					sums[(o*in+i)*length+place] += float64(value)
				}
			}
		}
	}
	kernel := make([]float32, len(sums))
	for i, sum := range sums {
		kernel[i] = float32(sum)
	}
	return weights.FromFloats(global.Name, global.Shape, kernel), nil
}

// half returns the first half of a bias, or the second.
func half(local, global weights.Tensor, second bool) (weights.Tensor, error) {
	values, err := local.Floats()
	if err != nil {
		return global, err
	}
	if second {
		return weights.FromFloats(global.Name, global.Shape, values[len(values)/2:]), nil
	}
	return weights.FromFloats(global.Name, global.Shape, values[:len(values)/2]), nil
}

// zeros returns a tensor of zeros in place of another.
func zeros(tensor weights.Tensor) weights.Tensor {
	tensor.Data = make([]byte, len(tensor.Data))
	return tensor
}
