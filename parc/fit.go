package parc

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Fit is the way in which a kernel or embedding of K positions is brought to the N positions of an axis: the paper's
// f(·, N). It is linear in what it fits, and nothing is rescaled by K/N.
type Fit int

const (
	// Linear interpolates linearly at the positions i·(K-1)/(N-1): corners are aligned.
	Linear Fit = iota
	// Cubic convolves with Keys' kernel, a = -0.75, at the same positions; beyond the borders the border's value holds.
	Cubic
	// Crop keeps the first N positions; N may not exceed K.
	Crop
)

var fitNames = []string{"linear", "cubic", "crop"}

func (f Fit) String() string { return name(fitNames, int(f)) }

// to fits t of shape [K, …] to [n, …], as a product with a constant matrix: its transpose carries the gradient.
func (f Fit) to(n int, t *graph.Node) *graph.Node {
	k := t.Shape().Dim(0)
	if k == n {
		return t
	}
	matrix := graph.ConstAs(t, f.Matrix(k, n))
	return graph.DotGeneral(matrix, []int{1}, nil, t, []int{0}, nil)
}

// Matrix returns the n rows of k weights that give the fitted values from those of the meta kernel.
func (f Fit) Matrix(k, n int) [][]float64 {
	if f == Crop && n > k {
		panic(fmt.Errorf("parc: fit crop with kernel size %d: want at least the %d positions of the axis", k, n))
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, k)
		whole, fraction := i, 0.0
		if f != Crop {
			whole, fraction = source(i, k, n)
		}
		for tap, weight := range f.taps(fraction) {
			position := min(max(whole+tap-1, 0), k-1)
			rows[i][position] += weight
		}
	}
	return rows
}

// source splits the position i·(k-1)/(n-1) among k samples that falls on output i of n into its whole part and the rest.
func source(i, k, n int) (whole int, fraction float64) {
	if n == 1 {
		return 0, 0
	}
	numerator := i * (k - 1)
	return numerator / (n - 1), float64(numerator%(n-1)) / float64(n-1)
}

// taps returns the weights of the samples at -1, 0, 1 and 2 from the whole part of a position.
func (f Fit) taps(fraction float64) [4]float64 {
	if f != Cubic {
		return [4]float64{0, 1 - fraction, fraction, 0}
	}
	return [4]float64{keys(1 + fraction), keys(fraction), keys(1 - fraction), keys(2 - fraction)}
}

// keys is the kernel of cubic convolution (Keys 1981) with a = -0.75, at distance 0 ≤ d ≤ 2.
func keys(d float64) float64 {
	const a = -0.75
	if d <= 1 {
		return (a+2)*math.Pow(d, 3) - (a+3)*d*d + 1
	}
	return a*math.Pow(d, 3) - 5*a*d*d + 8*a*d - 4*a
}
