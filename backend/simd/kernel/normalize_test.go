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
			want, size := layerNormInFloat64(x, dy, gamma, beta)
			for name, d := range map[string]float64{
				"y": fartherThan(y, want.y, size.y, 5e-7), "dx": fartherThan(dx, want.dx, size.dx, 5e-7),
				"dGamma": fartherThan(dGamma, want.dGamma, size.dGamma, 5e-7), "dBeta": fartherThan(dBeta, want.dBeta, size.dBeta, 5e-7),
			} {
				if d != 0 {
					t.Errorf("%v: %s is off by %g more than it may", shape, name, d)
				}
			}
		}
	})
}

// layerNormResult is what a layer normalisation and its gradient leave.
type layerNormResult struct{ y, dx, dGamma, dBeta []float64 }

// layerNormInFloat64 returns the results wanted, and beside each its size before anything cancelled, with which its
// rounding grows: the mean is taken from each x, and a row of little variance magnifies what that rounds.
func layerNormInFloat64(x, dy, gamma, beta []float32) (want, size layerNormResult) {
	c := len(gamma)
	for _, r := range []*layerNormResult{&want, &size} {
		*r = layerNormResult{make([]float64, len(x)), make([]float64, len(x)), make([]float64, c), make([]float64, c)}
	}
	h, hSize, d := make([]float64, c), make([]float64, c), make([]float64, c)
	for from := 0; from < len(x); from += c {
		var m, mSize, v, g, gSize, gh, ghSize float64
		for _, x := range x[from : from+c] {
			m += float64(x) / float64(c)
			mSize += math.Abs(float64(x)) / float64(c)
		}
		for _, x := range x[from : from+c] {
			v += (float64(x) - m) * (float64(x) - m) / float64(c)
		}
		s := 1 / math.Sqrt(v+1e-6)
		for i := range c {
			h[i], hSize[i] = (float64(x[from+i])-m)*s, (math.Abs(float64(x[from+i]))+mSize)*s
			want.y[from+i] = h[i]*float64(gamma[i]) + float64(beta[i])
			size.y[from+i] = hSize[i]*math.Abs(float64(gamma[i])) + math.Abs(float64(beta[i]))
			dy := float64(dy[from+i])
			want.dGamma[i] += dy * h[i]
			size.dGamma[i] += math.Abs(dy) * hSize[i]
			want.dBeta[i] += dy
			size.dBeta[i] += math.Abs(dy)
			d[i] = dy * float64(gamma[i])
			g += d[i] / float64(c)
			gSize += math.Abs(d[i]) / float64(c)
			gh += d[i] * h[i] / float64(c)
			ghSize += math.Abs(d[i]) * hSize[i] / float64(c)
		}
		for i := range c {
			want.dx[from+i] = s * (d[i] - g - h[i]*gh)
			size.dx[from+i] = s * (math.Abs(d[i]) + gSize + hSize[i]*math.Abs(gh) + math.Abs(h[i])*ghSize)
		}
	}
	return want, size
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
