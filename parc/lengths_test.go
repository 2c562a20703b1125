package parc_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/fastparc/fastparc/parc"
)

// Every length has a way of its own through the frequencies. Odd ones run along the height, even ones along the width.
func TestEveryLengthTo512EqualsItsDefinition(t *testing.T) {
	backend := open(t, "simd")
	for n := 1; n <= 512; n++ {
		random := rand.New(rand.NewPCG(uint64(n), 0))
		p := &problem{b: 1, h: n, w: 2, c: 2, k: n, outputs: 2}
		if n%2 == 0 {
			p.h, p.w, p.options.Axis = p.w, p.h, parc.Width
		}
		p.x, p.g = normal(random, 4*n), normal(random, 4*n)
		p.kernel, p.pe, p.bias = normal(random, 2*n), normal(random, 2*n), normal(random, 2)
		for i := range p.g {
			p.g[i]++ // so that the bias's gradient, their sum, does not happen to be near zero
		}
		want := p.solve()
		for _, p.options.Form = range []parc.Form{parc.Spatial, parc.FFT} {
			compare(t, p, evaluate(t, backend, dtypes.Float32, p), want, want, 1e-5)
		}
	}
}
