package complexity

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

func TestCostsAreTheSumsThatTheOperatorsAre(t *testing.T) {
	m := Map{Height: 3, Width: 5, Channels: 4}
	for o, want := range map[Operator]Costs{
		SelfAttention: {4*15*16 + 2*15*15*4, 4*16 + 4*4},
		Depthwise7:    {15 * 4 * 49, 4*49 + 4},
		Global2D:      {15 * 15 * 4, 15*4 + 15*4 + 4},
		ParC:          {15*2*3 + 15*2*5, 2*(3*2+5*2) + 4},
	} {
		if got := o.Costs(m); got != want {
			t.Errorf("%s costs %+v, want %+v", o, got, want)
		}
	}
}

func TestFastParCIsCountedByTheKernelsPlans(t *testing.T) {
	m := Map{Height: 56, Width: 28, Channels: 48}
	want := kernel.CircularFFT{Circular: kernel.Circular{Batch: 1, H: 56, W: 28, C: 24, Axis: kernel.Height}}.MultiplyAdds() +
		kernel.CircularFFT{Circular: kernel.Circular{Batch: 1, H: 56, W: 28, C: 24, Axis: kernel.Width}}.MultiplyAdds()
	if got := FastParC.Costs(m).MultiplyAdds; got != int64(want) || got == 0 {
		t.Errorf("%d multiply-adds, want %d", got, want)
	}
	dense := Map{Height: 14, Width: 14, Channels: 256, Dense: true}
	each := kernel.CircularDenseDFT{CircularDense: kernel.CircularDense{Batch: 1, H: 14, W: 14, CIn: 128, COut: 128}}
	if got := FastParC.Costs(dense).MultiplyAdds; got != 2*int64(each.MultiplyAdds()) {
		t.Errorf("%d multiply-adds with dense kernels, want %d", got, 2*each.MultiplyAdds())
	}
	if got, want := ParC.Costs(dense), (Costs{2 * 14 * 14 * 14 * 128 * 128, 2*14*128*128 + 2*14*128 + 256}); got != want {
		t.Errorf("ParC with dense kernels costs %+v, want %+v", got, want)
	}
	if FastParC.Costs(m).Parameters != ParC.Costs(m).Parameters {
		t.Error("the forms differ in parameters")
	}
}

func TestFastParCGrowsLikeNLogN(t *testing.T) {
	last := 0.0
	for n := 56; n <= 3584; n *= 2 {
		each := float64(FastParC.Costs(Map{Height: n, Width: n, Channels: 2}).MultiplyAdds) / float64(n*n*2)
		if last > 0 && each-last > 6 {
			t.Errorf("from N = %d to %d an element takes %.1f multiply-adds more", n/2, n, each-last)
		}
		last = each
	}
}

func squares(from, to int) (maps []Map) {
	for n := from; n <= to; n++ {
		maps = append(maps, Map{Height: n, Width: n, Channels: 96})
	}
	return maps
}

func TestCrossoverIsWhereTheLastDearerMapEnds(t *testing.T) {
	at, found := Crossover(Depthwise7, ParC, squares(7, 100))
	if !found || at.Height != 50 { // 49 products an output are as many as those of a length of 49
		t.Errorf("found is %v, at %v", found, at)
	}
	if at, found := Crossover(ParC, SelfAttention, squares(7, 100)); found {
		t.Errorf("ParC is cheaper from the beginning, but crosses at %v", at)
	}
}

func TestPlotsAreDrawnInBothFormats(t *testing.T) {
	var svg, pixels bytes.Buffer
	if err := Plot(&svg, squares(7, 120), "svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"self-attention", "Fast-ParC below ParC from N = 14, for every N from", "7×7 depth-wise below ParC from N = 50", "multiply-adds"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the plot does not say %q", want)
		}
	}
	if err := Plot(&pixels, squares(7, 120), "png"); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&pixels); err != nil {
		t.Error(err)
	}
	if err := Plot(&pixels, squares(7, 9), "bmp"); err == nil {
		t.Error("no error for a format that is not known")
	}
}
