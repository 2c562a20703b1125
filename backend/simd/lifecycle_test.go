package simd

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestNoGoroutineOutlivesItsBackend(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		b, err := New("threads=8")
		if err != nil {
			t.Fatal(err)
		}
		execute(t, b, []tensor{counting(dtypes.Float32, 0, 300, 300)}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Exp(f.one(f.Neg(in[0]))))}
		})
		b.Finalize()
		b.Finalize()
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before the backends were opened", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestFinalizedBackendAnswersWithErrors(t *testing.T) {
	b, err := New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	x := counting(dtypes.Float32, 0, 300, 300)
	build := func(f *construction, in []compute.Value) []compute.Value { return []compute.Value{f.one(f.Exp(in[0]))} }
	executable := compile(t, b, shapesOfTensors([]tensor{x}), nil, build)
	buffers := upload(t, b, x)
	b.Finalize()
	if !b.IsFinalized() {
		t.Error("IsFinalized is false after Finalize")
	}
	if _, err := b.BufferFromFlatData(0, x.flat, x.shape()); err == nil || !strings.Contains(err.Error(), "finalized") {
		t.Errorf("BufferFromFlatData answers %v, want an error that says finalized", err)
	}
	if _, err := executable.Execute(buffers, nil, 0); err == nil || !strings.Contains(err.Error(), "finalized") {
		t.Errorf("Execute answers %v, want an error that says finalized", err)
	}
}

func TestExecuteSaysWhichInputIsWrong(t *testing.T) {
	b, other := open(t, ""), open(t, "")
	inputShapes := []shapes.Shape{float32Shape(2, 3), shapes.Make(dtypes.Int32, 4)}
	e := compile(t, b, inputShapes, []string{"images", "labels"}, func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{f.one(f.Neg(in[0])), f.one(f.Neg(in[1]))}
	})
	images, labels := counting(dtypes.Float32, 0, 2, 3), counting(dtypes.Int32, 0, 4)
	good := upload(t, b, images, labels)
	finalized := upload(t, b, images)[0]
	if err := finalized.Finalize(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		inputs     []compute.Buffer
		device     compute.DeviceNum
	}{
		{"too few", "called with 1 inputs, want 2", good[:1], 0},
		{"too many", "called with 3 inputs, want 2", append(slices.Clone(good), good[0]), 0},
		{"another shape", "input 0 (images) is (Float32)[3, 2], want (Float32)[2, 3]", append(upload(t, b, counting(dtypes.Float32, 0, 3, 2)), good[1]), 0},
		{"another type", "input 1 (labels) is (Int64)[4], want (Int32)[4]", []compute.Buffer{good[0], upload(t, b, counting(dtypes.Int64, 0, 4))[0]}, 0},
		{"another backend's", "input 0 (images) is not a buffer of this backend", []compute.Buffer{upload(t, other, images)[0], good[1]}, 0},
		{"the Go backend's", "input 0 (images) is not a buffer of this backend", []compute.Buffer{upload(t, openGo(t), images)[0], good[1]}, 0},
		{"none", "input 1 (labels) is not a buffer of this backend", []compute.Buffer{good[0], nil}, 0},
		{"finalized", "input 0 (images) is finalized", []compute.Buffer{finalized, good[1]}, 0},
		{"another device", "device 1 does not exist", good, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Execute(c.inputs, nil, c.device)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := e.Execute(good, nil, 0); err != nil {
		t.Errorf("after all these: %v", err)
	}
}

func TestDonatedBuffersAreGone(t *testing.T) {
	b := open(t, "")
	x := counting(dtypes.Float32, 0, 5)
	e := compile(t, b, shapesOfTensors([]tensor{x}), nil, func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{f.one(f.Neg(in[0])), in[0]}
	})
	buffers := upload(t, b, x)
	outputs, err := e.Execute(buffers, []bool{true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the input as an output", download(t, outputs)[1], x, 0)
	if _, err := e.Execute(buffers, nil, 0); err == nil || !strings.Contains(err.Error(), "donated") {
		t.Errorf("using it again answers %v, want an error that says donated", err)
	}
	if err := buffers[0].Finalize(); err != nil {
		t.Errorf("finalizing it: %v", err)
	}
}

// TestPanicsBecomeErrors puts a task that panics into a plan, on the calling goroutine or on a worker.
func TestPanicsBecomeErrors(t *testing.T) {
	for _, c := range []struct {
		name, config string
		onWorker     bool
	}{{"alone", "threads=1", false}, {"on the calling goroutine", "threads=4", false}, {"on a worker", "threads=4", true}} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, c.config)
			x := counting(dtypes.Float32, 0, 5)
			build := func(f *construction, in []compute.Value) []compute.Value { return []compute.Value{f.one(f.Neg(in[0]))} }
			broken := compile(t, b, shapesOfTensors([]tensor{x}), nil, build).(*executable)
			broken.plan.steps = append(broken.plan.steps, &task{units: 64, work: 64 * parallelWork, body: func(*run, []float32, int, int) {
				if isWorker() == c.onWorker {
					panic("broken kernel")
				}
				time.Sleep(time.Millisecond) // leaves units to the others
			}})
			buffers := upload(t, b, x)
			var err error
			for tries := 0; err == nil && tries < 100; tries++ { // workers that have not started yet take no part
				_, err = broken.Execute(buffers, nil, 0)
			}
			if err == nil || !strings.Contains(err.Error(), "broken kernel") {
				t.Fatalf("error %v, want one with the panic's message", err)
			}
			near(t, "another computation afterwards", execute(t, b, []tensor{x}, build)[0], tensor{[]float32{0, -1, -2, -3, -4}, []int{5}}, 0)
		})
	}
}

// isWorker says whether the calling goroutine is one of the workers.
func isWorker() bool {
	stack := make([]byte, 1<<14)
	return !strings.Contains(string(stack[:runtime.Stack(stack, false)]), "Execute")
}
