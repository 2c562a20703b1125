package kernel

// This file reduces one axis of a tensor, in units.

import "fmt"

// AxisReduction reduces x [outer, n, inner] over its middle axis to [outer, inner]. Each unit takes some whole outer
// indices, or a part of the axis at one of them, whose partial results Combine joins.
type AxisReduction struct {
	reduction       Reduction
	outer, n, inner int
	group           int // outer indices in a unit
	part, parts     int // length of a part of the axis, and how many there are
}

// NewAxisReduction returns the reduction for a shape. An axis of length 0 gives what an empty reduction is.
func NewAxisReduction(r Reduction, outer, n, inner int) (*AxisReduction, error) {
	if r > ReduceProduct || outer < 1 || n < 0 || inner < 1 {
		return nil, fmt.Errorf("kernel: reduction %d of shape [%d, %d, %d], want one of 4 and at least [1, 0, 1]", r, outer, n, inner)
	}
	a := &AxisReduction{reduction: r, outer: outer, n: n, inner: inner}
	a.part = max((unitElements+inner-1)/inner, (n+columnUnits-1)/columnUnits)
	a.parts = max((n+a.part-1)/a.part, 1)
	a.group = 1
	if a.parts == 1 {
		a.group = max(unitElements/max(n*inner, 1), 1)
	}
	return a, nil
}

// Units returns into how many parts the work divides.
func (a *AxisReduction) Units() int { return (a.outer + a.group - 1) / a.group * a.parts }

// PartialSize returns how many floats of partial results all units together leave; without any, Combine does nothing.
func (a *AxisReduction) PartialSize() int {
	if a.parts == 1 {
		return 0
	}
	return a.outer * a.parts * a.inner
}

// Run computes units lo to hi−1 into dst, or into partials where PartialSize is not 0.
func (a *AxisReduction) Run(dst, x, partials []float32, lo, hi int) {
	for unit := lo; unit < hi; unit++ {
		if a.parts > 1 {
			outer, from := unit/a.parts, unit%a.parts*a.part
			n := min(a.part, a.n-from)
			a.reduce(partials[unit*a.inner:][:a.inner], x[(outer*a.n+from)*a.inner:][:n*a.inner], n)
			continue
		}
		for outer := unit * a.group; outer < min((unit+1)*a.group, a.outer); outer++ {
			a.reduce(dst[outer*a.inner:][:a.inner], x[outer*a.n*a.inner:][:a.n*a.inner], a.n)
		}
	}
}

func (a *AxisReduction) reduce(dst, x []float32, n int) {
	if a.inner == 1 {
		dst[0] = reduceRow(a.reduction, x)
		return
	}
	fill(dst, a.reduction.identity())
	reduceColumns(a.reduction, dst, x, n, a.inner)
}

// Combine joins the partial results into dst, once every unit has run.
func (a *AxisReduction) Combine(dst, partials []float32) {
	if a.parts == 1 {
		return
	}
	for outer := range a.outer {
		a.reduce(dst[outer*a.inner:][:a.inner], partials[outer*a.parts*a.inner:][:a.parts*a.inner], a.parts)
	}
}
