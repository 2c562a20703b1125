package kernel

// This file computes softmax and its logarithm along rows.

import (
	"fmt"
	"math"
)

// Softmax computes e^(x−max x) / Σ e^(x−max x) along the rows of x [rows, columns], or its logarithm, in units of some
// rows. A row whose maximum is infinite or NaN gives NaN.
type Softmax struct {
	rows, columns int
	logarithm     bool
	group         int
}

// NewSoftmax returns the softmax, or with logarithm the log-softmax, for a shape.
func NewSoftmax(rows, columns int, logarithm bool) (*Softmax, error) {
	if rows < 1 || columns < 1 {
		return nil, fmt.Errorf("kernel: softmax of shape [%d, %d], want at least 1 by 1", rows, columns)
	}
	return &Softmax{rows, columns, logarithm, max(unitElements/columns, 1)}, nil
}

// Units returns into how many parts the work divides.
func (s *Softmax) Units() int { return (s.rows + s.group - 1) / s.group }

// Run computes units lo to hi−1 of y. y may be the memory of x.
func (s *Softmax) Run(y, x []float32, lo, hi int) {
	for unit := lo; unit < hi; unit++ {
		from, to := unit*s.group, min((unit+1)*s.group, s.rows)
		softmax(y[from*s.columns:to*s.columns], x[from*s.columns:to*s.columns], to-from, s.logarithm)
	}
}

// softmaxGeneric is the twin of the assembly.
func softmaxGeneric(dst, x []float32, rows int, logarithm bool) {
	c := len(x) / rows
	for r := range rows {
		row, out := x[r*c:][:c], dst[r*c:][:c]
		top, sum := reduceRow(ReduceMax, row), 0.0
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		for i, v := range row {
			if logarithm {
				out[i] = v - top - float32(math.Log(sum))
			} else {
				out[i] = float32(math.Exp(float64(v-top)) / sum)
			}
		}
	}
}
