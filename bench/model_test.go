// Package bench times whole models against other runtimes. See README.md.
package bench

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// contender is a runtime with a model and images.
type contender interface {
	// logits returns what the model makes of the images, flat.
	logits() ([]float32, error)
	// milliseconds returns the time of each of a number of runs, one after the other.
	milliseconds(runs int) ([]float64, error)
}

// tolerance is how far logits may be from each other, in units of the largest: the same that tests allow between a
// model and the reference.
const tolerance = 1e-4

func BenchmarkModel(b *testing.B) {
	for _, name := range []string{"convnext_xt_parc", "convnext_xt"} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) {
				benchmark(b, newWork(b, name, batch))
			})
		}
	}
}

// turns is a contender in a benchmark. It takes part in one of so many rounds, with so many runs one after the other.
type turns struct {
	contender
	name        string
	runs, every int
	times       []float64 // milliseconds
}

// benchmark lets the contenders take turns and reports the median of each, and how many times simd's that is.
func benchmark(b *testing.B, work work) {
	simd := &turns{contender: work.engine(b, "simd"), name: "simd", runs: 3, every: 1}
	slow := &turns{contender: work.engine(b, "go"), name: "go", runs: 1, every: 10}
	contenders := []*turns{simd, slow}
	if peer := openPeer(b, "onnxruntime", work.weightFile, work.inputFile, runtime.GOMAXPROCS(0)); peer != nil {
		b.Logf("%s is version %s, %d threads", peer.name, peer.version, runtime.GOMAXPROCS(0))
		contenders = []*turns{simd, {contender: peer, name: peer.name, runs: 3, every: 1}, slow}
	}
	want := call(b, simd.logits)
	for _, other := range contenders[1:] {
		difference := golden.Difference(b, call(b, other.logits), want)
		b.Logf("%s: logits differ from simd's by at most %.1e of the largest", other.name, difference)
		if !(difference <= tolerance) {
			b.Fatalf("%s computes something else", other.name)
		}
	}
	round := 0
	for b.Loop() {
		for _, c := range contenders {
			if round%c.every == 0 {
				c.times = append(c.times, call(b, func() ([]float64, error) { return c.milliseconds(c.runs) })...)
			}
		}
		round++
	}
	b.ReportMetric(0, "ns/op") // leaves it out: it is the time of a round
	for _, c := range contenders {
		b.ReportMetric(median(c.times)/float64(work.batch), c.name+"-ms/image")
		if c != simd {
			b.ReportMetric(median(c.times)/median(simd.times), c.name+"/simd")
		}
	}
}

// TestPeerEqualsTheReference holds that the peer computes the model that it is compared on.
func TestPeerEqualsTheReference(t *testing.T) {
	for _, name := range []string{"convnext_xt_parc", "convnext_xt"} {
		t.Run(name, func(t *testing.T) {
			want := golden.Values(t, name)["logits"]
			work := newWork(t, name, 2)
			peer := openPeer(t, "onnxruntime", work.weightFile, work.inputFile, 1)
			if peer == nil {
				t.Skip("skipped: needs the peer")
			}
			if difference := golden.Difference(t, call(t, peer.logits), want); !(difference <= tolerance) {
				t.Errorf("logits differ by up to %g of the largest, want at most %g", difference, tolerance)
			}
		})
	}
}

// work is what all contenders are given: a model with the reference rule's weights and a batch of its images.
type work struct {
	model                 *models.Model
	batch                 int
	images                *tensors.Tensor
	weightFile, inputFile string
}

// newWork makes the work and writes it as the files that peers read.
func newWork(t testing.TB, name string, batch int) work {
	t.Helper()
	m, err := models.New(name, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := m.Options().ImageSize[0]
	pixels := golden.Images(fmt.Sprintf("input:%d", size), batch, size)
	dir := t.TempDir()
	w := work{
		model:      m,
		batch:      batch,
		images:     tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3),
		weightFile: filepath.Join(dir, "weights.safetensors"),
		inputFile:  filepath.Join(dir, "input.safetensors"),
	}
	if err := weights.Save(w.weightFile, golden.Weights(m), nil); err != nil {
		t.Fatal(err)
	}
	planes := weights.FromFloats("input", []int{batch, 3, size, size}, channelsFirst(pixels, size*size))
	if err := weights.Save(w.inputFile, []weights.Tensor{planes}, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// channelsFirst turns images of interleaved channels into images of three planes.
func channelsFirst(pixels []float32, positions int) []float32 {
	planes := make([]float32, len(pixels))
	for i, value := range pixels {
		image, position, channel := i/(3*positions), i/3%positions, i%3
		planes[(image*3+channel)*positions+position] = value
	}
	return planes
}

// engine is a GoMLX backend as a contender.
type engine struct {
	exec   *model.Exec
	images *tensors.Tensor
}

// engine opens a backend on the work, as it comes: the Go backend is a little faster with operations side by side than
// as tests open it, and a peer is to be at its best.
func (w work) engine(t testing.TB, name string) *engine {
	t.Helper()
	backend, err := compute.NewWithConfig(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	store := model.NewStore()
	file, err := weights.Open(w.weightFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := weights.Load(w.model, store, file); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(backend, store, w.model.Logits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	images, err := w.images.Clone()
	if err != nil {
		t.Fatal(err)
	}
	return &engine{exec: exec, images: images}
}

// logits implements contender.
func (e *engine) logits() ([]float32, error) {
	output, err := e.exec.Call1(e.images)
	if err != nil {
		return nil, err
	}
	defer output.FinalizeAll()
	return tensors.CopyFlatData[float32](output)
}

// milliseconds implements contender.
func (e *engine) milliseconds(runs int) ([]float64, error) {
	var times []float64
	for range runs {
		start := time.Now()
		output, err := e.exec.Call1(e.images)
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(start).Seconds()*1e3)
		output.FinalizeAll()
	}
	return times, nil
}

// call returns what a contender gives, and ends the test on its error.
func call[T any](t testing.TB, f func() (T, error)) T {
	t.Helper()
	result, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// median returns the middle of the values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
