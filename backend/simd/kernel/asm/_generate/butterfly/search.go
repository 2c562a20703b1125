package main

import (
	"math/rand/v2"
	"slices"

	"github.com/mmcloughlin/avo/reg"
)

// tries is how many changes of an order are tried where values go to the stack.
const tries = 4000

// cheapest returns the cheapest way found to compute the program with some registers: the better one of two orders, and then,
// of changes by chance, those that cost nothing. The same program always comes out the same.
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
	if best.slots == 0 || p.inOrder {
		return best
	}
	source := rand.NewPCG(1, 2)
	below := func(n int) int { return int(source.Uint64() % uint64(n)) }
	for range tries {
		order, policy := d.moved(best.order, below), best.policy
		if below(8) == 0 {
			policy = policies[below(len(policies))]
		}
		if a := p.allocate(order, registers, policy); a.cost() <= best.cost() {
			best = a
		}
	}
	return best
}

// moved returns an order in which one operation has another place that it may have.
func (d *dependences) moved(order []int, below func(n int) int) []int {
	from := below(len(order))
	i, lo, hi := order[from], from, from
	for lo > 0 && !slices.Contains(d.before[i], order[lo-1]) {
		lo--
	}
	for hi+1 < len(order) && !slices.Contains(d.after[i], order[hi+1]) {
		hi++
	}
	moved := slices.Delete(slices.Clone(order), from, from+1)
	return slices.Insert(moved, lo+below(hi-lo+1), i)
}

// policy is how an allocator decides.
type policy struct {
	nearby int // how many operations on a value in memory is worth a register, where it is needed again
	few    int // how many uses at most of a value in memory are taken from there even so
	cheap  int // how many operations sooner than others a value is given up that need not be stored, nor loaded again
}

var policies = func() (all []policy) {
	for _, nearby := range []int{0, 4, 8, 12, 20} {
		for _, few := range []int{1, 2, 3} {
			for _, cheap := range []int{0, 3, 6, 12, 20, 30} {
				all = append(all, policy{nearby, few, cheap})
			}
		}
	}
	return all
}()

// cost says which of two ways to compute a program is faster. A processor starts several a cycle, but reads
// memory two times and writes it once.
func (a *allocator) cost() int { return a.instructions + 2*a.loads + 3*a.stores }
