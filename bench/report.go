package bench

import (
	"encoding/json"
	"io"
	"math"
	"runtime"
	"slices"
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
	// Stolen is the part of the processor time wanted meanwhile that a virtual machine's host gave to others, 0 where that
	// is not known.
	Stolen float64 `json:"stolen"`
	// Versions of the peers, or why they were left out, by library.
	Versions map[string]string `json:"versions"`
	Works    []Result          `json:"works"`
}

// Result is the outcome for one work.
type Result struct {
	Work
	Entries []Entry `json:"entries"`
	// Chosen is the form that the engine chose, or both where some results are computed in one and some in the other; empty
	// where it is not known.
	Chosen string `json:"chosen,omitempty"`
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

	times []float64 // of the rounds
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

// add adds a player's times to those of its entry.
func (r *Result) add(p *player) {
	at := slices.IndexFunc(r.Entries, func(e Entry) bool {
		return e.Library == p.library && e.Method == p.method && e.Task == string(p.task)
	})
	if at < 0 {
		at = len(r.Entries)
		r.Entries = append(r.Entries, Entry{Library: p.library, Method: p.method, Task: string(p.task)})
	}
	e := &r.Entries[at]
	e.times = append(e.times, p.times...)
	e.Timing, e.Difference = timingOf(e.times), max(e.Difference, p.difference)
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

// faster returns the form that is the faster one on this work.
func (r *Result) faster() parc.Form {
	spatial, _ := r.ours(parc.Spatial.String())
	fft, _ := r.ours(parc.FFT.String())
	if fft.Median < spatial.Median {
		return parc.FFT
	}
	return parc.Spatial
}

// arithmetic returns the milliseconds that the floating-point operations of the faster form take at the peak. Directly
// they are a multiplication and an addition for each of N taps; through the frequencies as many as the usual count of
// 5·M·log2 M for a complex transform of length M gives for two of them and a product for every two lines. Training does three times as much: the gradients by input and kernel each cost as much as
// the output.
func (r *Result) arithmetic() float64 {
	each := 2 * float64(r.Length())
	if r.faster() == parc.FFT {
		c := kernel.Circular{Batch: r.Batch, H: r.Height, W: r.Width, C: r.Channels, InStride: r.Channels, OutStride: r.Channels}
		if r.Axis == parc.Width {
			c.Axis = kernel.Width
		}
		f := kernel.CircularFFT{Circular: c}
		m := float64(f.TransformLength())
		each = (5*math.Log2(m) + 4) * m / float64(r.Length())
	}
	if r.Training {
		each *= 3
	}
	return each * float64(r.Elements()) / r.peak()
}

// limit returns the milliseconds that no program can beat: the larger of a copy and the arithmetic.
func (r *Result) limit() float64 { return math.Max(r.copyTime(), r.arithmetic()) }

// choiceLoss returns how much longer the form that the engine chooses takes than the better of the two, as a part.
func (r *Result) choiceLoss() float64 {
	auto, _ := r.ours(parc.Auto.String())
	spatial, _ := r.ours(parc.Spatial.String())
	fft, _ := r.ours(parc.FFT.String())
	return auto.Median/math.Min(spatial.Median, fft.Median) - 1
}
