package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/fastparc/fastparc/parc"
)

// checkForms applies one circular convolution with position embedding in both forms, and prints how far they differ and
// how long each takes: the axis is long enough for the frequencies to pay.
func checkForms(backend compute.Backend, out io.Writer) error {
	const batch, size, channels = 2, 112, 24
	random := rand.New(rand.NewPCG(1, 2))
	x := uniform(random, batch, size, size, channels)
	kernel, embedding, bias := uniform(random, size, channels), uniform(random, size, channels), uniform(random, channels)
	var results [2][]float32
	var times [2]time.Duration
	for i, form := range []parc.Form{parc.Spatial, parc.FFT} {
		exec, err := graph.NewExec(backend, func(x, kernel, embedding, bias *graph.Node) *graph.Node {
			return parc.Convolve(x, kernel, embedding, bias, parc.Options{Axis: parc.Height, Form: form})
		})
		if err != nil {
			return err
		}
		results[i], times[i], err = timed(func() ([]*tensors.Tensor, error) { return exec.Call(x, kernel, embedding, bias) })
		exec.Finalize()
		if err != nil {
			return err
		}
	}
	difference := relativeDifference(results[0], results[1])
	fmt.Fprintf(out, "circular convolution over %d images of %d×%d×%d: spatial %.1f ms, FFT %.1f ms, largest difference %.1e of the largest value\n",
		batch, size, size, channels, milliseconds(times[0]), milliseconds(times[1]), difference)
	const tolerance = 2e-5
	if !(difference <= tolerance) {
		return fmt.Errorf("the spatial and the FFT form differ by %.1e of the largest value, expected at most %.0e", difference, tolerance)
	}
	return nil
}

// uniform is a tensor of numbers in [-1, 1).
func uniform(random *rand.Rand, dimensions ...int) *tensors.Tensor {
	size := 1
	for _, dimension := range dimensions {
		size *= dimension
	}
	values := make([]float32, size)
	for i := range values {
		values[i] = 2*random.Float32() - 1
	}
	return tensors.FromFlatDataAndDimensions(values, dimensions...)
}

// timed calls f a few times and returns its values and the shortest time. The first call, which compiles, does not count.
func timed(f func() ([]*tensors.Tensor, error)) (values []float32, shortest time.Duration, err error) {
	const calls = 5
	shortest = math.MaxInt64
	for call := range 1 + calls {
		begin := time.Now()
		outputs, err := f()
		if err != nil {
			return nil, 0, err
		}
		if call > 0 {
			shortest = min(shortest, time.Since(begin))
		}
		if values, err = tensors.CopyFlatData[float32](outputs[0]); err != nil {
			return nil, 0, err
		}
		outputs[0].MustFinalizeAll()
	}
	return values, shortest, nil
}

// relativeDifference is the largest difference between a and b as a part of the largest value of a.
func relativeDifference(a, b []float32) float64 {
	difference, largest := 0.0, 0.0
	for i := range a {
		difference = math.Max(difference, math.Abs(float64(a[i])-float64(b[i])))
		largest = math.Max(largest, math.Abs(float64(a[i])))
	}
	return difference / largest
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
