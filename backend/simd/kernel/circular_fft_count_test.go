package kernel

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// radixPowers returns the radices of butterflies that are not of blocks: powers of primes.
func radixPowers() (powers []int) {
	for _, factor := range radixPrimes {
		for power, exponent := factor.prime, 1; exponent <= factor.most; exponent++ {
			powers = append(powers, power)
			power *= factor.prime
		}
	}
	return powers
}

func TestButterfliesAreCountedAsTheAssemblyPerformsThem(t *testing.T) {
	arithmetic := regexp.MustCompile(`(?m)^\s+V(ADD|SUB|MUL|FN?M(ADD|SUB)[0-9]+)PS`)
	eachVector := regexp.MustCompile(`JNZ\s+vector\n`) // what comes after that in routines of lines is for both vectors of a row
	counts := map[string]int{}
	for _, file := range []string{"butterfly", "block", "line"} {
		source, err := os.ReadFile("asm/" + file + "_amd64.s")
		if err != nil {
			t.Fatal(err)
		}
		for _, routine := range strings.Split(string(source), "\nTEXT ·")[1:] {
			name, body, _ := strings.Cut(routine, "(")
			for i, part := range eachVector.Split(body, 2) {
				counts[name] += len(arithmetic.FindAllString(part, -1)) / (1 + i)
			}
		}
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
			for _, family := range []string{"Butterfly", "Block"} {
				if family == "Block" && kind == "Filter" {
					want = filterOperations(radix)
				}
				name := fmt.Sprintf("%s%s%dAVX2", family, kind, radix)
				if family == "Block" && kind == "Plain" || family == "Butterfly" && !slices.Contains(radixPowers(), radix) {
					continue
				}
				if counts[name] != want {
					t.Errorf("%s has %d operations, counted as %d", name, counts[name], want)
				}
			}
		}
	}
	for _, radix := range lineRadices {
		ways := func(kind string) int {
			return counts[fmt.Sprintf("Line%s%dAVX2", kind, radix)] + counts[fmt.Sprintf("LineBack%s%dAVX2", kind, radix)]
		}
		if got := ways(""); got != lineOperations[radix] {
			t.Errorf("lines of radix %d have %d operations, counted as %d", radix, got, lineOperations[radix])
		}
		if !hasRadices(radix) {
			continue // no stage comes after that has the same factor
		}
		if got, want := ways("Twiddled")-ways(""), turnedLineOperations(radix); got != want {
			t.Errorf("twiddles of lines of radix %d have %d operations, counted as %d", radix, got, want)
		}
	}
}

func TestEveryStageIsCounted(t *testing.T) {
	for n := range 600 {
		c := CircularFFT{Circular: Circular{Batch: 1, H: n + 1, W: 1, C: 1}}
		plan := c.plan()
		if plan.first.radix > 1 && lineOperations[plan.first.radix] == 0 {
			t.Fatalf("lines of %d begin with radix %d, whose operations are not counted", n+1, plan.first.radix)
		}
		for _, stage := range plan.stages {
			if stage.radix > 1 && butterflyOperations[stage.radix] == 0 {
				t.Fatalf("length %d has a stage of radix %d, whose operations are not counted", n+1, stage.radix)
			}
		}
	}
	// 224 = 32·7 in coprime factors, without twiddles: seven butterflies of radix 32 a line, there and back, then there and
	// back with radix 7, weighted, and a filter for two shared blocks of two lines and fifteen of each line.
	c := CircularFFT{Circular: Circular{Batch: 2, H: 224, W: 3, C: 5, Axis: Height, InStride: 5, OutStride: 5}}
	if got, want := c.MultiplyAdds(), 5*(6*7*312+(3*2+6*15)*(2*66+4*7-10)); got != want {
		t.Errorf("%d multiply-adds, want %d", got, want)
	}
}
