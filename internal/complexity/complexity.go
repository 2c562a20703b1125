// Package complexity counts what operators that see a whole feature map cost, beside one that sees a window: the paper's
// Table 1 and its figure of where they cross (Fast-ParC, section 3).
//
// A multiply-add counts once, and so does an addition or multiplication that is not fused into one. Biases and the
// additions of embeddings are left out, as is usual, but for what Fast-ParC performs in the frequencies.
package complexity

import (
	"fmt"
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// Operator is a way to mix the places of a feature map.
type Operator int

const (
	// SelfAttention is one layer of it over all places, with its four projections.
	SelfAttention Operator = iota
	// Depthwise7 is a 7×7 depth-wise convolution.
	Depthwise7
	// Global2D is a depth-wise circular convolution with a kernel as large as the map.
	Global2D
	// ParC is circular convolution along H of half the channels and along W of the other half, computed directly.
	ParC
	// FastParC is the same through the frequencies.
	FastParC
)

// Operators are all of them.
var Operators = []Operator{SelfAttention, Global2D, ParC, FastParC, Depthwise7}

var operatorNames = [...]string{"self-attention", "7×7 depth-wise", "2-D global", "ParC", "Fast-ParC"}

func (o Operator) String() string { return operatorNames[o] }

// MarshalText writes the operator's name.
func (o Operator) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Map is the shape of a feature map of one image.
type Map struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Channels int `json:"channels"`
	// Dense means that ParC's kernels sum over the channels of their half.
	Dense bool `json:"dense,omitempty"`
}

// String writes HEIGHTxWIDTHxCHANNELS.
func (m Map) String() string { return fmt.Sprintf("%dx%dx%d", m.Height, m.Width, m.Channels) }

// Check returns an error where the operators have no costs on the map.
func (m Map) Check() error {
	for _, side := range []struct {
		name  string
		value int
	}{{"height", m.Height}, {"width", m.Width}, {"channels", m.Channels}} {
		if side.value < 1 {
			return fmt.Errorf("%s %d: want at least 1", side.name, side.value)
		}
	}
	if m.Channels%2 != 0 {
		return fmt.Errorf("channels %d: want an even number, as ParC halves them", m.Channels)
	}
	return nil
}

// Costs is what an operator does for one image and what it learns.
type Costs struct {
	MultiplyAdds int64 `json:"multiply_adds"`
	Parameters   int64 `json:"parameters"`
}

// Costs returns the operator's costs on a map that passes Check. Kernels and embeddings are as long as the map.
func (o Operator) Costs(m Map) Costs {
	places, channels := int64(m.Height)*int64(m.Width), int64(m.Channels)
	along := int64(m.Height+m.Width) * channels / 2 // elements of the kernels of both halves, and of their embeddings
	switch o {
	case SelfAttention:
		return Costs{4*places*channels*channels + 2*places*places*channels, 4 * (channels*channels + channels)}
	case Depthwise7:
		return Costs{49 * places * channels, 49*channels + channels}
	case Global2D:
		return Costs{places * places * channels, 2*places*channels + channels}
	default:
		sums, kernels := places*along, along
		if m.Dense {
			sums, kernels = sums*channels/2, kernels*channels/2
		}
		if o == FastParC {
			sums = fastParC(m)
		}
		return Costs{sums, kernels + along + channels}
	}
}

// fastParC asks the kernels how they go through the frequencies.
func fastParC(m Map) int64 {
	count, half := 0, m.Channels/2
	for axis := kernel.Height; axis <= kernel.Width; axis++ {
		if m.Dense {
			c := kernel.CircularDenseDFT{CircularDense: kernel.CircularDense{Batch: 1, H: m.Height, W: m.Width, CIn: half, COut: half, Axis: axis}}
			count += c.MultiplyAdds()
		} else {
			count += kernel.CircularFFT{Circular: kernel.Circular{Batch: 1, H: m.Height, W: m.Width, C: half, Axis: axis}}.MultiplyAdds()
		}
	}
	return int64(count)
}

// Crossover returns the first of the maps, in order, from which on a costs fewer multiply-adds than b on all of them,
// and false where there is none or a is cheaper from the beginning.
func Crossover(a, b Operator, maps []Map) (Map, bool) {
	first := len(maps)
	for i := range slices.Backward(maps) {
		if a.Costs(maps[i]).MultiplyAdds >= b.Costs(maps[i]).MultiplyAdds {
			break
		}
		first = i
	}
	if first == 0 || first == len(maps) {
		return Map{}, false
	}
	return maps[first], true
}
