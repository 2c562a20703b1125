package parc_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/fastparc/fastparc/parc"
)

// Two algorithms round differently, so the engine's results tell which one it took.
func TestTheEngineComputesTheFormThatIsAskedFor(t *testing.T) {
	backend := open(t, "simd")
	for _, dense := range []bool{false, true} {
		for _, n := range []int{7, 130} {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			p := &problem{b: 2, h: n, w: 3, c: 4, k: n, outputs: 4, dense: dense}
			perPosition := 4
			if dense {
				perPosition = 16
			}
			p.x, p.g, p.kernel = normal(random, 2*n*3*4), normal(random, 2*n*3*4), normal(random, n*perPosition)
			results := map[parc.Form]solution{}
			for _, form := range forms {
				p.options.Form = form
				results[form] = evaluate(t, backend, dtypes.Float32, p)
			}
			for name, part := range map[string]func(s solution) []float64{
				"y":       func(s solution) []float64 { return s.y },
				"dx":      func(s solution) []float64 { return s.dx },
				"dkernel": func(s solution) []float64 { return s.dkernel },
			} {
				spatial, frequencies, auto := part(results[parc.Spatial]), part(results[parc.FFT]), part(results[parc.Auto])
				if slices.Equal(spatial, frequencies) {
					t.Errorf("dense %t, N = %d: %s is the same to the bit in both forms", dense, n, name)
				}
				if !slices.Equal(auto, spatial) && !slices.Equal(auto, frequencies) {
					t.Errorf("dense %t, N = %d: %s of the automatic form is that of neither other one", dense, n, name)
				}
			}
		}
	}
}
