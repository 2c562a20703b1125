package bench

import (
	"encoding/json"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/fastparc/fastparc/parc"
)

// Report is the outcome of a tournament.
type Report struct {
	Processor string `json:"processor"`
	// Instructions is the level of the engine's kernels: avx512, avx2 or generic.
	Instructions string    `json:"instructions"`
	Go           string    `json:"go"`
	Date         time.Time `json:"date"`
	Rounds       int       `json:"rounds"`
	// Versions of the peers, or why they were left out, by library.
	Versions map[string]string `json:"versions"`
	Works    []Result          `json:"works"`
}

// Result is the outcome for one work.
type Result struct {
	Work
	Entries []Entry `json:"entries"`
	// LeftOut says which contenders could not take part, and why.
	LeftOut []string `json:"left_out,omitempty"`
}

// Entry is one contender's outcome.
type Entry struct {
	Library string `json:"library"`
	Method  string `json:"method"`
	Task    string `json:"task"`
	// Timing is that of one call in milliseconds.
	Timing
	// Difference is the largest difference from the results of the first contender with this task, as a part of the
	// largest value.
	Difference float64 `json:"difference"`
}

func newReport(options Options) *Report {
	name := strings.TrimSpace(cpuid.CPU.BrandName)
	if name == "" {
		name = runtime.GOARCH
	}
	return &Report{
		Processor: name, Instructions: kernel.CurrentLevel().String(), Go: runtime.Version(),
		Date: time.Now().UTC().Truncate(time.Second), Rounds: options.Rounds, Versions: map[string]string{},
	}
}

func (r *Result) add(p *player) {
	r.Entries = append(r.Entries, Entry{p.library, p.method, string(p.task), timingOf(p.times), p.difference})
}

// JSON writes the report.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// ours returns this project's entry with a method.
func (r *Result) ours(method string) (Entry, bool) { return r.find(Ours, method) }

func (r *Result) find(library, method string) (Entry, bool) {
	for _, e := range r.Entries {
		if e.Library == library && e.Method == method {
			return e, true
		}
	}
	return Entry{}, false
}

// best returns the fastest entry of a task for which the condition holds.
func (r *Result) best(t task, holds func(Entry) bool) (best Entry, found bool) {
	for _, e := range r.Entries {
		if e.Task == string(t) && holds(e) && (!found || e.Median < best.Median) {
			best, found = e, true
		}
	}
	return best, found
}

// bestPeer returns the fastest entry of other libraries.
func (r *Result) bestPeer(t task) (Entry, bool) {
	return r.best(t, func(e Entry) bool { return e.Library != Ours })
}

// copyTime returns the milliseconds that a copy of the input takes.
func (r *Result) copyTime() float64 {
	fastest, ok := r.best(limit, func(e Entry) bool { return e.Method != "peak" })
	if !ok {
		return math.NaN()
	}
	return fastest.Median
}

// peak returns the floating-point operations a millisecond that were measured.
func (r *Result) peak() float64 {
	entry, ok := r.find(machine, "peak")
	if !ok {
		return math.NaN()
	}
	return peakOperations / entry.Median
}

// choiceLoss returns how much longer the form that the engine chooses takes than the better of the two, as a part.
func (r *Result) choiceLoss() float64 {
	auto, _ := r.ours(parc.Auto.String())
	spatial, _ := r.ours(parc.Spatial.String())
	fft, _ := r.ours(parc.FFT.String())
	return auto.Median/math.Min(spatial.Median, fft.Median) - 1
}
