package simd

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// measuredAxis is the variable that tells a process that is measured, from the one that starts it, which axis to take.
const measuredAxis = "FASTPARC_MEASURED_AXIS"

// TestCircularConvolutionTakesNoMemoryButItsTensors measures in processes of their own, whose memory nothing else uses.
func TestCircularConvolutionTakesNoMemoryButItsTensors(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector takes memory of its own")
	}
	switch os.Getenv(measuredAxis) {
	case "H":
		measureCircular(t, 1)
	case "W":
		measureCircular(t, 2)
	default:
		for _, axis := range []string{"H", "W"} {
			child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
			child.Env = append(os.Environ(), measuredAxis+"="+axis)
			output, err := child.CombinedOutput()
			t.Logf("along %s: %s", axis, output)
			if err != nil {
				t.Errorf("along %s: %v", axis, err)
			}
		}
	}
}

// measureCircular compares the most that this process ever holds in calls, over what it held before there was a tensor,
// with the size of the tensors.
func measureCircular(t *testing.T, axis int) {
	const batch, n, channels, spare = 8, 448, 6, 16 << 20
	b, r, dims := open(t, "threads=2"), seeded(t), []int{batch, n, n, channels}
	debug.FreeOSMemory()
	idle := memoryOf(t, "VmRSS")
	kernelDims := []int{1, 1, 1, channels}
	kernelDims[axis-1] = n
	all := []tensor{normal(r, dims...), normal(r, kernelDims...), normal(r, n, channels), normal(r, channels)}
	executable := compile(t, b, shapesOfTensors(all), []string{"x", "/kernel", "/embedding", "/bias"},
		func(f *construction, in []compute.Value) []compute.Value {
			z := f.one(f.Add(in[0], f.spread(in[2], []int{axis, 3}, dims...)))
			y := (&convolutionCase{convolution: depthwiseConvolution(channels), prepare: wrapping(dims, axis, n-1)}).build(f, []compute.Value{z, in[1]})[0]
			return []compute.Value{f.one(f.Add(y, f.spread(in[3], []int{3}, dims...)))}
		})
	inputs, size := upload(t, b, all...), 4*len(all[0].floats()) // of the output
	for _, x := range all {
		size += 4 * len(x.floats())
	}
	all = nil
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // forgets the most so far
		t.Skipf("the system does not let this process measure itself: %v", err)
	}
	for range 3 {
		outputs, err := executable.Execute(inputs, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := outputs[0].Finalize(); err != nil {
			t.Fatal(err)
		}
	}
	most := memoryOf(t, "VmHWM") - idle
	t.Logf("%.1f MB over the idle process, %.1f MB of it tensors", float64(most)/1e6, float64(size)/1e6)
	if most < size || most > size+spare {
		t.Errorf("calls hold %d bytes over the idle process, want %d of tensors and at most %d more", most, size, spare)
	}
}

// memoryOf returns a quantity of /proc/self/status in bytes.
func memoryOf(t *testing.T, quantity string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("the system does not tell this process its memory: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), quantity+":")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatalf("%s in /proc/self/status: %v", quantity, err)
	}
	return kilobytes << 10
}
