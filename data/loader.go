package data

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/fastparc/fastparc/models"
)

// LoaderOptions say how a Loader makes batches.
type LoaderOptions struct {
	// BatchSize is the number of samples in a batch.
	BatchSize int
	// Preprocessing says how pictures become a network's input.
	Preprocessing models.Preprocessing
	// Training shuffles each epoch, augments, and leaves out what does not fill a last batch. Otherwise samples come in
	// the source's order, as they are, and the last batch may be smaller.
	Training bool
	// Augmentation varies the pictures; only with Training.
	Augmentation Augmentation
	// Seed decides the order and the augmentation, together with the epoch.
	Seed uint64
	// Workers is the number of goroutines that decode; 0 means one for each core. It does not change the batches.
	Workers int
	// CacheBytes is the memory for decoded pictures that are kept from one epoch to the next; 0 means 512 MiB, a negative
	// number none.
	CacheBytes int64
}

// Batch is some samples, ready for a network. It belongs to who receives it.
type Batch struct {
	Epoch, Step int
	Images      []float32 // [B, H, W, 3] of the crop's height and width, normalised
	Labels      []int32   // [B]
	Indices     []int     // [B], the samples' places in the source
}

// Skipped is a sample that could not be read.
type Skipped struct {
	Name string
	Err  error
}

// Loader makes batches from a source, decoding and augmenting a few batches ahead of who consumes them.
//
// A picture that cannot be read is skipped: in training the next one in the epoch's order that can be read takes its
// place, otherwise its batch is smaller. More than one in a hundred of them is an error.
type Loader struct {
	source   Source
	options  LoaderOptions
	pipeline *pipeline

	mu      sync.Mutex
	skipped map[int]error
}

// batchesAhead is how many batches may lie ready or in the making, beside the one in use.
const batchesAhead = 3

// NewLoader prepares to make batches. Errors name the option that is out of its range, or a batch size above the number
// of samples where training would leave all of them out.
func NewLoader(source Source, options LoaderOptions) (*Loader, error) {
	pipeline, err := newPipeline(options.Preprocessing)
	if err != nil {
		return nil, err
	}
	if err := options.Augmentation.check(); err != nil {
		return nil, err
	}
	if !options.Training {
		options.Augmentation = Augmentation{}
	}
	if options.BatchSize < 1 {
		return nil, fmt.Errorf("data: batch size %d: want at least 1", options.BatchSize)
	}
	if source.Len() == 0 || options.Training && source.Len() < options.BatchSize {
		return nil, fmt.Errorf("data: batch size %d: the source has only %d images", options.BatchSize, source.Len())
	}
	if options.Workers < 0 {
		return nil, fmt.Errorf("data: %d workers: want 0 (one a core) or more", options.Workers)
	}
	options.Workers = cmp.Or(options.Workers, runtime.GOMAXPROCS(0))
	options.CacheBytes = cmp.Or(options.CacheBytes, 512<<20)
	if options.CacheBytes > 0 {
		source = newCache(source, options.CacheBytes)
	}
	return &Loader{source: source, options: options, pipeline: pipeline, skipped: map[int]error{}}, nil
}

// Steps is the number of batches in an epoch.
func (l *Loader) Steps() int {
	if l.options.Training {
		return l.source.Len() / l.options.BatchSize
	}
	return (l.source.Len() + l.options.BatchSize - 1) / l.options.BatchSize
}

// Skipped lists what could not be read so far, in the source's order.
func (l *Loader) Skipped() []Skipped {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Skipped
	for _, index := range slices.Sorted(maps.Keys(l.skipped)) {
		list = append(list, Skipped{l.source.Name(index), l.skipped[index]})
	}
	return list
}

// Batches gives an epoch's batches from a step on, the same ones whichever step it begins at; one of which no picture can
// be read is left out. It ends after the first error, the context's included. All of its goroutines have ended when the
// loop over it ends.
func (l *Loader) Batches(ctx context.Context, epoch, step int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if epoch < 0 || step < 0 || step > l.Steps() {
			yield(nil, fmt.Errorf("data: epoch %d, step %d: want 0 or more, and at most %d steps", epoch, step, l.Steps()))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var goroutines sync.WaitGroup
		defer goroutines.Wait()
		defer cancel()
		ready := l.start(ctx, &goroutines, epoch, step)
		for range l.Steps() - step {
			batch, err := next(ctx, ready)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch.Labels) > 0 && !yield(batch, nil) {
				return
			}
		}
	}
}

// start sets the workers to an epoch's batches, which come in order.
func (l *Loader) start(ctx context.Context, goroutines *sync.WaitGroup, epoch, step int) <-chan *work {
	ready := make(chan *work, batchesAhead-1)
	slots := make(chan slot)
	goroutines.Go(func() {
		order := l.order(epoch)
		for step := step; step < l.Steps(); step++ {
			w := l.newWork(order, epoch, step)
			select {
			case ready <- w:
			case <-ctx.Done():
				return
			}
			for i := range w.batch.Labels {
				select {
				case slots <- slot{w, i}:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range l.options.Workers {
		goroutines.Go(func() {
			for {
				select {
				case s := <-slots:
					s.work.fill(l, s.index)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return ready
}

// next waits for a batch to be complete.
func next(ctx context.Context, ready <-chan *work) (*Batch, error) {
	select {
	case w := <-ready:
		select {
		case <-w.done:
			return w.result()
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("data: loading: %w", context.Cause(ctx))
}

// order is the order in which an epoch visits the samples.
func (l *Loader) order(epoch int) []int {
	order := make([]int, l.source.Len())
	for i := range order {
		order[i] = i
	}
	if l.options.Training {
		stream(l.options.Seed, uint64(epoch)).Shuffle(len(order), func(i, j int) {
			order[i], order[j] = order[j], order[i]
		})
	}
	return order
}

// read gives a sample's picture; ok is false if it cannot be read. An error means that too many cannot.
func (l *Loader) read(index int) (picture *Image, ok bool, err error) {
	l.mu.Lock()
	_, known := l.skipped[index]
	l.mu.Unlock()
	if known {
		return nil, false, nil
	}
	picture, cause := l.source.Image(index)
	if cause == nil {
		return picture, true, nil
	}
	l.mu.Lock()
	l.skipped[index] = cause
	count := len(l.skipped)
	l.mu.Unlock()
	if 100*count > l.source.Len() {
		return nil, false, fmt.Errorf("data: %d of %d images cannot be read, more than 1 in 100; the last: %w", count, l.source.Len(), cause)
	}
	return nil, false, nil
}
