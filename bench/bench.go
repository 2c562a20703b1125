// Package bench times fastparc's operator and models beside other runtimes, in one run, on the same values, after
// checking that all compute the same. README.md says what is measured and why that is fair.
package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fastparc/fastparc/parc"
)

// Shape is the size of feature maps.
type Shape struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Channels int `json:"channels"`
}

// String writes the shape as ParseShape reads it.
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.Height, s.Width, s.Channels) }

// ParseShape reads a shape such as 56x56x48: height, width and channels, each at least 1.
func ParseShape(text string) (Shape, error) {
	var sizes []int
	for part := range strings.SplitSeq(text, "x") {
		size, err := strconv.Atoi(part)
		if err != nil || size < 1 {
			return Shape{}, fmt.Errorf("shape %q: expected HEIGHTxWIDTHxCHANNELS, each at least 1, as in 56x56x48", text)
		}
		sizes = append(sizes, size)
	}
	if len(sizes) != 3 {
		return Shape{}, fmt.Errorf("shape %q: expected HEIGHTxWIDTHxCHANNELS, as in 56x56x48", text)
	}
	return Shape{sizes[0], sizes[1], sizes[2]}, nil
}

// Work is one operator on one batch: circular convolution with embedding and bias.
type Work struct {
	Shape
	Batch int       `json:"batch"`
	Axis  parc.Axis `json:"axis"`
	// Training is forward and backward, by x, kernel, embedding and bias, for a given gradient of the output; otherwise
	// forward alone.
	Training bool `json:"training"`
	// Threads is the number of threads that a call may use.
	Threads int `json:"threads"`
}

// Length returns N, the length of the axis that the kernel runs along.
func (w Work) Length() int {
	if w.Axis == parc.Width {
		return w.Width
	}
	return w.Height
}

// Elements returns the number of values of the input, and of the output.
func (w Work) Elements() int { return w.Batch * w.Height * w.Width * w.Channels }

// Pass names what is computed.
func (w Work) Pass() string {
	if w.Training {
		return "training"
	}
	return "forward"
}

// String describes the work for people.
func (w Work) String() string {
	return fmt.Sprintf("%s along %s, batch %d, %s, %s", w.Shape, w.Axis, w.Batch, w.Pass(), threads(w.Threads))
}

func threads(count int) string {
	if count == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", count)
}

// Timing is a sample of times in milliseconds: its median, and the quartiles below and above.
type Timing struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Rounds int     `json:"rounds"`
}

func timingOf(sample []float64) Timing {
	sorted := slices.Sorted(slices.Values(sample))
	return Timing{Median: quantile(sorted, 0.5), Low: quantile(sorted, 0.25), High: quantile(sorted, 0.75), Rounds: len(sorted)}
}

// quantile interpolates in sorted values, of which there is at least one.
func quantile(sorted []float64, part float64) float64 {
	at := part * float64(len(sorted)-1)
	whole, fraction := int(at), at-math.Floor(at)
	return sorted[whole] + fraction*(sorted[min(whole+1, len(sorted)-1)]-sorted[whole])
}

// spread is half the distance between the quartiles as a part of the median.
func (t Timing) spread() float64 { return (t.High - t.Low) / 2 / t.Median }
