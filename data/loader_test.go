package data

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fastparc/fastparc/models"
)

// numbered is a source of 8×6 pictures of which some cannot be read.
type numbered struct {
	count   int
	corrupt map[int]bool
}

func (n numbered) Classes() []string     { return []string{"even", "odd"} }
func (n numbered) Len() int              { return n.count }
func (n numbered) Name(index int) string { return fmt.Sprintf("picture %d", index) }
func (n numbered) Label(index int) int   { return index % 2 }
func (n numbered) Image(index int) (*Image, error) {
	if n.corrupt[index] {
		return nil, errors.New("corrupt")
	}
	picture := &Image{Width: 8, Height: 6, Stride: 24, Pix: make([]uint8, 24*6)}
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i*7 + index)
	}
	return picture, nil
}

var small = models.Preprocessing{Size: 5, CropSize: [2]int{3, 4}, Interpolation: models.Bilinear, Std: [3]float32{1, 1, 1}}

// batches gives an epoch's batches from a step on.
func batches(t *testing.T, source Source, options LoaderOptions, epoch, step int) []*Batch {
	t.Helper()
	options.Preprocessing = small
	loader, err := NewLoader(source, options)
	if err != nil {
		t.Fatal(err)
	}
	var list []*Batch
	for batch, err := range loader.Batches(t.Context(), epoch, step) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, batch)
	}
	return list
}

var varied = map[string]Augmentation{
	"flip and padding":    {Flip: 0.5, Padding: 2},
	"random resized crop": {Flip: 0.5, Scale: [2]float64{0.08, 1}},
}

func TestBatchesDependOnSeedEpochAndStepAlone(t *testing.T) {
	for name, augmentation := range varied {
		t.Run(name, func(t *testing.T) {
			options := LoaderOptions{BatchSize: 7, Training: true, Augmentation: augmentation, Seed: 5, Workers: 1, CacheBytes: -1}
			source := numbered{count: 300, corrupt: map[int]bool{13: true, 200: true}}
			want := batches(t, source, options, 3, 0)
			if len(want) != 300/7 {
				t.Fatalf("%d batches, want %d", len(want), 300/7)
			}
			for _, batch := range want {
				if len(batch.Labels) != 7 || len(batch.Images) != 7*3*4*3 {
					t.Fatalf("step %d has %d labels and %d values", batch.Step, len(batch.Labels), len(batch.Images))
				}
			}
			options.Workers, options.CacheBytes = 5, 1000
			if got := batches(t, source, options, 3, 0); !reflect.DeepEqual(got, want) {
				t.Error("five workers and a cache change the batches")
			}
			if got := batches(t, source, options, 3, 30); !reflect.DeepEqual(got, want[30:]) {
				t.Error("beginning at step 30 changes the batches")
			}
			if got := batches(t, source, options, 4, 0); reflect.DeepEqual(got[0].Indices, want[0].Indices) {
				t.Error("epochs 3 and 4 begin alike")
			}
			options.Seed = 6
			if got := batches(t, source, options, 3, 0); reflect.DeepEqual(got[0].Indices, want[0].Indices) {
				t.Error("seeds 5 and 6 begin alike")
			}
		})
	}
}

func TestEvaluationKeepsOrderAndLastBatchWithoutCorruptPictures(t *testing.T) {
	source := numbered{count: 230, corrupt: map[int]bool{5: true, 229: true}}
	var indices []int
	for _, batch := range batches(t, source, LoaderOptions{BatchSize: 10, Augmentation: varied["random resized crop"]}, 0, 0) {
		for slot, index := range batch.Indices {
			picture, err := source.Image(index)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Preprocess(picture, small)
			if err != nil {
				t.Fatal(err)
			}
			if got := batch.Images[slot*len(want):][:len(want)]; !reflect.DeepEqual(got, want) || int(batch.Labels[slot]) != index%2 {
				t.Fatalf("picture %d is not as Preprocess makes it", index)
			}
		}
		indices = append(indices, batch.Indices...)
	}
	var want []int
	for i := range 230 {
		if !source.corrupt[i] {
			want = append(want, i)
		}
	}
	if !reflect.DeepEqual(indices, want) {
		t.Errorf("order %v", indices)
	}
}

func TestCorruptPicturesAreNamedAndMoreThanOneInAHundredIsAnError(t *testing.T) {
	for _, test := range []struct {
		count  int
		failed bool
	}{{200, false}, {199, true}} {
		source := numbered{count: test.count, corrupt: map[int]bool{20: true, 150: true}}
		loader, err := NewLoader(source, LoaderOptions{BatchSize: 10, Preprocessing: small, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		var failure error
		for _, failure = range loader.Batches(t.Context(), 0, 0) {
		}
		if skipped := loader.Skipped(); len(skipped) != 2 || skipped[0].Name != "picture 20" || skipped[0].Err == nil {
			t.Errorf("%d pictures: skipped %v", test.count, skipped)
		}
		if (failure != nil) != test.failed || test.failed && !strings.Contains(failure.Error(), "2 of 199") {
			t.Errorf("%d pictures: error %v", test.count, failure)
		}
	}
}

func TestLoaderLeavesNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	loader, err := NewLoader(numbered{count: 1000}, LoaderOptions{BatchSize: 10, Preprocessing: small, Training: true, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	for range loader.Batches(t.Context(), 0, 0) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := 0
	var failure error
	for _, failure = range loader.Batches(ctx, 0, 0) {
		if count++; count == 3 {
			cancel()
		}
	}
	if !errors.Is(failure, context.Canceled) {
		t.Errorf("error is %v, want %v", failure, context.Canceled)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestNewLoaderNamesWhatIsWrong(t *testing.T) {
	good := LoaderOptions{BatchSize: 4, Preprocessing: small, Training: true}
	for want, change := range map[string]func(*LoaderOptions){
		"batch size 0":                func(o *LoaderOptions) { o.BatchSize = 0 },
		"batch size 11":               func(o *LoaderOptions) { o.BatchSize = 11 },
		"crop size 0×4":               func(o *LoaderOptions) { o.Preprocessing.CropSize = [2]int{0, 4} },
		"size 3":                      func(o *LoaderOptions) { o.Preprocessing.Size = 3 },
		`interpolation "cubic"`:       func(o *LoaderOptions) { o.Preprocessing.Interpolation = "cubic" },
		"std [1 0 1]":                 func(o *LoaderOptions) { o.Preprocessing.Std[1] = 0 },
		"flip probability 2":          func(o *LoaderOptions) { o.Augmentation.Flip = 2 },
		"padding -1":                  func(o *LoaderOptions) { o.Augmentation.Padding = -1 },
		"scale [0.5 0.2]":             func(o *LoaderOptions) { o.Augmentation.Scale = [2]float64{0.5, 0.2} },
		"padding 1 with scale [0.5 1": func(o *LoaderOptions) { o.Augmentation = Augmentation{Padding: 1, Scale: [2]float64{0.5, 1}} },
		"-1 workers":                  func(o *LoaderOptions) { o.Workers = -1 },
	} {
		options := good
		change(&options)
		if _, err := NewLoader(numbered{count: 10}, options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one about %s", err, want)
		}
	}
}
