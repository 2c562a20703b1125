package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAxisReductionAgreesWithFloat64AndWithAnySplit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		for _, shape := range [][3]int{{1, 1, 1}, {1, 0, 3}, {7, 1, 5}, {1, 100000, 1}, {300, 17, 1}, {3, 40000, 1}, {1, 5000, 3}, {1, 900, 100}, {4, 49, 97}, {2, 20000, 6}, {5, 3, 10000}, {2000, 3, 4}} {
			for reduction := ReduceSum; reduction <= ReduceProduct; reduction++ {
				outer, n, inner := shape[0], shape[1], shape[2]
				x, _ := fencedFloats(outer * n * inner)
				for i := range x {
					x[i] = float32(r.NormFloat64())
					if reduction == ReduceProduct {
						x[i] = float32(math.Exp(0.01 * r.NormFloat64()))
					}
				}
				a, err := NewAxisReduction(reduction, outer, n, inner)
				if err != nil {
					t.Fatal(err)
				}
				whole, intact := fencedFloats(outer * inner)
				partials, partialsIntact := fencedFloats(a.PartialSize())
				a.Run(whole, x, partials, 0, a.Units())
				a.Combine(whole, partials)
				split := make([]float32, outer*inner)
				for lo := a.Units() - 1; lo >= 0; lo-- {
					a.Run(split, x, partials, lo, lo+1)
				}
				a.Combine(split, partials)
				if !intact() || !partialsIntact() {
					t.Errorf("%v: written past the end", shape)
				}
				for o := range outer {
					for i := range inner {
						column, size := make([]float64, n), 0.0
						for k := range column {
							column[k] = float64(x[(o*n+k)*inner+i])
							size += math.Abs(column[k])
						}
						want, got := reduce64(reduction, column), whole[o*inner+i]
						tolerance := 1e-6 * size
						switch reduction {
						case ReduceMax, ReduceMin:
							tolerance = 0
						case ReduceProduct:
							tolerance = 1e-7 * want * (1 + 4*math.Sqrt(float64(n)))
						}
						if got != split[o*inner+i] || !(float64(got) == want || math.Abs(float64(got)-want) <= tolerance) {
							t.Fatalf("reduction %d of %v at %d, %d is %g, %g when split, want %g", reduction, shape, o, i, got, split[o*inner+i], want)
						}
					}
				}
			}
		}
	})
}

func TestSumOfAMillionKeepsAMillionth(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const n = 1_000_000
		r := rand.New(rand.NewPCG(3, 4))
		x, sum := make([]float32, 4*n), 0.0
		columns := [4]float64{}
		for i := range x {
			x[i] = r.Float32()
			columns[i%4] += float64(x[i])
			sum += float64(x[i])
		}
		for _, inner := range []int{1, 4} {
			a, _ := NewAxisReduction(ReduceSum, 1, len(x)/inner, inner)
			dst, partials := make([]float32, inner), make([]float32, a.PartialSize())
			a.Run(dst, x, partials, 0, a.Units())
			a.Combine(dst, partials)
			for i, got := range dst {
				want := sum
				if inner > 1 {
					want = columns[i]
				}
				if e := math.Abs(float64(got)-want) / want; e > 1e-6 {
					t.Errorf("sum of %d with %d columns is off by %g of it", len(x)/inner, inner, e)
				}
			}
		}
	})
}

func TestMaximumIsNaNIfAnElementIs(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for at := range 100 {
			x := make([]float32, 100)
			x[at] = float32(math.NaN())
			for _, reduction := range []Reduction{ReduceMax, ReduceMin} {
				if y := reduceRow(reduction, x); y == y {
					t.Errorf("reduction %d with NaN at %d is %g", reduction, at, y)
				}
				y := []float32{0, 0}
				reduceColumns(reduction, y, x, 50, 2)
				if v := y[at%2]; v == v {
					t.Errorf("columns' reduction %d with NaN at %d is %g", reduction, at, v)
				}
			}
		}
	})
}
