package parc_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/parc"
)

// A value that is no number, or none that is finite, spoils the line that it is in; in the spatial form no other one.
func TestNaNAndInfinityPass(t *testing.T) {
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, n := range []int{7, 130} {
				t.Run(fmt.Sprint(bad, "/", n), func(t *testing.T) {
					random := rand.New(rand.NewPCG(1, uint64(n)))
					p := &problem{b: 1, h: n, w: 4, c: 3, k: n, outputs: 3, options: parc.Options{Form: form}}
					p.x, p.g, p.kernel, p.pe = normal(random, n*12), normal(random, n*12), normal(random, n*3), normal(random, n*3)
					clean := evaluate(t, backend, dtypes.Float32, p).y
					const line = 2*3 + 1
					p.x[12*(n/2)+line] = bad
					for i, y := range evaluate(t, backend, dtypes.Float32, p).y {
						finite := !math.IsNaN(y) && !math.IsInf(y, 0)
						if i%12 == line && finite {
							t.Fatalf("output %d of the line with %g is %g", i/12, bad, y)
						}
						if i%12 != line && form == parc.Spatial && math.Abs(y-clean[i]) > 1e-5*float64(n) {
							t.Fatalf("output %d of line %d is %g, want %g as without %g", i/12, i%12, y, clean[i], bad)
						}
					}
				})
			}
		}
	})
}

// Types without kernels are computed by GoMLX's Go backend, float64 to its own precision (the other tests have it).
func TestBFloat16EqualsItsDefinition(t *testing.T) {
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		random := rand.New(rand.NewPCG(3, 4))
		for _, axis := range []parc.Axis{parc.Height, parc.Width} {
			p := &problem{b: 2, h: 6, w: 5, c: 3, k: 9, outputs: 3, options: parc.Options{Axis: axis, Form: form}}
			p.x, p.g = normal(random, 2*6*5*3), normal(random, 2*6*5*3)
			p.kernel, p.pe, p.bias = normal(random, 9*3), normal(random, 9*3), normal(random, 3)
			values, dims := p.inputs()
			half := func(nodes []*graph.Node, dtype dtypes.DType) []*graph.Node {
				converted := make([]*graph.Node, len(nodes))
				for i, node := range nodes {
					converted[i] = graph.ConvertDType(node, dtype)
				}
				return converted
			}
			outputs := execute(t, backend, dtypes.Float32, values, dims, func(nodes []*graph.Node) []*graph.Node {
				nodes = half(nodes, dtypes.BFloat16)
				y := p.build(nodes)
				return half(append([]*graph.Node{y}, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, nodes[2])), nodes[0], nodes[1])...), dtypes.Float32)
			})
			want, sizes := p.solve(), p.sizes().solve()
			compare(t, p, solution{y: outputs[0], dx: outputs[1], dkernel: outputs[2], dpe: want.dpe, dbias: want.dbias}, want, sizes, 2e-2)
		}
	})
}
