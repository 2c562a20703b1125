package data

import (
	"sync"
	"sync/atomic"
)

// work is a batch in the making. Workers fill its slots in any order.
type work struct {
	batch   *Batch
	order   []int // the epoch's
	first   int   // the place in order of slot 0
	left    atomic.Int64
	done    chan struct{} // closed when no slot is left
	failing sync.Once
	err     error
}

// slot is one sample's place in a batch.
type slot struct {
	work  *work
	index int
}

// unread marks the label of a slot whose picture cannot be read.
const unread = -1

func (l *Loader) newWork(order []int, epoch, step int) *work {
	first := step * l.options.BatchSize
	size := min(l.options.BatchSize, len(order)-first)
	w := &work{order: order, first: first, done: make(chan struct{}), batch: &Batch{
		Epoch: epoch, Step: step,
		Images:  make([]float32, size*l.pipeline.values()),
		Labels:  make([]int32, size),
		Indices: make([]int, size),
	}}
	w.left.Store(int64(size))
	return w
}

// fill makes the sample of a slot.
func (w *work) fill(l *Loader, slot int) {
	if err := w.try(l, slot); err != nil {
		w.failing.Do(func() { w.err = err })
	}
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
}

func (w *work) try(l *Loader, slot int) error {
	w.batch.Labels[slot] = unread
	candidates := 1
	if l.options.Training {
		candidates = len(w.order)
	}
	for i := range candidates {
		index := w.order[(w.first+slot+i)%len(w.order)]
		picture, ok, err := l.read(index)
		if err != nil {
			return err
		}
		if ok {
			random := stream(l.options.Seed, uint64(w.batch.Epoch), uint64(index))
			values := l.pipeline.values()
			l.options.Augmentation.apply(l.pipeline, picture, random, w.batch.Images[slot*values:][:values])
			w.batch.Labels[slot], w.batch.Indices[slot] = int32(l.source.Label(index)), index
			break
		}
	}
	return nil
}

// result is the complete batch, without the slots that could not be read.
func (w *work) result() (*Batch, error) {
	if w.err != nil {
		return nil, w.err
	}
	b := w.batch
	values := len(b.Images) / len(b.Labels)
	count := 0
	for slot, label := range b.Labels {
		if label == unread {
			continue
		}
		if count < slot {
			copy(b.Images[count*values:][:values], b.Images[slot*values:])
			b.Labels[count], b.Indices[count] = label, b.Indices[slot]
		}
		count++
	}
	b.Images, b.Labels, b.Indices = b.Images[:count*values], b.Labels[:count], b.Indices[:count]
	return b, nil
}
