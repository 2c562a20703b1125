package parc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Options says how the operator is applied. The zero value is the operator along H, fitted linearly, in the form that
// suits the backend.
type Options struct {
	Axis Axis
	Fit  Fit
	Form Form
}

// Axis is the axis along which the kernel runs.
type Axis int

const (
	// Height is the paper's ParC-H: the kernel runs along H, the columns are convolved.
	Height Axis = iota
	// Width is the paper's ParC-W: the kernel runs along W, the rows are convolved.
	Width
)

var axisNames = []string{"height", "width"}

func (a Axis) String() string { return name(axisNames, int(a)) }

// MarshalText writes the axis's name: height or width.
func (a Axis) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the axis's name: height or width.
func (a *Axis) UnmarshalText(text []byte) error {
	i := slices.Index(axisNames, string(text))
	if i < 0 {
		return fmt.Errorf("parc: axis %q: want one of %s", text, strings.Join(axisNames, ", "))
	}
	*a = Axis(i)
	return nil
}

// dimension returns the position of the axis in [B, H, W, C].
func (a Axis) dimension() int { return 1 + int(a) }

// other returns the axis that the kernel does not run along.
func (a Axis) other() Axis { return Width - a }

// line returns t [N, C], which varies along the axis and over channels alone, as [1, N, 1, C] or [1, 1, N, C].
func (a Axis) line(t *graph.Node) *graph.Node {
	dims := []int{1, 1, 1, t.Shape().Dim(1)}
	dims[a.dimension()] = t.Shape().Dim(0)
	return graph.Reshape(t, dims...)
}

// letters names the axes of [B, H, W, C] for Einsum: b, the given letter for the axis itself, j for the other, and c.
func (a Axis) letters(own string) string {
	if a == Height {
		return "b" + own + "jc"
	}
	return "bj" + own + "c"
}

// Form is a way to compute the operator. All give the same values and gradients, to rounding.
type Form int

const (
	// Auto leaves the algorithm to the engine "simd", which takes the faster one for the shape, and is FFT elsewhere.
	Auto Form = iota
	// Spatial convolves directly: the input, concatenated with its beginning, as an ordinary convolution does. The engine
	// "simd" makes no copy, but computes the same sums, however long they are.
	Spatial
	// FFT multiplies spectra: Fast-ParC. The engine "simd" does, however short the axis is.
	FFT
)

var formNames = []string{"auto", "spatial", "fft"}

func (f Form) String() string { return name(formNames, int(f)) }

// MarshalText writes the form's name: auto, spatial or fft.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form's name: auto, spatial or fft.
func (f *Form) UnmarshalText(text []byte) error {
	i := slices.Index(formNames, string(text))
	if i < 0 {
		return fmt.Errorf("parc: form %q: want one of %s", text, strings.Join(formNames, ", "))
	}
	*f = Form(i)
	return nil
}

// on returns the form to build on a backend.
func (f Form) on(g *graph.Graph) Form {
	switch {
	case f != Auto:
		return f
	case onEngine(g):
		return Spatial
	default:
		return FFT
	}
}

// onEngine says whether the graph is built for this project's engine, which recognises the operator and its gradient in
// either form, and chooses how to compute them unless the form was asked for.
func onEngine(g *graph.Graph) bool { return g.Backend().Name() == "simd" }

// name returns the i-th of names, or i itself where there is none.
func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprint(i)
	}
	return names[i]
}

// mustBeOneOf panics where value does not have one of the names.
func mustBeOneOf(option string, value int, names []string) {
	if value < 0 || value >= len(names) {
		panic(fmt.Errorf("parc: %s %d: want one of %s", option, value, strings.Join(names, ", ")))
	}
}
