package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

var rowShapes = [][2]int{{1, 1}, {3, 5}, {70, 16}, {33, 48}, {200, 96}, {9, 100}, {5, 768}, {2, 10007}, {1000, 7}}

// farther returns the largest distance between got and want beyond tolerance·(1+|want|), or 0.
func farther(got []float32, want []float64, tolerance float64) float64 {
	return fartherThan(got, want, want, tolerance)
}

// fartherThan returns the largest distance between got and want beyond tolerance·(1+|size|), or 0.
func fartherThan(got []float32, want, size []float64, tolerance float64) float64 {
	worst := 0.0
	for i, w := range want {
		if d := math.Abs(float64(got[i])-w) - tolerance*(1+math.Abs(size[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst
}

func TestLayerNormAndItsGradientAgreeWithFloat64(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		for _, shape := range rowShapes {
			rows, c := shape[0], shape[1]
			l, err := NewLayerNorm(rows, c, 1e-6)
			if err != nil {
				t.Fatal(err)
			}
			x, dy, gamma, beta := gaussians(r, rows*c), gaussians(r, rows*c), gaussians(r, c), gaussians(r, c)
			for i := range x {
				x[i] += 3
			}
			y, yIntact := fencedFloats(rows * c)
			mean, meanIntact := fencedFloats(rows)
			invStd, invStdIntact := fencedFloats(rows)
			for unit := range l.Units() {
				l.Run(y, x, gamma, beta, mean, invStd, unit, unit+1)
			}
			dx, dxIntact := fencedFloats(rows * c)
			partials, partialsIntact := fencedFloats(l.GradientPartialSize())
			scratch := make([]float32, l.GradientScratchSize())
			for unit := range l.GradientUnits() {
				l.RunGradient(dx, dy, x, gamma, mean, invStd, partials, scratch, unit, unit+1)
			}
			dGamma, dGammaIntact := fencedFloats(c)
			dBeta, dBetaIntact := fencedFloats(c)
			l.CombineGradient(dGamma, dBeta, partials)
			for i, intact := range []func() bool{yIntact, meanIntact, invStdIntact, dxIntact, partialsIntact, dGammaIntact, dBetaIntact} {
				if !intact() {
					t.Errorf("%v: memory %d was written past its end", shape, i)
				}
			}
			wantY, wantDx, wantDGamma, wantDBeta := make([]float64, rows*c), make([]float64, rows*c), make([]float64, c), make([]float64, c)
			terms := make([]float64, rows*c) // what dx is a difference of: its rounding grows with them
			for k := range rows {
				var m, v, g, gh float64
				for i := range c {
					m += float64(x[k*c+i]) / float64(c)
				}
				for i := range c {
					v += (float64(x[k*c+i]) - m) * (float64(x[k*c+i]) - m) / float64(c)
				}
				s := 1 / math.Sqrt(v+1e-6)
				for i := range c {
					h, d := (float64(x[k*c+i])-m)*s, float64(dy[k*c+i])
					wantY[k*c+i] = h*float64(gamma[i]) + float64(beta[i])
					wantDGamma[i] += d * h
					wantDBeta[i] += d
					g += d * float64(gamma[i]) / float64(c)
					gh += d * float64(gamma[i]) * h / float64(c)
				}
				for i := range c {
					h, d := (float64(x[k*c+i])-m)*s, float64(dy[k*c+i])
					wantDx[k*c+i] = s * (d*float64(gamma[i]) - g - h*gh)
					terms[k*c+i] = s * (math.Abs(d*float64(gamma[i])) + math.Abs(g) + math.Abs(h*gh))
				}
			}
			tolerance := 4e-6
			if c == 1 { // the variance is 0 but for rounding, and 1/√epsilon is 1000
				tolerance = 2e-3
			}
			for name, d := range map[string]float64{
				"y": farther(y, wantY, tolerance), "dx": fartherThan(dx, wantDx, terms, 3*tolerance),
				"dGamma": farther(dGamma, wantDGamma, tolerance*math.Sqrt(float64(rows))), "dBeta": farther(dBeta, wantDBeta, tolerance*math.Sqrt(float64(rows))),
			} {
				if d != 0 {
					t.Errorf("%v: %s is off by %g more than it may", shape, name, d)
				}
			}
		}
	})
}

func TestSoftmaxAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 1))
		for _, shape := range rowShapes {
			for _, logarithm := range []bool{false, true} {
				rows, c := shape[0], shape[1]
				s, err := NewSoftmax(rows, c, logarithm)
				if err != nil {
					t.Fatal(err)
				}
				x := gaussians(r, rows*c)
				for i := range x {
					x[i] = 10*x[i] + 500
				}
				y, intact := fencedFloats(rows * c)
				for unit := range s.Units() {
					s.Run(y, x, unit, unit+1)
				}
				if !intact() {
					t.Errorf("%v: written past the end", shape)
				}
				for k := range rows {
					sum := 0.0
					for _, v := range x[k*c:][:c] {
						sum += math.Exp(float64(v) - 500)
					}
					for i, v := range x[k*c:][:c] {
						want := float64(v) - 500 - math.Log(sum)
						tolerance := 3e-7 * (3 + math.Abs(want))
						if !logarithm {
							want = math.Exp(want)
							tolerance = 1e-6 * want
						}
						if d := math.Abs(float64(y[k*c+i]) - want); !(d <= tolerance+1e-44) {
							t.Fatalf("%v (logarithm %v): %g at %d, %d, want %g", shape, logarithm, y[k*c+i], k, i, want)
						}
					}
				}
			}
		}
	})
}

func TestBatchStatisticsAgreeWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 1))
		for _, shape := range append(rowShapes, [2]int{30000, 24}, [2]int{5000, 70}) {
			rows, c := shape[0], shape[1]
			b, err := NewBatchStatistics(rows, c)
			if err != nil {
				t.Fatal(err)
			}
			x := gaussians(r, rows*c)
			for i := range x {
				x[i] += 10
			}
			partials, partialsIntact := fencedFloats(b.PartialSize())
			scratch := make([]float32, b.ScratchSize())
			for unit := range b.Units() {
				b.Run(x, partials, scratch, unit, unit+1)
			}
			mean, meanIntact := fencedFloats(c)
			variance, varianceIntact := fencedFloats(c)
			b.Combine(mean, variance, partials)
			if !partialsIntact() || !meanIntact() || !varianceIntact() {
				t.Errorf("%v: written past the end", shape)
			}
			wantMean, wantVariance := make([]float64, c), make([]float64, c)
			for i := range x {
				wantMean[i%c] += float64(x[i]) / float64(rows)
			}
			for i := range x {
				d := float64(x[i]) - wantMean[i%c]
				wantVariance[i%c] += d * d / float64(rows)
			}
			if d := farther(mean, wantMean, 1e-6); d != 0 {
				t.Errorf("%v: mean is off by %g more than it may", shape, d)
			}
			if d := farther(variance, wantVariance, 3e-6); d != 0 {
				t.Errorf("%v: variance is off by %g more than it may", shape, d)
			}
		}
	})
}
