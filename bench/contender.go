package bench

import (
	"slices"
	"time"
)

// task is what a contender computes. Only contenders with the same task must agree.
type task string

const (
	circular task = "circular" // the operator
	local    task = "7×7"      // a depth-wise convolution with a small kernel, on the same input
	limit    task = "limit"    // no work: what the machine allows
)

// contender is a way to compute a task, ready to run.
type contender interface {
	// compute runs once and returns the values, nil where there are none.
	compute() (results, error)
	// burst runs for a while and returns the milliseconds of each call.
	burst(b burst) ([]float64, error)
}

// entrant is a contender in the tournament.
type entrant struct {
	contender
	library, method string
	task            task
}

func (e entrant) name() string { return e.library + " " + e.method }

// burst says how a contender takes its turn: calls that do not count until its threads are awake and the cache is its
// own, then calls that do. Either is at least one call.
type burst struct {
	Lead  float64 `json:"lead"`  // milliseconds
	Span  float64 `json:"span"`  // milliseconds
	Calls int     `json:"calls"` // at most so many count
}

// do runs calls as the burst says.
func (b burst) do(call func() error) ([]float64, error) {
	for start := time.Now(); ; {
		if err := call(); err != nil {
			return nil, err
		}
		if sinceMilliseconds(start) >= b.Lead {
			break
		}
	}
	var times []float64
	for start := time.Now(); len(times) < b.Calls && (len(times) == 0 || sinceMilliseconds(start) < b.Span); {
		begin := time.Now()
		if err := call(); err != nil {
			return nil, err
		}
		times = append(times, sinceMilliseconds(begin))
	}
	return times, nil
}

func sinceMilliseconds(start time.Time) float64 {
	return float64(time.Since(start)) / float64(time.Millisecond)
}

func median(sample []float64) float64 { return quantile(slices.Sorted(slices.Values(sample)), 0.5) }
