package kernel

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestButterfliesAreCountedAsTheAssemblyPerformsThem(t *testing.T) {
	source, err := os.ReadFile("asm/butterfly_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	arithmetic := regexp.MustCompile(`(?m)^\s+V(ADD|SUB|MUL|FN?M(ADD|SUB)[0-9]+)PS`)
	counts := map[string]int{}
	for _, routine := range strings.Split(string(source), "\nTEXT ·")[1:] {
		name, body, _ := strings.Cut(routine, "(")
		counts[name] = len(arithmetic.FindAllString(body, -1))
	}
	for radix, operations := range butterflyOperations {
		if radix < 2 || operations == 0 {
			continue
		}
		for kind, want := range map[string]int{
			"Plain":   operations,
			"Forward": operations + twiddleOperations*(radix-1),
			"Inverse": operations + twiddleOperations*(radix-1),
			"Filter":  2*operations + twiddleOperations*radix,
		} {
			name := fmt.Sprintf("Butterfly%s%dAVX512", kind, radix)
			if counts[name] != want {
				t.Errorf("%s has %d operations, counted as %d", name, counts[name], want)
			}
		}
	}
	if got := counts["TurnAVX512"] + counts["TurnBackAVX512"]; got != turnOperations {
		t.Errorf("a line's row that is turned and back has %d operations, counted as %d", got, turnOperations)
	}
}

func TestEveryStageIsCounted(t *testing.T) {
	for n := range 600 {
		c := CircularFFT{Circular{Batch: 1, H: n + 1, W: 1, C: 1}}
		for _, stage := range fftPlanOf(c.transformed()).stages {
			if stage.radix > 1 && butterflyOperations[stage.radix] == 0 {
				t.Fatalf("length %d has a stage of radix %d, whose operations are not counted", n+1, stage.radix)
			}
		}
	}
	// 56 = 7·8 in coprime factors, without twiddles: eight butterflies of radix 7 and seven of radix 8, there and back.
	c := CircularFFT{Circular{Batch: 2, H: 56, W: 3, C: 5, Axis: Height, InStride: 5, OutStride: 5}}
	if got, want := c.MultiplyAdds(), 3*5*(2*(8*66+7*52)+4*56); got != want {
		t.Errorf("%d multiply-adds, want %d", got, want)
	}
}
