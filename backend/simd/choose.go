package simd

import "github.com/fastparc/fastparc/backend/simd/kernel"

// This file chooses how a circular convolution is computed: by its shape, never by measuring, so that results stay the
// same.

// algorithm is how a circular convolution is computed.
type algorithm int

const (
	anyAlgorithm       algorithm = iota // the faster one
	directly                            // as the graph's writer asked for, in the spatial form
	throughFrequencies                  // or in the FFT form
)

// fasterForm returns the form that was asked for, or else the faster one: the length decides from which on the
// frequencies pay.
func fasterForm(shape kernel.Circular, asked algorithm) circularForm {
	frequencies := kernel.CircularFFT{Circular: shape}
	if asked == throughFrequencies || asked == anyAlgorithm && circularLength(shape) > frequencies.Taps() {
		return frequencies
	}
	return shape
}

// fasterGradientForm is fasterForm for the gradient of the kernel.
func fasterGradientForm(shape kernel.Circular, asked algorithm) circularGradientForm {
	frequencies := kernel.CircularFFTGradient{CircularFFT: kernel.CircularFFT{Circular: shape}}
	if asked == throughFrequencies || asked == anyAlgorithm && circularLength(shape) > frequencies.Taps() {
		return frequencies
	}
	return kernel.CircularGradient{Circular: shape}
}

func circularLength(c kernel.Circular) int {
	if c.Axis == kernel.Height {
		return c.H
	}
	return c.W
}
