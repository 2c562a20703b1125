package parc_test

import (
	"math"
	"slices"

	"github.com/fastparc/fastparc/parc"
)

// problem is one application of the operator in float64, with the loss Σ g·y. Slices are row-major in the layouts of
// package parc; pe and bias may be nil.
type problem struct {
	b, h, w, c, k, outputs int
	dense                  bool
	options                parc.Options
	x, kernel, pe, bias, g []float64
}

// solution is the output and the gradients of the loss by each input.
type solution struct{ y, dx, dkernel, dpe, dbias []float64 }

// sizes returns the same problem with every number replaced by its absolute value.
func (p *problem) sizes() *problem {
	q := *p
	for _, values := range []*[]float64{&q.x, &q.kernel, &q.pe, &q.bias, &q.g} {
		*values = slices.Clone(*values)
		for i, v := range *values {
			(*values)[i] = math.Abs(v)
		}
	}
	return &q
}

// length returns the number of positions along the axis.
func (p *problem) length() int {
	if p.options.Axis == parc.Height {
		return p.h
	}
	return p.w
}

// at returns the index of element (b, i along the axis, j across, c) of an image tensor with the given channels.
func (p *problem) at(b, i, j, c, channels int) int {
	if p.options.Axis == parc.Width {
		i, j = j, i
	}
	return ((b*p.h+i)*p.w+j)*channels + c
}

// solve applies the definition as it is written: sums over the fitted kernel, indices modulo N.
func (p *problem) solve() solution {
	n := p.length()
	across := p.h * p.w / n
	fit := fitting(p.options.Fit, p.k, n)
	perPosition := len(p.kernel) / p.k
	kernel := multiply(fit, p.kernel, perPosition)
	z := slices.Clone(p.x)
	if p.pe != nil {
		pe := multiply(fit, p.pe, p.c)
		p.each(across, func(b, i, j, c int) { z[p.at(b, i, j, c, p.c)] += pe[i*p.c+c] })
	}
	s := solution{y: make([]float64, len(p.g)), dx: make([]float64, len(p.x))}
	dkernel := make([]float64, n*perPosition)
	for b := range p.b {
		for i := range n {
			for j := range across {
				for k := range n {
					p.step(&s, dkernel, kernel, z, b, i, j, k, (i+k)%n)
				}
			}
		}
	}
	if p.bias != nil {
		s.dbias = make([]float64, p.outputs)
		for i := range s.y {
			s.y[i] += p.bias[i%p.outputs]
			s.dbias[i%p.outputs] += p.g[i]
		}
	}
	back := transposed(fit)
	s.dkernel = multiply(back, dkernel, perPosition)
	if p.pe != nil {
		dpe := make([]float64, n*p.c)
		p.each(across, func(b, i, j, c int) { dpe[i*p.c+c] += s.dx[p.at(b, i, j, c, p.c)] })
		s.dpe = multiply(back, dpe, p.c)
	}
	return s
}

// step adds the products of kernel position k, by which input position m reaches output position i.
func (p *problem) step(s *solution, dkernel, kernel, z []float64, b, i, j, k, m int) {
	add := func(weight, in, out int) {
		s.y[out] += kernel[weight] * z[in]
		s.dx[in] += kernel[weight] * p.g[out]
		dkernel[weight] += p.g[out] * z[in]
	}
	for c := range p.c {
		in := p.at(b, m, j, c, p.c)
		if !p.dense {
			add(k*p.c+c, in, p.at(b, i, j, c, p.c))
			continue
		}
		for o := range p.outputs {
			add((k*p.c+c)*p.outputs+o, in, p.at(b, i, j, o, p.outputs))
		}
	}
}

func (p *problem) each(across int, do func(b, i, j, c int)) {
	for b := range p.b {
		for i := range p.length() {
			for j := range across {
				for c := range p.c {
					do(b, i, j, c)
				}
			}
		}
	}
}

// fitting returns f(·, n) on k samples as a matrix, each column the fit of one unit sample.
func fitting(fit parc.Fit, k, n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, k)
		for s := range rows[i] {
			rows[i][s] = influence(fit, i, s, k, n)
		}
	}
	return rows
}

// influence returns the weight of sample s of k at position i of n.
func influence(fit parc.Fit, i, s, k, n int) float64 {
	if k == n || fit == parc.Crop {
		if i == s {
			return 1
		}
		return 0
	}
	position := 0.0
	if n > 1 {
		position = float64(i) * float64(k-1) / float64(n-1)
	}
	if fit == parc.Linear {
		return max(0, 1-math.Abs(position-float64(s)))
	}
	// A border sample stands for all samples beyond it as well.
	weight := 0.0
	for virtual := -3; virtual < k+3; virtual++ {
		if min(max(virtual, 0), k-1) == s {
			weight += cubicKernel(math.Abs(position - float64(virtual)))
		}
	}
	return weight
}

// cubicKernel is the kernel of cubic convolution with a = -3/4, expanded.
func cubicKernel(d float64) float64 {
	switch {
	case d < 1:
		return 1 - 2.25*d*d + 1.25*d*d*d
	case d < 2:
		return 3 - 6*d + 3.75*d*d - 0.75*d*d*d
	default:
		return 0
	}
}

// multiply returns matrix times t, a matrix of the given number of columns.
func multiply(matrix [][]float64, t []float64, columns int) []float64 {
	product := make([]float64, len(matrix)*columns)
	for i, row := range matrix {
		for s, weight := range row {
			for c := range columns {
				product[i*columns+c] += weight * t[s*columns+c]
			}
		}
	}
	return product
}

func transposed(matrix [][]float64) [][]float64 {
	columns := make([][]float64, len(matrix[0]))
	for s := range columns {
		columns[s] = make([]float64, len(matrix))
		for i := range matrix {
			columns[s][i] = matrix[i][s]
		}
	}
	return columns
}
