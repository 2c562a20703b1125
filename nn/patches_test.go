package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

func TestPatchesGoIntoSequencesAndBack(t *testing.T) {
	const batch, height, width, channels = 2, 4, 6, 3
	eachBackend(t, "2×2", func(t *testing.T, backend compute.Backend) {
		x := uniform(newRand(t), batch, height, width, channels)
		spy := &spy{}
		y := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
			y := Patches{Size: 2, Layers: Sequential{spy}}.Apply(nil, x)
			return []*graph.Node{y, spy.seen}
		}, x)
		values := toFloat64(x)
		wantClose(t, "map after layers that change nothing", y[0], values)
		var sequences []float64
		for sequence := range batch * 2 * 2 {
			image, row, column := sequence/4, sequence/2%2, sequence%2
			for patch := range height / 2 * width / 2 {
				y, x := patch/(width/2)*2+row, patch%(width/2)*2+column
				at := ((image*height+y)*width + x) * channels
				sequences = append(sequences, values[at:at+channels]...)
			}
		}
		wantClose(t, "sequences", y[1], sequences)
	})
}

// spy is a layer that changes nothing.
type spy struct{ seen *graph.Node }

func (s *spy) Apply(_ *model.Scope, x *graph.Node) *graph.Node {
	s.seen = x
	return x
}

func TestMapsThatPatchesDoNotDivideAreResizedAndBack(t *testing.T) {
	for _, size := range [][2]int{{3, 4}, {4, 5}, {7, 3}, {1, 1}} {
		eachBackend(t, fmt.Sprint(size), func(t *testing.T, backend compute.Backend) {
			x := uniform(newRand(t), 2, size[0], size[1], 3)
			got := graph.MustExecOnceN(backend, func(x *graph.Node) []*graph.Node {
				y := Patches{Size: 2}.Apply(nil, x)
				return []*graph.Node{y, Resize(Resize(x, (size[0]+1)/2*2, (size[1]+1)/2*2), size[0], size[1])}
			}, x)
			wantClose(t, "map", got[0], toFloat64(got[1]))
		})
	}
}

func TestResizingInterpolatesAreasAndCarriesGradientsBack(t *testing.T) {
	for _, c := range [][4]int{{1, 1, 2, 2}, {7, 5, 8, 6}, {8, 6, 7, 5}, {3, 4, 3, 9}, {2, 3, 5, 3}} {
		eachBackend(t, fmt.Sprint(c), func(t *testing.T, backend compute.Backend) {
			rng := newRand(t)
			x, v := uniform(rng, 2, c[0], c[1], 3), uniform(rng, 2, c[2], c[3], 3)
			got := graph.MustExecOnceN(backend, func(x, v *graph.Node) []*graph.Node {
				y := Resize(x, c[2], c[3])
				return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, v)), x)[0]}
			}, x, v)
			from, gradient := toFloat64(x), toFloat64(v)
			y, byX := make([]float64, len(gradient)), make([]float64, len(from))
			for i := range y {
				image, row, column, channel := i/3/c[3]/c[2], i/3/c[3]%c[2], i/3%c[3], i%3
				for _, a := range neighbours(row, c[0], c[2]) {
					for _, b := range neighbours(column, c[1], c[3]) {
						at := ((image*c[0]+a.position)*c[1]+b.position)*3 + channel
						y[i] += a.weight * b.weight * from[at]
						byX[at] += a.weight * b.weight * gradient[i]
					}
				}
			}
			wantClose(t, "output", got[0], y)
			wantClose(t, "gradient", got[1], byX)
		})
	}
}

type neighbour struct {
	position int
	weight   float64
}

// neighbours returns what a pixel of to is interpolated from: the two pixels whose centres are nearest to its own, of
// which there is only one beyond the centres of the first and the last.
func neighbours(pixel, from, to int) []neighbour {
	centre := (float64(pixel)+0.5)/float64(to)*float64(from) - 0.5
	centre = min(max(centre, 0), float64(from-1))
	below := int(math.Floor(centre))
	share := centre - float64(below)
	return []neighbour{{below, 1 - share}, {min(below+1, from-1), share}}
}
