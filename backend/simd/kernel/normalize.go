package kernel

// This file normalises: layers along rows, batches down columns.

import (
	"fmt"
	"math"
)

// LayerNorm normalises the rows of x [rows, columns] and their gradients, in units of some rows.
type LayerNorm struct {
	rows, columns int
	epsilon       float32
	group         int // rows in a unit of Run
	gradientGroup int // rows in a unit of RunGradient
}

// NewLayerNorm returns the normalisation for a shape; epsilon is added to the variance.
func NewLayerNorm(rows, columns int, epsilon float32) (*LayerNorm, error) {
	if rows < 1 || columns < 1 {
		return nil, fmt.Errorf("kernel: layer normalisation of shape [%d, %d], want at least 1 by 1", rows, columns)
	}
	group := max(unitElements/columns, 1)
	return &LayerNorm{rows, columns, epsilon, group, max(group, (rows+columnUnits-1)/columnUnits)}, nil
}

// Units returns into how many parts Run divides.
func (l *LayerNorm) Units() int { return (l.rows + l.group - 1) / l.group }

// Run sets y = (x−mean)·invStd·gamma + beta for units lo to hi−1. It keeps each row's mean and 1/√(variance+epsilon)
// in mean and invStd, [rows]; gamma and beta have shape [columns].
func (l *LayerNorm) Run(y, x, gamma, beta, mean, invStd []float32, lo, hi int) {
	for unit := lo; unit < hi; unit++ {
		from, to := unit*l.group, min((unit+1)*l.group, l.rows)
		layerNorm(y[from*l.columns:to*l.columns], x[from*l.columns:to*l.columns], gamma[:l.columns], beta[:l.columns], mean[from:to], invStd[from:to], l.epsilon)
	}
}

// GradientUnits returns into how many parts RunGradient divides.
func (l *LayerNorm) GradientUnits() int { return (l.rows + l.gradientGroup - 1) / l.gradientGroup }

// GradientPartialSize returns how many floats of partial results all units of RunGradient leave.
func (l *LayerNorm) GradientPartialSize() int { return l.GradientUnits() * 2 * l.columns }

// GradientScratchSize returns how many floats of memory of its own a RunGradient needs.
func (l *LayerNorm) GradientScratchSize() int { return 2 * l.columns }

// gradientBlock is how many rows are summed before they are added to the sum of the unit.
const gradientBlock = 64

// RunGradient sets dx for units lo to hi−1 from dy, x and what Run kept, and leaves the sums for gamma and beta in
// partials.
func (l *LayerNorm) RunGradient(dx, dy, x, gamma, mean, invStd, partials, scratch []float32, lo, hi int) {
	c := l.columns
	scratch = scratch[:2*c]
	for unit := lo; unit < hi; unit++ {
		sums := partials[unit*2*c:][:2*c]
		fill(sums, 0)
		end := min((unit+1)*l.gradientGroup, l.rows)
		for from := unit * l.gradientGroup; from < end; from += gradientBlock {
			to := min(from+gradientBlock, end)
			fill(scratch, 0)
			layerNormGradient(dx[from*c:to*c], scratch[:c], scratch[c:], dy[from*c:to*c], x[from*c:to*c], gamma[:c], mean[from:to], invStd[from:to])
			Binary(OpAdd, sums, sums, scratch)
		}
	}
}

// CombineGradient sets dGamma and dBeta, once every unit of RunGradient has run.
func (l *LayerNorm) CombineGradient(dGamma, dBeta, partials []float32) {
	c := l.columns
	fill(dGamma[:c], 0)
	fill(dBeta[:c], 0)
	reduceColumns(ReduceSum, dGamma[:c], partials, l.GradientUnits(), 2*c)
	reduceColumns(ReduceSum, dBeta[:c], partials[c:], l.GradientUnits(), 2*c)
}

// layerNormGeneric is the twin of the assembly, rows after rows.
func layerNormGeneric(dst, x, gamma, beta, mean, invStd []float32, epsilon float32) {
	c := len(gamma)
	for r := range mean {
		row, out := x[r*c:][:c], dst[r*c:][:c]
		m := reduceRow(ReduceSum, row) / float32(c)
		var squares float64
		for _, v := range row {
			squares += float64(v-m) * float64(v-m)
		}
		s := float32(1 / math.Sqrt(squares/float64(c)+float64(epsilon)))
		mean[r], invStd[r] = m, s
		for i, v := range row {
			out[i] = (v-m)*s*gamma[i] + beta[i]
		}
	}
}

func layerNormGradientGeneric(dx, dGamma, dBeta, dy, x, gamma, mean, invStd []float32) {
	c := len(gamma)
	for r, m := range mean {
		row, v, out, s := x[r*c:][:c], dy[r*c:][:c], dx[r*c:][:c], invStd[r]
		var sum, product float64
		for i := range row {
			h := (row[i] - m) * s
			dGamma[i] += v[i] * h
			dBeta[i] += v[i]
			sum += float64(v[i] * gamma[i])
			product += float64(v[i] * gamma[i] * h)
		}
		sum, product = sum/float64(c), product/float64(c)
		for i := range row {
			h := (row[i] - m) * s
			out[i] = (v[i]*gamma[i] - float32(sum) - h*float32(product)) * s
		}
	}
}

// BatchStatistics computes the mean and the biased variance of each column of x [rows, columns], reading x once from
// memory: each unit takes those of its own rows, which Combine joins (Chan, Golub and LeVeque's update). Scale and
// shift, and the gradient, are element-wise programs with row inputs and column sums.
type BatchStatistics struct {
	rows, columns int
	group         int // rows in a block, which stays in the cache
	blocks        int // blocks in a unit
}

// NewBatchStatistics returns the statistics for a shape.
func NewBatchStatistics(rows, columns int) (*BatchStatistics, error) {
	if rows < 1 || columns < 1 {
		return nil, fmt.Errorf("kernel: batch statistics of shape [%d, %d], want at least 1 by 1", rows, columns)
	}
	group := max(unitElements/columns, 1)
	total := (rows + group - 1) / group
	return &BatchStatistics{rows, columns, group, (total + columnUnits - 1) / columnUnits}, nil
}

// Units returns into how many parts the work divides.
func (b *BatchStatistics) Units() int {
	return (b.rows + b.group*b.blocks - 1) / (b.group * b.blocks)
}

// PartialSize returns how many floats of partial results all units together leave.
func (b *BatchStatistics) PartialSize() int { return b.Units() * 2 * b.columns }

// ScratchSize returns how many floats of memory of its own a Run needs.
func (b *BatchStatistics) ScratchSize() int { return 2 * b.columns }

// Run leaves the statistics of units lo to hi−1 in partials: means, then sums of squared deviations.
func (b *BatchStatistics) Run(x, partials, scratch []float32, lo, hi int) {
	c := b.columns
	for unit := lo; unit < hi; unit++ {
		mean, squares := partials[unit*2*c:][:c], partials[unit*2*c+c:][:c]
		first := unit * b.group * b.blocks
		for from := first; from < min(first+b.group*b.blocks, b.rows); from += b.group {
			n := min(b.group, b.rows-from)
			block := x[from*c:][:n*c]
			if from == first {
				columnStatistics(mean, squares, block, n)
				continue
			}
			columnStatistics(scratch[:c], scratch[c:2*c], block, n)
			joinStatistics(mean, squares, from-first, scratch[:c], scratch[c:2*c], n)
		}
	}
}

// Combine sets mean and variance from the partial results, which it uses up.
func (b *BatchStatistics) Combine(mean, variance, partials []float32) {
	c, whole := b.columns, b.group*b.blocks
	copy(mean[:c], partials[:c])
	copy(variance[:c], partials[c:2*c])
	for unit := 1; unit < b.Units(); unit++ {
		p := partials[unit*2*c:][:2*c]
		joinStatistics(mean[:c], variance[:c], unit*whole, p[:c], p[c:], min(whole, b.rows-unit*whole))
	}
	for i := range variance[:c] {
		variance[i] /= float32(b.rows)
	}
}

// columnStatistics takes means and sums of squared deviations down the columns of n rows.
func columnStatistics(mean, squares, x []float32, n int) {
	fill(mean, 0)
	reduceColumns(ReduceSum, mean, x, n, len(mean))
	for i := range mean {
		mean[i] /= float32(n)
	}
	squaredDeviations(squares, x, mean, n)
}

// joinStatistics adds the statistics of m more rows to those of n.
func joinStatistics(mean, squares []float32, n int, otherMean, otherSquares []float32, m int) {
	share := float32(m) / float32(n+m)
	weight := float32(n) * share
	for i := range mean {
		d := otherMean[i] - mean[i]
		mean[i] += d * share
		squares[i] += otherSquares[i] + d*d*weight
	}
}

func squaredDeviationsGeneric(dst, x, mean []float32, rows int) {
	fill(dst, 0)
	for r := range rows {
		for i, v := range x[r*len(mean):][:len(mean)] {
			d := v - mean[i]
			dst[i] += d * d
		}
	}
}
