package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/mmcloughlin/avo/reg"
)

// How many changes of an order are tried where values go to the stack.
const tries = 4000

// cheapest returns the cheapest way found to compute the program with some registers: the better one of two orders, and then,
// of changes by chance, those that cost nothing; or one that is fast, where the program is timed. Where no value goes to the stack,
// constants stay in registers. The same program always comes out the same.
func (p *program) cheapest(registers []reg.VecPhysical) *allocator {
	d := p.dependences()
	orders := [][]int{d.asWritten()}
	if !p.inOrder {
		orders = append(orders, d.halved())
	}
	var best *allocator
	for _, order := range orders {
		for _, policy := range policies {
			if a := p.allocate(order, registers, policy); best == nil || a.cost() < best.cost() {
				best = a
			}
		}
	}
	chance := chance{rand.NewPCG(1, 2)}
	switch {
	case best.slots == 0 || p.inOrder:
	case p.storesWait:
		best = bySmallCost.least(d, best)
	default:
		for range tries {
			if a := best.changed(d, chance); a.cost() <= best.cost() {
				best = a
			}
		}
	}
	if best.slots == 0 {
		best = best.withLasting()
	}
	if p.timed {
		best = byShortTime.least(d, best)
	}
	return best
}

// withLasting returns the cheapest way in the same order, with constants that stay in registers from one butterfly to the next as
// far as nothing has to go to the stack for it, and half of the registers are left for other values.
func (a *allocator) withLasting() *allocator {
	best := a
	for lasting := 1; lasting <= len(a.constants) && lasting < len(a.registers)/2; lasting++ {
		for _, policy := range policies {
			policy.lasting = lasting
			if other := a.allocate(a.order, a.registers, policy); other.slots == 0 && other.cost() < best.cost() {
				best = other
			}
		}
	}
	return best
}

// annealing looks for a way that is better than another one, several times: the best that is found differs.
type annealing struct {
	searches, tries int
	heat            float64 // how much worse a way may be that is gone on from, at first
	of              func(*allocator) float64
}

// Where stores wait, a program becomes cheap first, which is found out sooner than its time.
var (
	bySmallCost = annealing{searches: 2, tries: 60000, heat: 3, of: func(a *allocator) float64 { return float64(a.cost()) }}
	byShortTime = annealing{searches: 16, tries: 20000, heat: 1, of: (*allocator).time}
)

// least returns the best way found from another one on.
func (s *annealing) least(d *dependences, from *allocator) *allocator {
	found := make([]*allocator, s.searches)
	var running sync.WaitGroup
	for i := range found {
		running.Go(func() { found[i] = s.once(d, from, chance{rand.NewPCG(1, uint64(3+i))}) })
	}
	running.Wait()
	return slices.MinFunc(found, func(a, b *allocator) int { return cmp.Compare(s.of(a), s.of(b)) })
}

// once looks for it by simulated annealing.
func (s *annealing) once(d *dependences, best *allocator, chance chance) *allocator {
	current, least := best, s.of(best)
	currentSize := least
	for try := range s.tries {
		a := current.changed(d, chance)
		size, temperature := s.of(a), s.heat*(1-float64(try)/float64(s.tries))
		if worse := size - currentSize; worse > 0 && chance.below(1<<20) >= int(math.Exp(-worse/temperature)*(1<<20)) {
			continue
		}
		if current, currentSize = a, size; size < least {
			best, least = a, size
		}
	}
	return best
}

// time says which of two ways is faster, where programs are timed: by cycles, if all were in the first cache. Where stores wait, each
// takes some that are not counted: of 0, 3, 6 and 10, as many as lines of 32·7 numbers were the fastest with on a Zen 4.
func (a *allocator) time() float64 {
	time := cycles(a.trace) + float64(a.cost())/20
	if a.storesWait {
		time += 6 * float64(a.stores)
	}
	return time
}

// changed returns a way that differs a little.
func (a *allocator) changed(d *dependences, chance chance) *allocator {
	order, policy := d.moved(a.order, chance), a.policy
	if chance.below(8) == 0 {
		policy = policies[chance.below(len(policies))]
		policy.lasting = a.policy.lasting
	}
	return a.program.allocate(order, a.registers, policy)
}

// chance makes numbers that are always the same ones.
type chance struct{ source *rand.PCG }

func (c chance) below(n int) int { return int(c.source.Uint64() % uint64(n)) }

// moved returns an order in which one operation has another place that it may have.
func (d *dependences) moved(order []int, chance chance) []int {
	from := chance.below(len(order))
	i, lo, hi := order[from], from, from
	for lo > 0 && !slices.Contains(d.before[i], order[lo-1]) {
		lo--
	}
	for hi+1 < len(order) && !slices.Contains(d.after[i], order[hi+1]) {
		hi++
	}
	moved := slices.Delete(slices.Clone(order), from, from+1)
	return slices.Insert(moved, lo+chance.below(hi-lo+1), i)
}

// policy is how an allocator decides.
type policy struct {
	nearby  int // how many operations on a value in memory is worth a register, where it is needed again
	few     int // how many uses at most of a value in memory are taken from there even so
	cheap   int // how many operations sooner than others a value is given up that need not be stored, nor loaded again
	lasting int // how many constants have a register for good
}

var policies = func() (all []policy) {
	for _, nearby := range []int{0, 4, 8, 12, 20} {
		for _, few := range []int{1, 2, 3} {
			for _, cheap := range []int{0, 3, 6, 12, 20, 30} {
				all = append(all, policy{nearby: nearby, few: few, cheap: cheap})
			}
		}
	}
	return all
}()

// cost says which of two ways to compute a program is faster. A processor starts several a cycle, but reads
// memory two times and writes it once, or less often where stores wait. Lasting constants are loaded once for several butterflies.
func (a *allocator) cost() int {
	store := 3
	if a.storesWait {
		store = 8
	}
	return len(a.trace) + 2*a.loads + store*a.stores + len(a.lasting)
}
