// Package costs predicts how long circular convolutions take, directly and through the frequencies, from tables that
// backend/simd/internal/calibrate measured. The tables are part of the program, so that the prediction for a shape is
// the same from run to run.
package costs

import (
	"fmt"
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// Part is what is computed.
type Part string

const (
	// Forward is the convolution, of which the gradient by the input is another one.
	Forward Part = "forward"
	// KernelGradient is the gradient by the kernel.
	KernelGradient Part = "kernel gradient"
	// Gradients is both gradients: through the frequencies in one, directly one after the other.
	Gradients Part = "gradients"
	// Packing prepares the kernel.
	Packing Part = "packing"
)

// Table holds what one kind of processor takes with one instruction set.
type Table struct {
	// Processor is the name of the one that was measured, Instructions the level of its kernels.
	Processor    string `json:"processor"`
	Instructions string `json:"instructions"`
	// Lengths are those that were measured, ascending; Transforms are the lengths of their
	// transforms.
	Lengths    []int `json:"lengths"`
	Transforms []int `json:"transforms"`
	// Streamed says from which size on tensors are written past the caches.
	Streamed Streamed `json:"streamed"`
	// Curves hold the times by part, axis and channels.
	Curves []Curve `json:"curves"`
}

// Streamed is how many bytes a tensor has at least that convolutions through the frequencies are faster to write past the caches:
// of what is smaller, much is still there when it is read.
type Streamed struct {
	Forward   int `json:"forward"`   // the output of a convolution alone
	Training  int `json:"training"`  // the output in a training step, which goes through more tensors
	Gradients int `json:"gradients"` // the gradient by the input, which is taken together with the kernel's
}

// Sizes returns places for all of them, by name.
func (s *Streamed) Sizes() map[string]*int {
	return map[string]*int{"forward": &s.Forward, "training": &s.Training, "gradients": &s.Gradients}
}

// Curve is the times at each length of a table.
type Curve struct {
	Part     Part   `json:"part"`
	Axis     string `json:"axis"`
	Channels int    `json:"channels"` // 16 stands for any whole number of blocks of sixteen
	// Direct and Frequencies are picoseconds for each element of the input, or of the kernel that is packed, on one thread.
	Direct      []int `json:"direct"`
	Frequencies []int `json:"frequencies"`
}

// block is the number of channels that kernels work on together.
const block = 16

// AxisName is what curves call an axis.
func AxisName(axis kernel.Axis) string {
	if axis == kernel.Height {
		return "height"
	}
	return "width"
}

// Length returns N, the length of the axis that the kernel runs along.
func Length(c kernel.Circular) int {
	if c.Axis == kernel.Height {
		return c.H
	}
	return c.W
}

// Predict returns the nanoseconds that a part takes on one thread, directly and through the frequencies. A table that was measured
// when gradients were not taken in one yet has them one after the other.
func (t *Table) Predict(part Part, c kernel.Circular) (direct, frequencies float64) {
	if part == Gradients && !t.has(part) {
		d1, f1 := t.Predict(Forward, c)
		d2, f2 := t.Predict(KernelGradient, c)
		return d1 + d2, f1 + f2
	}
	n := Length(c)
	f := kernel.CircularFFT{Circular: c}
	size := transform{n, f.TransformLength()}
	elements := float64(c.Batch * c.H * c.W * c.C)
	if part == Packing {
		elements = float64(n * c.C)
	}
	whole := float64(c.C / block * block)
	d1, f1 := t.each(part, c.Axis, block, size)
	direct, frequencies = d1*whole, f1*whole
	if rest := c.C % block; rest > 0 {
		d2, f2 := t.between(part, c.Axis, rest, size)
		direct, frequencies = direct+d2*float64(rest), frequencies+f2*float64(rest)
	}
	const picoseconds = 1e-3
	return direct / float64(c.C) * elements * picoseconds, frequencies / float64(c.C) * elements * picoseconds
}

// has says whether a part was measured.
func (t *Table) has(part Part) bool {
	return slices.ContainsFunc(t.Curves, func(c Curve) bool { return c.Part == part })
}

// transform is what frequencies take for lines of length n.
type transform struct {
	n      int
	length int // of the transforms
}

// between interpolates between the curves for fewer and for more channels.
func (t *Table) between(part Part, axis kernel.Axis, channels int, size transform) (direct, frequencies float64) {
	below, above := 0, block
	for _, c := range t.Curves {
		if c.Part == part && c.Axis == AxisName(axis) {
			if c.Channels <= channels {
				below = max(below, c.Channels)
			}
			if c.Channels >= channels {
				above = min(above, c.Channels)
			}
		}
	}
	d1, f1 := t.each(part, axis, below, size)
	if above == below {
		return d1, f1
	}
	d2, f2 := t.each(part, axis, above, size)
	at := float64(channels-below) / float64(above-below)
	return d1 + at*(d2-d1), f1 + at*(f2-f1)
}

// each returns the picoseconds for each element at a measured number of channels.
func (t *Table) each(part Part, axis kernel.Axis, channels int, size transform) (direct, frequencies float64) {
	at := slices.IndexFunc(t.Curves, func(c Curve) bool {
		return c.Part == part && c.Axis == AxisName(axis) && c.Channels == channels
	})
	if at < 0 {
		panic(fmt.Sprintf("costs: no curve of %s along %s for %d channels", part, AxisName(axis), channels))
	}
	c := t.Curves[at]
	if i, measured := slices.BinarySearch(t.Lengths, size.n); measured {
		return float64(c.Direct[i]), float64(c.Frequencies[i])
	}
	direct = interpolate(size.n, t.Lengths, c.Direct, func(int) bool { return true })
	if last := t.Lengths[len(t.Lengths)-1]; size.n > last {
		direct *= float64(size.n) / float64(last)
	}
	// What a transform takes for each of its rows varies little from one length to the next that has no large primes;
	// how many rows it has for each of N depends on N alone.
	small := func(i int) bool { return t.Transforms[i] == t.Lengths[i] }
	return direct, interpolate(size.length, t.Lengths, c.Frequencies, small) * float64(size.length) / float64(size.n)
}

// interpolate returns the value at x between those of the nearest places on both sides that are usable; before the first
// and after the last it is theirs.
func interpolate(x int, places, values []int, usable func(i int) bool) float64 {
	below, above := -1, -1
	for i, place := range places {
		switch {
		case !usable(i):
		case place <= x:
			below = i
		case above < 0:
			above = i
		}
	}
	switch {
	case below < 0:
		return float64(values[above])
	case above < 0:
		return float64(values[below])
	}
	at := float64(x-places[below]) / float64(places[above]-places[below])
	return float64(values[below]) + at*float64(values[above]-values[below])
}
