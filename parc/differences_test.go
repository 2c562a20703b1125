package parc_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/fastparc/fastparc/parc"
)

// The loss Σ g·y³ depends on the output nonlinearly, so that its second derivatives reach every part of the gradient.
func cubicLoss(p *problem, nodes []*graph.Node) *graph.Node {
	y := p.build(nodes)
	return graph.ReduceAllSum(graph.Mul(nodes[2], graph.Mul(y, graph.Mul(y, y))))
}

// directional is the derivative of the loss along the directions, one for each input of the problem.
func directional(loss *graph.Node, nodes, directions []*graph.Node) *graph.Node {
	gradients := graph.Gradient(loss, nodes...)
	sum := graph.ScalarZero(loss.Graph(), loss.DType())
	for i := range nodes {
		sum = graph.Add(sum, graph.ReduceAllSum(graph.Mul(gradients[i], directions[i])))
	}
	return sum
}

func TestGradientsOfFirstAndSecondOrderEqualFiniteDifferences(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 15 {
			p := randomProblem(random)
			p.options.Form = form
			values, dims := p.inputs()
			count := len(values)
			for i := range count {
				values, dims = append(values, normal(random, len(values[i]))), append(dims, dims[i])
			}
			// At x + s·direction: the loss, its derivative along the direction, and that derivative's own.
			along := func(s float64) (loss, first, second float64) {
				moved := make([][]float64, len(values))
				for i := range values {
					moved[i] = values[i]
					if i < count {
						moved[i] = make([]float64, len(values[i]))
						for j := range moved[i] {
							moved[i][j] = values[i][j] + s*values[count+i][j]
						}
					}
				}
				outputs := execute(t, backend, dtypes.Float64, moved, dims, func(nodes []*graph.Node) []*graph.Node {
					nodes, directions := nodes[:count], nodes[count:]
					loss := cubicLoss(p, nodes)
					first := directional(loss, nodes, directions)
					return []*graph.Node{loss, first, directional(first, nodes, directions)}
				})
				return outputs[0][0], outputs[1][0], outputs[2][0]
			}
			differences := func(step float64) (first, second float64) {
				above, firstAbove, _ := along(step)
				below, firstBelow, _ := along(-step)
				return (above - below) / (2 * step), (firstAbove - firstBelow) / (2 * step)
			}
			// Differences over two steps, combined so that their errors of the order of the step squared cancel.
			const step = 1e-3
			_, first, second := along(0)
			firstNear, secondNear := differences(step)
			firstFar, secondFar := differences(2 * step)
			closeTo(t, p, "first derivative", first, (4*firstNear-firstFar)/3)
			closeTo(t, p, "second derivative", second, (4*secondNear-secondFar)/3)
		}
	})
}

// closeTo compares a derivative with what finite differences give, whose own error is of the order of the step to the
// fourth.
func closeTo(t *testing.T, p *problem, what string, got, want float64) {
	t.Helper()
	if difference := math.Abs(got-want) / (1 + math.Abs(want)); !(difference < 1e-5) {
		t.Errorf("%s: %s is %g, finite differences give %g", p, what, got, want)
	}
}
