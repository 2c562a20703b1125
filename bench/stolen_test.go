package bench

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestStolenTimeIsAPartOfWhatWasWanted(t *testing.T) {
	before := parseProcessorTime("cpu  100 10 20 5000 7 3 2 40 0 0\ncpu0 50 5 10 2500 3 1 1 20 0 0\n")
	after := parseProcessorTime("cpu  250 10 40 9000 7 8 7 60 0 0\n")
	if got, want := after.stolenSince(before), 20.0/200; math.Abs(got-want) > 1e-12 {
		t.Errorf("%g of the time was stolen, want %g", got, want)
	}
	for _, text := range []string{"", "cpu  1 2 3\n", "intr 1 2 3 4 5 6 7 8 9\n"} {
		if got := parseProcessorTime(text).stolenSince(processorTime{}); got != 0 {
			t.Errorf("%q: %g of the time was stolen, want 0 where nothing is known", text, got)
		}
	}
}

func TestReportsSayHowMuchTimeWasStolen(t *testing.T) {
	for stolen, want := range map[float64]bool{0: false, 0.004: false, 0.118: true} {
		report := newReport(Options{Rounds: 3})
		report.Works, report.Stolen = []Result{resultOf(8, 1, 2, 1, 4)}, stolen
		var out bytes.Buffer
		if err := report.Text(&out); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "took 12 % of the processor time"); got != want {
			t.Errorf("%g stolen: it says so %v, want %v, in\n%s", stolen, got, want, out.String())
		}
	}
}
