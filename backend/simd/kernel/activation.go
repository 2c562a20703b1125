package kernel

import "math"

// Activation is a function of one element that products and convolutions apply before they write.
type Activation uint8

const (
	// None is the identity.
	None Activation = iota
	// ReLU is max(x, 0).
	ReLU
	// ReLU6 is min(max(x, 0), 6).
	ReLU6
	// GELU is x·(1 + erf(x/√2))/2, the exact form; -Inf gives its limit, zero.
	GELU
	// SiLU is x/(1 + e⁻ˣ).
	SiLU
	// HardSwish is x·HardSigmoid(x).
	HardSwish
	// HardSigmoid is min(max(x/6 + 1/2, 0), 1).
	HardSigmoid
	// Sigmoid is 1/(1 + e⁻ˣ).
	Sigmoid
	// Tanh is the hyperbolic tangent.
	Tanh
)

// inTile reports whether a product's register tiles apply the activation; the others run over finished tiles.
func (f Activation) inTile() bool { return f <= ReLU6 }

// finish sets c[i·row+j] = f(c[i·row+j]) + residual[i·row+j] for i < rows and j < columns; residual may be nil.
func (f Activation) finish(c, residual []float32, row, rows, columns int) {
	last := (rows-1)*row + columns
	c = c[:last]
	if residual != nil {
		residual = residual[:last]
	}
	if f.finishVector(c, residual, row, rows, columns) {
		return
	}
	for i := range rows {
		line := c[i*row:][:columns]
		for j, x := range line {
			line[j] = f.of(x)
		}
		if residual == nil {
			continue
		}
		for j, x := range residual[i*row:][:columns] {
			line[j] += x
		}
	}
}

// of returns f(x).
func (f Activation) of(x float32) float32 {
	switch f {
	case ReLU:
		return clampFrom(x, 0)
	case ReLU6:
		return clampTo(clampFrom(x, 0), 6)
	case HardSwish:
		return x * HardSigmoid.of(x)
	case HardSigmoid:
		return clampTo(clampFrom(x*(1./6)+0.5, 0), 1)
	case None:
		return x
	}
	v := float64(x)
	switch f {
	case GELU:
		a := math.Abs(v)
		v = max(v, 0) - min(a, 15)*math.Erfc(a/math.Sqrt2)/2
	case SiLU:
		v /= 1 + math.Exp(-v)
	case Sigmoid:
		v = 1 / (1 + math.Exp(-v))
	case Tanh:
		v = math.Tanh(v)
	}
	return float32(v)
}

// clampFrom returns max(x, low), and NaN for NaN.
func clampFrom(x, low float32) float32 {
	if x < low {
		return low
	}
	return x
}

// clampTo returns min(x, high), and NaN for NaN.
func clampTo(x, high float32) float32 {
	if x > high {
		return high
	}
	return x
}
