package simd

import (
	"runtime"
	"sync/atomic"
)

// workers are goroutines that help the calling one with the units of a task. A call takes those that are idle and
// goes on alone where none is, so calls from many goroutines share them without waiting for each other.
//
// Most tasks take microseconds, less than the system needs to wake a thread. So a worker that has nothing to do looks
// out for a while before it goes to sleep, and a call whose units are all done takes back the job that a worker has not
// begun.
type workers struct {
	all []*worker
}

// worker is one goroutine, number 1 or up; number 0 is the one that calls. Its mailbox is nil while it is idle, a job
// that is offered to it, or busy.
type worker struct {
	number  int
	mailbox atomic.Pointer[job]
	asleep  atomic.Bool
	wake    chan struct{}
}

// busy and stopped are what a mailbox holds that takes no job.
var busy, stopped job

// job is one task's units on their way through the workers.
type job struct {
	run     *run
	task    *task
	shares  []share
	pending atomic.Int64 // workers that have the job
	failure atomic.Pointer[failure]
}

// share is a part of a job's units that one goroutine begins with. From task to task over the same tensors a goroutine
// has the same part, so that this stays in the caches of its core.
type share struct {
	next atomic.Int64 // the first unit that nobody has taken
	end  int64
	_    [48]byte // keeps shares in cache lines of their own
}

// failure is what the first unit that panicked panicked with.
type failure struct{ reason any }

func newWorkers(count int) *workers {
	w := &workers{}
	for i := range count {
		one := &worker{number: i + 1, wake: make(chan struct{}, 1)}
		w.all = append(w.all, one)
		go one.live()
	}
	return w
}

// stop ends the goroutines, each after the job it is on. No call may be in progress or follow.
func (w *workers) stop() {
	for _, one := range w.all {
		for !one.offer(&stopped) {
			runtime.Gosched()
		}
	}
}

// do runs a task's units on up to threads goroutines, and returns when all are done. Where a unit panics, do panics with
// the same in the end, on the caller's goroutine, where it can be caught.
func (w *workers) do(r *run, t *task, threads int) {
	threads = min(threads, t.units, len(w.all)+1)
	if threads <= 1 {
		t.body(r, r.scratch[0], 0, t.units)
		return
	}
	j := &r.job
	j.run, j.task, j.shares = r, t, j.shares[:0]
	for i := range threads {
		j.shares = append(j.shares, share{end: int64((i + 1) * t.units / threads)})
		j.shares[i].next.Store(int64(i * t.units / threads))
	}
	j.failure.Store(nil)
	w.offer(j, threads-1)
	j.work(0)
	w.retract(j)
	for tries := 0; j.pending.Load() > 0; tries++ {
		if tries > lookouts/10 {
			runtime.Gosched()
		}
	}
	if failed := j.failure.Load(); failed != nil {
		panic(failed.reason)
	}
}

// offer gives a job to a number of idle workers, or to as many as there are.
func (w *workers) offer(j *job, count int) {
	for _, one := range w.all {
		if count == 0 {
			return
		}
		j.pending.Add(1)
		if one.offer(j) {
			count--
		} else {
			j.pending.Add(-1)
		}
	}
}

// retract takes a job back from the workers that have not begun it.
func (w *workers) retract(j *job) {
	for _, one := range w.all {
		if one.mailbox.CompareAndSwap(j, nil) {
			j.pending.Add(-1)
		}
	}
}

func (one *worker) offer(j *job) bool {
	if !one.mailbox.CompareAndSwap(nil, j) {
		return false
	}
	if one.asleep.CompareAndSwap(true, false) {
		one.wake <- struct{}{}
	}
	return true
}

// lookouts is how often an idle worker looks into its mailbox before it goes to sleep: some tens of microseconds.
const lookouts = 50_000

func (one *worker) live() {
	for idle := 0; ; idle++ {
		j := one.mailbox.Load()
		switch {
		case j == &stopped:
			return
		case j != nil && one.mailbox.CompareAndSwap(j, &busy):
			j.work(one.number)
			one.mailbox.Store(nil)
			j.pending.Add(-1)
			idle = 0
		case idle > lookouts:
			one.sleep()
			idle = 0
		}
	}
}

// sleep waits until a job is offered. A job that came while the worker was lying down is not slept over.
func (one *worker) sleep() {
	one.asleep.Store(true)
	if one.mailbox.Load() != nil && one.asleep.CompareAndSwap(true, false) {
		return
	}
	<-one.wake
}

// work computes units on a goroutine: of its share, and then what others have left of theirs.
func (j *job) work(goroutine int) {
	defer func() {
		if reason := recover(); reason != nil {
			j.failure.CompareAndSwap(nil, &failure{reason})
			for i := range j.shares {
				j.shares[i].next.Store(j.shares[i].end) // leaves the rest undone
			}
		}
	}()
	for i := range j.shares {
		s := &j.shares[(goroutine+i)%len(j.shares)]
		for lo, hi := s.take(); lo < hi; lo, hi = s.take() {
			j.task.body(j.run, j.run.scratch[goroutine], lo, hi)
		}
	}
}

// take returns two thirds of the units that are left, so that a goroutine which is half as fast as another does not hold it up.
// Units give the same result whoever computes them.
func (s *share) take() (lo, hi int) {
	for {
		next := s.next.Load()
		left := s.end - next
		if left == 0 {
			return 0, 0
		}
		if after := next + max(1, 2*left/3); s.next.CompareAndSwap(next, after) {
			return int(next), int(after)
		}
	}
}
