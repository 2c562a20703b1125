package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestPoolAndItsGradientAgreeWithTheirLoops(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 1))
		for range 40 {
			p, err := NewPool(Pool{
				Batch: 1 + r.IntN(3), Height: 3 + r.IntN(8), Width: 3 + r.IntN(8), Channels: 1 + r.IntN(70),
				Window: [2]int{1 + r.IntN(3), 1 + r.IntN(3)}, Stride: [2]int{1 + r.IntN(3), 1 + r.IntN(3)},
				PadBefore: [2]int{r.IntN(3), r.IntN(3)}, PadAfter: [2]int{r.IntN(3), r.IntN(3)},
			})
			if err != nil {
				t.Fatal(err)
			}
			checkPool(t, r, p)
		}
	})
}

func checkPool(t *testing.T, r *rand.Rand, p *Pool) {
	name := fmt.Sprintf("%+v", *p)
	height, width := p.Out()
	x := make([]float32, p.Batch*p.Height*p.Width*p.Channels)
	for i := range x {
		x[i] = float32(r.IntN(4)) // many ties
	}
	size := p.Batch * height * width * p.Channels
	dy := gaussians(r, size)
	largest, largestIntact := fencedFloats(size)
	sum, sumIntact := fencedFloats(size)
	dx, dxIntact := fencedFloats(len(x))
	for unit := p.Units() - 1; unit >= 0; unit-- {
		p.Run(ReduceMax, largest, x, unit, unit+1)
		p.Run(ReduceSum, sum, x, unit, unit+1)
	}
	scratch := make([]float32, p.GradientScratchSize())
	for unit := range p.GradientUnits() {
		p.RunMaxGradient(dx, dy, x, scratch, unit, unit+1)
	}
	if !largestIntact() || !sumIntact() || !dxIntact() {
		t.Errorf("%s: written past the end", name)
	}
	wantDx := make([]float32, len(x))
	for i := range size {
		c, column, row, image := i%p.Channels, i/p.Channels%width, i/p.Channels/width%height, i/p.Channels/width/height
		best, at, total := ReduceMax.identity(), -1, float32(0)
		for h := range p.Window[0] {
			for w := range p.Window[1] {
				y, x0 := row*p.Stride[0]-p.PadBefore[0]+h, column*p.Stride[1]-p.PadBefore[1]+w
				if y < 0 || y >= p.Height || x0 < 0 || x0 >= p.Width {
					continue
				}
				place := ((image*p.Height+y)*p.Width+x0)*p.Channels + c
				total += x[place]
				if x[place] > best {
					best, at = x[place], place
				}
			}
		}
		if largest[i] != best || sum[i] != total {
			t.Fatalf("%s: max and sum at %d are %g and %g, want %g and %g", name, i, largest[i], sum[i], best, total)
		}
		if at >= 0 {
			wantDx[at] += dy[i]
		}
	}
	for i, want := range wantDx {
		if dx[i] != want {
			t.Fatalf("%s: gradient at %d is %g, want %g", name, i, dx[i], want)
		}
	}
}
