package bench

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

// crew is a number of goroutines that share the units of something. In between they wait busily, so that what is
// measured is the machine and not the scheduler.
type crew struct{ size int }

// burst does units 0 to units-1 in each call of a burst.
func (c crew) burst(b burst, units int, do func(unit int)) ([]float64, error) {
	var next, done atomic.Int64
	next.Store(int64(units))
	work := func() {
		for unit := next.Add(1) - 1; unit < int64(units); unit = next.Add(1) - 1 {
			do(int(unit))
			done.Add(1)
		}
	}
	var over atomic.Bool
	var group sync.WaitGroup
	for range c.size - 1 {
		group.Go(func() {
			for !over.Load() {
				if next.Load() < int64(units) {
					work()
				}
			}
		})
	}
	times, err := b.do(func() error {
		done.Store(0)
		next.Store(0)
		work()
		for done.Load() < int64(units) {
		}
		return nil
	})
	over.Store(true)
	group.Wait()
	return times, err
}

// tensorCopy copies the input: no operator can be faster, which has to read and write as much.
type tensorCopy struct {
	crew
	to, from []float32
	piece    int // values copied at once: small ones stay in the cache, large ones go past it
}

func (c *tensorCopy) compute() (results, error) { return nil, nil }

func (c *tensorCopy) burst(b burst) ([]float64, error) {
	return c.crew.burst(b, (len(c.to)+c.piece-1)/c.piece, func(unit int) {
		at := unit * c.piece
		copy(c.to[at:min(at+c.piece, len(c.to))], c.from[at:])
	})
}

// peak multiplies and adds in registers: no operator can do more floating-point operations in a time.
type peak struct{ crew }

// peakOperations is the number of floating-point operations in a call, and peakUnits that of the parts they are cut into.
const (
	peakOperations = 1 << 24
	peakUnits      = 64
)

func (p *peak) compute() (results, error) { return nil, nil }

func (p *peak) burst(b burst) ([]float64, error) {
	return p.crew.burst(b, peakUnits, func(int) { kernel.MultiplyAdds(peakOperations / 2 / peakUnits) })
}

// limits returns the contenders that say what the machine allows.
func (w Work) limits(operands []operand) []entrant {
	all := crew{min(w.Threads, runtime.GOMAXPROCS(0))}
	x := operands[0].values
	cached := &tensorCopy{all, make([]float32, len(x)), x, 1 << 13}
	streaming := &tensorCopy{all, cached.to, x, max(len(x)/all.size, 1)}
	return []entrant{
		{cached, machine, "copy", limit},
		{streaming, machine, "streaming copy", limit},
		{&peak{all}, machine, "peak", limit},
	}
}

// machine is the "library" of the limits.
const machine = "machine"
