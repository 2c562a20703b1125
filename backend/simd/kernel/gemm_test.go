package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// guarded returns n elements in the middle of a slice of guard values, and a check that those are still there.
func guarded(t *testing.T, n int) []float32 {
	t.Helper()
	const margin, guard = 40, 12345.678
	whole := make([]float32, n+2*margin)
	for i := range whole {
		whole[i] = guard
	}
	t.Cleanup(func() {
		for i, x := range whole {
			if (i < margin || i >= margin+n) && x != guard {
				t.Errorf("element %d of %d was written", i-margin, n)
			}
		}
	})
	return whole[margin : margin+n : margin+n]
}

// normals returns n guarded elements with normal distribution.
func normals(t *testing.T, r *rand.Rand, n int) []float32 {
	x := guarded(t, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// activation64 is the activation in float64.
func activation64(f Activation, x float64) float64 {
	sigmoid := 1 / (1 + math.Exp(-x))
	hard := min(max(x/6+0.5, 0), 1)
	return []float64{x, max(x, 0), min(max(x, 0), 6), x / 2 * (1 + math.Erf(x/math.Sqrt2)), x * sigmoid, x * hard, hard, sigmoid, math.Tanh(x)}[f]
}

// epilogue64 is what an epilogue makes of a sum for the element in the given column whose place in C is at.
func epilogue64(e *Epilogue, sum float64, column, at int) float64 {
	if e.Scale != nil {
		sum *= float64(e.Scale[column])
	}
	if e.Bias != nil {
		sum += float64(e.Bias[column])
	}
	if e.Residual != nil && e.ResidualFirst {
		return activation64(e.Activation, sum+float64(e.Residual[at]))
	}
	sum = activation64(e.Activation, sum)
	if e.Residual != nil {
		sum += float64(e.Residual[at])
	}
	return sum
}

// randomEpilogue draws every combination now and then. size is the number of elements of the result.
func randomEpilogue(t *testing.T, r *rand.Rand, columns, size int) Epilogue {
	e := Epilogue{Activation: Activation(r.IntN(int(Tanh) + 1)), ResidualFirst: r.IntN(2) == 0, Accumulate: r.IntN(3) == 0}
	if r.IntN(2) == 0 {
		e.Scale = normals(t, r, columns)
	}
	if r.IntN(2) == 0 {
		e.Bias = normals(t, r, columns)
	}
	if r.IntN(2) == 0 {
		e.Residual = normals(t, r, size)
	}
	return e
}

// gemm64 returns the product in float64 at c's places, with the sum of magnitudes that bounds its rounding errors.
func gemm64(g *Gemm, c, a, b []float32, bRow, bColumn int) (want, magnitude []float64) {
	want, magnitude = make([]float64, len(c)), make([]float64, len(c))
	for i := range g.M {
		for j := range g.N {
			at := i*g.CRow + j
			var sum, size float64
			if g.Accumulate {
				sum = float64(c[at])
				size = math.Abs(sum)
			}
			for l := range g.K {
				x := float64(a[i*g.ARow+l*g.ACol]) * float64(b[l*bRow+j*bColumn])
				sum += x
				size += math.Abs(x)
			}
			if g.Scale != nil {
				size *= math.Abs(float64(g.Scale[j]))
			}
			want[at], magnitude[at] = epilogue64(&g.Epilogue, sum, j, at), size+1
		}
	}
	return want, magnitude
}

// TestGemmAgreesWithFloat64 draws shapes with every kind of tail, strides, ways to hold B and epilogues.
func TestGemmAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for seed := range uint64(250) {
			t.Run(fmt.Sprint("seed", seed), func(t *testing.T) { checkGemm(t, seed) })
		}
	})
}

func checkGemm(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(sizes ...int) int { return 1 + r.IntN(sizes[r.IntN(len(sizes))]) }
	g := Gemm{M: pick(3, 15, 40, 130), N: pick(1, 12, 40, 100), K: r.IntN([]int{2, 40, 300, 600}[r.IntN(4)])}
	switch r.IntN(4) {
	case 0: // transposed
		g.ARow, g.ACol = 1, g.M+r.IntN(5)
	case 1: // both strides wide
		g.ACol = 1 + r.IntN(3)
		g.ARow = g.ACol*g.K + r.IntN(3)
	case 2: // rows that fall on one set of the cache
		g.ARow, g.ACol = roundUp(max(g.K, 1), 512), 1
	default:
		g.ARow, g.ACol = g.K+r.IntN(5), 1
	}
	a := normals(t, r, (g.M-1)*g.ARow+max(g.K-1, 0)*g.ACol+1)
	g.CRow = g.N + r.IntN(4)
	size := (g.M-1)*g.CRow + g.N
	g.Epilogue = randomEpilogue(t, r, g.N, size)
	bRow, bColumn := g.N+r.IntN(4), 1
	if r.IntN(3) == 0 {
		bRow, bColumn = 1, g.K+1
	}
	source := normals(t, r, max(g.K-1, 0)*bRow+(g.N-1)*bColumn+1)
	b := source
	if bColumn == 1 && r.IntN(2) == 0 {
		g.BRow = bRow
	} else {
		b = guarded(t, PackedBSize(g.K, g.N))
		PackB(b, source, g.K, g.N, bRow, bColumn)
	}
	c := normals(t, r, size)
	before := append([]float32(nil), c...)
	want, magnitude := gemm64(&g, c, a, source, bRow, bColumn)

	g.Run(c, a, b, 0, g.Units(), guarded(t, g.ScratchSize()))
	for i := range g.M {
		for j := range g.CRow {
			at := i*g.CRow + j
			if at >= size {
				break
			}
			if j >= g.N {
				if c[at] != before[at] {
					t.Fatalf("%+v: wrote between rows, at [%d,%d]", g, i, j)
				}
				continue
			}
			if e := math.Abs(float64(c[at]) - want[at]); !(e < 2e-6*magnitude[at]) {
				t.Fatalf("%d×%d×%d, activation %d: c[%d,%d] = %g, want %g", g.M, g.N, g.K, g.Activation, i, j, c[at], want[at])
			}
		}
	}
	for unit := g.Units() - 1; unit >= 0; unit-- {
		g.Run(before, a, b, unit, unit+1, guarded(t, g.ScratchSize()))
	}
	for i := range c {
		if math.Float32bits(c[i]) != math.Float32bits(before[i]) {
			t.Fatalf("%+v: unit by unit gives %g at %d, all at once %g", g, before[i], i, c[i])
		}
	}
}

// TestGemmSumsLongColumns has the shape of a weight gradient: few rows and columns, and a long sum in place.
func TestGemmSumsLongColumns(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 4))
		g := Gemm{M: 29, N: 10, K: 20_003, ARow: 1, ACol: 29, BRow: 10, CRow: 10}
		a, b, c := normals(t, r, g.M*g.K), normals(t, r, g.N*g.K), normals(t, r, g.M*g.N)
		want, magnitude := gemm64(&g, c, a, b, g.BRow, 1)
		g.Run(c, a, b, 0, g.Units(), guarded(t, g.ScratchSize()))
		for i := range c {
			if e := math.Abs(float64(c[i]) - want[i]); !(e < 2e-6*magnitude[i]) {
				t.Fatalf("element %d is %g, want %g", i, c[i], want[i])
			}
		}
	})
}

func TestProductsAllocateNothing(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		c := Conv2D{Batch: 1, H: 9, W: 9, CIn: 8, KH: 3, KW: 3, COut: 40, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, Epilogue: Epilogue{Activation: GELU}}
		dx, dw := Conv2DInputGradient{c}, Conv2DWeightGradient{c}
		x, w, y := make([]float32, 9*9*8), make([]float32, 9*8*40), make([]float32, c.OutH()*c.OutW()*40)
		packed, packedDX := make([]float32, c.PackedKernelSize()), make([]float32, dx.PackedKernelSize())
		scratch := make([]float32, max(c.ScratchSize(), dx.ScratchSize(), dw.ScratchSize()))
		allocations := testing.AllocsPerRun(3, func() {
			c.PackKernel(packed, w)
			c.Run(y, x, packed, 0, c.Units(), scratch)
			dx.PackKernel(packedDX, w)
			dx.Run(x, y, packedDX, 0, dx.Units(), scratch)
			dw.Run(w, x, y, 0, dw.Units(), scratch)
		})
		if allocations != 0 {
			t.Errorf("%v allocations a run", allocations)
		}
	})
}

// TestGemmCarriesSpecialValues puts NaN and infinities into one row of A: they stay in that row, and reach all of it.
func TestGemmCarriesSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachLevel(t, func(t *testing.T) {
		for _, x := range []float32{nan, inf, -inf} {
			for f := None; f <= Tanh; f++ {
				r := rand.New(rand.NewPCG(3, 3))
				g := Gemm{M: 17, N: 19, K: 5, ARow: 5, ACol: 1, BRow: 19, CRow: 19, Epilogue: Epilogue{Activation: f}}
				a, b, c := normals(t, r, 17*5), normals(t, r, 5*19), guarded(t, 17*19)
				for i := range b {
					b[i] = float32(math.Abs(float64(b[i])))
				}
				a[15*5+2] = x
				g.Run(c, a, b, 0, g.Units(), guarded(t, g.ScratchSize()))
				want := f.of(x)
				for i, y := range c {
					if special := i/19 == 15; special && !same(y, want) || !special && (y != y || math.IsInf(float64(y), 0)) {
						t.Fatalf("activation %d of a row with %g: element %d is %g, want %g", f, x, i, y, want)
					}
				}
			}
		}
	})
}

func same(x, y float32) bool { return x == y || x != x && y != y }

// TestActivationsAgreeWithFloat64 walks through all magnitudes, and the two tails of the row.
func TestActivationsAgreeWithFloat64(t *testing.T) {
	var inputs []float32
	for x := 1e-30; x < 3e38; x *= 1.013 {
		inputs = append(inputs, float32(x), float32(-x))
	}
	for x := -20.; x < 20; x += 0.0037 {
		inputs = append(inputs, float32(x))
	}
	eachLevel(t, func(t *testing.T) {
		for f := GELU; f <= Tanh; f++ {
			c := guarded(t, len(inputs))
			copy(c, inputs)
			f.finish(c, nil, len(c), 1, len(c))
			for i, x := range inputs {
				want := activation64(f, float64(x))
				if e := math.Abs(float64(c[i]) - want); !(e <= 2e-7*max(1, math.Abs(want))) {
					t.Fatalf("activation %d of %g is %g, want %g", f, x, c[i], want)
				}
			}
			for i, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0} {
				c[0] = x
				f.finish(c, nil, 1, 1, 1)
				if want := f.of(x); !same(c[0], want) {
					t.Errorf("special value %d: activation %d of %g is %g, want %g", i, f, x, c[0], want)
				}
			}
		}
	})
}

// BenchmarkGemm reports GFLOP/s of one thread.
func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, k, n int
	}{
		{"56x56,48-192", 56 * 56, 48, 192}, {"196,768-192", 196, 768, 192}, {"3136,64x9-64", 3136, 64 * 9, 64}, {"784,512-512", 784, 512, 512}, {"1,2048-1000", 1, 2048, 1000},
	} {
		b.Run(s.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			fill := func(n int) []float32 {
				x := make([]float32, n)
				for i := range x {
					x[i] = float32(r.NormFloat64())
				}
				return x
			}
			g := Gemm{M: s.m, N: s.n, K: s.k, ARow: s.k, ACol: 1, CRow: s.n, Epilogue: Epilogue{Bias: fill(s.n)}}
			a, c, w, scratch := fill(s.m*s.k), fill(s.m*s.n), make([]float32, PackedBSize(s.k, s.n)), make([]float32, g.ScratchSize())
			PackB(w, fill(s.k*s.n), s.k, s.n, s.n, 1)
			for b.Loop() {
				g.Run(c, a, w, 0, g.Units(), scratch)
			}
			b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
