package bench

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

func BenchmarkModel(b *testing.B) {
	for _, name := range []string{"convnext_xt_parc", "convnext_xt"} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) {
				benchmark(b, newModelWork(b, name, batch))
			})
		}
	}
}

// hour is as many milliseconds: the number of calls is what ends a burst here.
const hour = 3.6e6

// turns is a contender in a benchmark. It takes part in one of so many rounds, with so many calls one after the other.
type turns struct {
	contender
	name         string
	calls, every int
	times        []float64 // milliseconds
}

// benchmark lets the contenders take turns and reports the median of each, and how many times simd's that is.
func benchmark(b *testing.B, work modelWork) {
	simd := &turns{contender: work.engine(b, "simd"), name: "simd", calls: 3, every: 1}
	slow := &turns{contender: work.engine(b, "go"), name: "go", calls: 1, every: 10}
	contenders := []*turns{simd, slow}
	if p := work.peer(b, "onnxruntime", runtime.GOMAXPROCS(0)); p != nil {
		b.Logf("%s is version %s, %d threads", p.library, p.version, runtime.GOMAXPROCS(0))
		contenders = []*turns{simd, {contender: p, name: p.library, calls: 3, every: 1}, slow}
	}
	want := call(b, simd.compute)
	for _, other := range contenders[1:] {
		difference := call(b, other.compute).difference(want)
		b.Logf("%s: logits differ from simd's by at most %.1e of the largest", other.name, difference)
		if !(difference <= tolerance) {
			b.Fatalf("%s computes something else", other.name)
		}
	}
	round := 0
	for b.Loop() {
		for _, c := range contenders {
			if round%c.every == 0 {
				c.times = append(c.times, call(b, func() ([]float64, error) { return c.burst(burst{Span: hour, Calls: c.calls}) })...)
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
			work := newModelWork(t, name, 2)
			peer := work.peer(t, "onnxruntime", 1)
			if peer == nil {
				t.Skip("skipped: needs the peer")
			}
			if difference := golden.Difference(t, call(t, peer.compute)["logits"], want); !(difference <= tolerance) {
				t.Errorf("logits differ by up to %g of the largest, want at most %g", difference, tolerance)
			}
		})
	}
}

// modelWork is what all contenders are given: a model with the reference rule's weights and a batch of its images.
type modelWork struct {
	model                 *models.Model
	batch                 int
	images                *tensors.Tensor
	weightFile, inputFile string
}

// newModelWork makes the work and writes it as the files that peers read.
func newModelWork(t testing.TB, name string, batch int) modelWork {
	t.Helper()
	m, err := models.New(name, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := m.Options().ImageSize[0]
	pixels := golden.Images(fmt.Sprintf("input:%d", size), batch, size)
	dir := t.TempDir()
	w := modelWork{
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

// modelEngine is a GoMLX backend as a contender.
type modelEngine struct {
	exec   *model.Exec
	images *tensors.Tensor
}

// engine opens a backend on the work, as it comes: the Go backend is a little faster with operations side by side than
// as tests open it, and a peer is to be at its best.
func (w modelWork) engine(t testing.TB, name string) *modelEngine {
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
	return &modelEngine{exec: exec, images: images}
}

// compute implements contender.
func (e *modelEngine) compute() (results, error) {
	output, err := e.exec.Call1(e.images)
	if err != nil {
		return nil, err
	}
	defer output.FinalizeAll()
	logits, err := tensors.CopyFlatData[float32](output)
	return results{"logits": logits}, err
}

// burst implements contender.
func (e *modelEngine) burst(b burst) ([]float64, error) {
	return b.do(func() error {
		output, err := e.exec.Call1(e.images)
		if err != nil {
			return err
		}
		return output.FinalizeAll()
	})
}

// peer opens the model in another library. Where Python or its packages are missing it returns nil and says so.
func (w modelWork) peer(t testing.TB, library string, threads int) *peer {
	t.Helper()
	p, err := openProcess(t.Context(), library, threads)
	if errors.Is(err, errNotInstalled) {
		t.Logf("%v: left out (bench/README.md says how to install it)", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	prepared, err := p.call(map[string]any{"call": "prepare_model", "weights": w.weightFile, "tensors": w.inputFile})
	if err != nil {
		t.Fatal(err)
	}
	return &peer{p, prepared.Methods[0].Name}
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
