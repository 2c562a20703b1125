package main

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/internal/memory"
	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// largestBatch is how many images the largest tensors have, and streamedRuns how often each is measured at least, and
// streamedTime for how long, in each of the sweeps.
const (
	largestBatch   = 128
	streamedSweeps = 4
	streamedRuns   = 7
	streamedTime   = 100 * time.Millisecond
)

// measureStreamed measures from which size on tensors had better be written past the caches, with all processors, which share
// the last cache: of feature maps of 112 by 112 pixels and 24 channels, as many as make up the size. What is asked of the
// gradients in a training step is asked first, and of the convolution in that step then.
func measureStreamed() costs.Streamed {
	var sizes costs.Streamed
	sizes.Forward = least(func(m *maps, streamed bool) { m.convolve(streamed) })
	sizes.Gradients = least(func(m *maps, streamed bool) {
		m.convolve(false)
		m.takeGradients(streamed)
	})
	sizes.Training = least(func(m *maps, streamed bool) {
		m.convolve(streamed)
		m.takeGradients(m.bytes() >= sizes.Gradients)
	})
	return sizes
}

// least returns how many bytes tensors have that a step takes less time for past the caches: as many as give the shortest times
// of all sizes, as single ones are not measured well enough to tell.
func least(step func(m *maps, streamed bool)) (bytes int) {
	var sizes []int // descending
	gains := map[int]float64{}
	for range streamedSweeps { // far apart in time: for some of it, something else may run
		sizes = sizes[:0]
		for batch := largestBatch; batch > 1; batch = batch * 3 / 4 {
			m := newMaps(batch)
			sizes = append(sizes, m.bytes())
			gains[m.bytes()] += gain(m, step)
		}
	}
	bytes = sizes[0] + 1
	sum, most := 0.0, 0.0
	for _, size := range sizes {
		if sum += gains[size]; sum > most {
			bytes, most = size, sum
		}
	}
	return bytes
}

// gain returns the logarithm of how many times as long a step takes through the caches as past them, in the median.
func gain(m *maps, step func(m *maps, streamed bool)) float64 {
	runtime.GC() // not while times are taken
	var times [2][]time.Duration
	for begun := time.Now(); len(times[0]) < streamedRuns || time.Since(begun) < streamedTime; {
		for i, streamed := range [2]bool{false, true} {
			step(m, streamed) // leaves in the caches what it does there
			start := time.Now()
			step(m, streamed)
			times[i] = append(times[i], time.Since(start))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	median := len(times[0]) / 2
	return math.Log(float64(times[0][median]) / float64(times[1][median]))
}

// maps are the tensors of a training step of a convolution, and what is needed besides.
type maps struct {
	shape                 kernel.Circular
	x, out, v, dx, packed []float32
	partial, sum          []float32
	scratch               [][]float32 // of each processor
}

func newMaps(batch int) *maps {
	const n, channels = 112, 24
	c := kernel.Circular{Batch: batch, H: n, W: n, C: channels, InStride: channels, OutStride: channels}
	m, elements := &maps{shape: c}, batch*n*n*channels
	m.x, m.v, m.out, m.dx = memory.Floats(elements), memory.Floats(elements), memory.Floats(elements), memory.Floats(elements)
	copy(m.x, normal(elements))
	copy(m.v, m.x)
	f, g := m.convolution(true), m.gradients(true)
	m.packed, m.partial, m.sum = memory.Floats(f.PackedSize()), memory.Floats(g.PartialSize()), memory.Floats(g.SumSize())
	f.Pack(m.packed, normal(n*channels), kernel.CircularTerms{}, 0, f.PackUnits())
	for range runtime.GOMAXPROCS(0) {
		m.scratch = append(m.scratch, memory.Floats(max(f.ScratchSize(), g.ScratchSize())))
	}
	return m
}

func (m *maps) convolution(streamed bool) kernel.CircularFFT {
	return kernel.CircularFFT{Circular: m.shape, Streamed: streamed}
}

func (m *maps) gradients(streamed bool) kernel.CircularFFTGradients {
	return kernel.CircularFFTGradients{CircularFFTGradient: kernel.CircularFFTGradient{CircularFFT: m.convolution(streamed)}, Stride: m.shape.C}
}

func (m *maps) bytes() int { return 4 * len(m.out) }

// convolve computes the convolution.
func (m *maps) convolve(streamed bool) {
	f := m.convolution(streamed)
	m.onAllProcessors(f.Units(), func(lo, hi int, scratch []float32) { f.Run(m.out, m.x, m.packed, lo, hi, scratch) })
}

// takeGradients computes the gradients by the input and by the kernel.
func (m *maps) takeGradients(streamed bool) {
	g := m.gradients(streamed)
	m.onAllProcessors(g.Units(), func(lo, hi int, scratch []float32) {
		g.Run(m.dx, m.partial, m.sum, m.v, m.x, m.packed, lo, hi, scratch)
	})
}

// onAllProcessors computes units, each processor some of the next ones that none has begun.
func (m *maps) onAllProcessors(units int, run func(lo, hi int, scratch []float32)) {
	var next atomic.Int64
	var done sync.WaitGroup
	some := max(1, units/(16*len(m.scratch)))
	for _, scratch := range m.scratch {
		done.Go(func() {
			for lo := int(next.Add(int64(some))) - some; lo < units; lo = int(next.Add(int64(some))) - some {
				run(lo, min(lo+some, units), scratch)
			}
		})
	}
	done.Wait()
}
