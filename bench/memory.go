package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/parc"
)

// Memory is what one work takes at most, in bytes.
type Memory struct {
	Work `json:"work"`
	// Tensors is the size of inputs, outputs and weights, which nobody can do without.
	Tensors int64 `json:"tensors"`
	// Peak is the resident memory of the process at its highest, over that of the idle process.
	Peak int64 `json:"peak"`
}

// MeasureMemory runs the operator some times, in the form that the engine chooses, and watches the memory of the
// process. It needs Linux.
func MeasureMemory(w Work) (m Memory, err error) {
	backend, err := openEngine(w.Threads)
	if err != nil {
		return m, err
	}
	defer backend.Finalize()
	idle, err := resetPeakMemory()
	if err != nil {
		return m, err
	}
	operator := func(scope *model.Scope, x *graph.Node) *graph.Node {
		return parc.New(scope, x).Axis(w.Axis).KernelSize(w.Length()).Names("kernel", "embedding", "bias").Done()
	}
	e, err := w.compile(backend, w.operands(), operator)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	m.Work = w
	names, inputs := e.executable.Inputs()
	for i, shape := range inputs {
		size := int64(4 * shape.Size())
		m.Tensors += size
		if w.Training && names[i] != "x" && names[i] != "v" {
			m.Tensors += size // weights before a step and after it
		}
	}
	for _, shape := range e.executable.Outputs() {
		m.Tensors += int64(4 * shape.Size())
	}
	if _, err := resetPeakMemory(); err != nil { // the operands were copied to the device
		return m, err
	}
	for range 3 {
		outputs, err := e.call()
		if err != nil {
			return m, err
		}
		if err := finalize(outputs); err != nil {
			return m, err
		}
	}
	peak, err := processMemory("VmHWM")
	m.Peak = peak - idle
	return m, err
}

// Text writes the figures in MB.
func (m Memory) Text(w io.Writer) error {
	const mega = 1e6
	_, err := fmt.Fprintf(w, "%s: %.1f MB at the peak, of which inputs, outputs and weights are %.1f MB and the rest %.1f MB\n",
		m.Work, float64(m.Peak)/mega, float64(m.Tensors)/mega, float64(m.Peak-m.Tensors)/mega)
	return err
}

// resetPeakMemory makes the process's peak what it uses now, and returns that. Pools keep what was given back to them for one
// more collection.
func resetPeakMemory() (int64, error) {
	for range 2 {
		debug.FreeOSMemory()
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0, fmt.Errorf("memory can be measured on Linux only: %w", err)
	}
	return processMemory("VmRSS")
}

// processMemory returns a line of the process's status in bytes.
func processMemory(name string) (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("memory can be measured on Linux only: %w", err)
	}
	match := regexp.MustCompile(`(?m)^` + name + `:\s*(\d+) kB$`).FindSubmatch(status)
	if match == nil {
		return 0, fmt.Errorf("/proc/self/status has no %s", name)
	}
	kilobytes, err := strconv.ParseInt(string(match[1]), 10, 64)
	return kilobytes << 10, err
}
