package simd

import (
	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// This file chooses how a circular convolution is computed: by its shape and tables of measured times, never by
// measuring, so that results stay the same from run to run.

// algorithm is how a circular convolution is computed.
type algorithm int

const (
	anyAlgorithm       algorithm = iota // the faster one
	directly                            // as the graph's writer asked for, in the spatial form
	throughFrequencies                  // or in the FFT form
)

// fasterForm returns the form that was asked for, or else the faster one. Where the kernel is packed for each call, as one is
// that changes from call to call, that is part of the cost.
func fasterForm(shape kernel.Circular, asked algorithm, packs, trains bool) circularForm {
	parts := []costs.Part{costs.Forward}
	if packs {
		parts = append(parts, costs.Packing)
	}
	if goesThroughFrequencies(shape, asked, parts...) {
		least := costs.Current().Streamed.Forward
		if trains {
			least = costs.Current().Streamed.Training
		}
		return kernel.CircularFFT{Circular: shape, Streamed: outputBytes(shape) >= least}
	}
	return shape
}

// gradientsTogether says whether both gradients are computed in one, through the frequencies, where that was not asked for, nor
// forbidden: each alone may be faster directly. The kernel may have to be packed for it. It is to be clearly faster by the table,
// which knows images in batches: what a single one costs besides, as to add partial sums up, is more in the frequencies.
func gradientsTogether(shape kernel.Circular, packs bool) bool {
	parts := []costs.Part{costs.Gradients}
	if packs {
		parts = append(parts, costs.Packing)
	}
	const clearly = 0.95
	direct, frequencies := predicted(shape, parts)
	return frequencies < clearly*direct
}

// joinedGradients returns both gradients in one, that by the input with so many floats a pixel.
func joinedGradients(shape kernel.Circular, stride int) kernel.CircularFFTGradients {
	written := shape
	written.OutStride = stride
	f := kernel.CircularFFT{Circular: shape, Streamed: outputBytes(written) >= costs.Current().Streamed.Gradients}
	return kernel.CircularFFTGradients{CircularFFTGradient: kernel.CircularFFTGradient{CircularFFT: f}, Stride: stride}
}

// outputBytes returns how many bytes the tensor has that a convolution writes to.
func outputBytes(c kernel.Circular) int { return 4 * c.Batch * c.H * c.W * c.OutStride }

// fasterGradientForm is fasterForm for the gradient of the kernel.
func fasterGradientForm(shape kernel.Circular, asked algorithm) circularGradientForm {
	if goesThroughFrequencies(shape, asked, costs.KernelGradient) {
		return kernel.CircularFFTGradient{CircularFFT: kernel.CircularFFT{Circular: shape}}
	}
	return kernel.CircularGradient{Circular: shape}
}

// goesThroughFrequencies says whether all parts together are computed so.
func goesThroughFrequencies(shape kernel.Circular, asked algorithm, parts ...costs.Part) bool {
	if asked != anyAlgorithm {
		return asked == throughFrequencies
	}
	direct, frequencies := predicted(shape, parts)
	return frequencies < direct
}

// predicted returns the nanoseconds that all parts together take on one thread.
func predicted(shape kernel.Circular, parts []costs.Part) (direct, frequencies float64) {
	for _, part := range parts {
		d, f := costs.Current().Predict(part, shape)
		direct, frequencies = direct+d, frequencies+f
	}
	return direct, frequencies
}

func circularLength(c kernel.Circular) int { return costs.Length(c) }
