package simd

import (
	"sync"
	"sync/atomic"
)

// workers are goroutines that help the calling one with the units of a task. A call takes those that are idle and
// goes on alone where none is, so calls from many goroutines share them without waiting for each other.
type workers struct {
	count int
	jobs  chan *job
	done  chan struct{}
}

// job is one task's units on their way through the workers.
type job struct {
	run     *run
	task    *task
	chunk   int
	next    atomic.Int64 // the first unit that nobody has taken
	helpers atomic.Int64 // numbers the goroutines on this job, for their scratch memory
	pending sync.WaitGroup
	failure atomic.Pointer[failure] // of the first unit that panicked
}

// failure is what a unit panicked with.
type failure struct{ reason any }

func newWorkers(count int) *workers {
	w := &workers{count: count, jobs: make(chan *job), done: make(chan struct{})}
	for range count {
		go func() {
			for {
				select {
				case j := <-w.jobs:
					j.work()
					j.pending.Done()
				case <-w.done:
					return
				}
			}
		}()
	}
	return w
}

func (w *workers) stop() { close(w.done) }

// chunksEach is how many pieces the units are cut into for each goroutine, so that one that is slowed down does not
// hold up the rest. Units give the same result whoever computes them.
const chunksEach = 4

// do runs a task's units on up to threads goroutines, and returns when all are done. Where a unit panics, do panics with
// the same in the end, on the caller's goroutine, where it can be caught.
func (w *workers) do(r *run, t *task, threads int) {
	threads = min(threads, t.units, w.count+1)
	if threads <= 1 {
		t.body(r, r.scratch[0], 0, t.units)
		return
	}
	j := &r.job
	j.run, j.task, j.chunk = r, t, max(1, t.units/(threads*chunksEach))
	j.next.Store(0)
	j.helpers.Store(0)
	j.failure.Store(nil)
	for range threads - 1 {
		j.pending.Add(1)
		select {
		case w.jobs <- j:
		default:
			j.pending.Done()
		}
	}
	j.work()
	j.pending.Wait()
	if failed := j.failure.Load(); failed != nil {
		panic(failed.reason)
	}
}

func (j *job) work() {
	defer func() {
		if reason := recover(); reason != nil {
			j.failure.CompareAndSwap(nil, &failure{reason})
			j.next.Store(int64(j.task.units)) // leaves the rest undone
		}
	}()
	worker := int(j.helpers.Add(1)) - 1
	for {
		lo := int(j.next.Add(int64(j.chunk))) - j.chunk
		if lo >= j.task.units {
			return
		}
		j.task.body(j.run, j.run.scratch[worker], lo, min(lo+j.chunk, j.task.units))
	}
}
