package main

// An instruction is what the time of a program depends on.
type instruction struct {
	unit      unit
	to        int    // the register that is written, or -1
	from      [3]int // the registers that are read, or -1
	memory    bool   // whether it reads memory
	slot      int    // of the stack that is read or written, or -1
	addressed bool   // whether the address is read before
}

// unit is what carries an instruction out.
type unit int

const (
	adder unit = iota
	multiplier
	multiplyAdder
	storer
	spreader // of broadcasts, any of the adders and multipliers
	loader   // of instructions that do nothing else
	renamer  // of copies
)

// units says which unit carries out which operation.
var units = map[operationKind]unit{
	add: adder, subtract: adder, multiply: multiplier, multiplyAdd: multiplyAdder, store: storer, load: loader,
}

// What a Zen 4 does with vectors of 512 bits, each in two halves, after AMD's "Software Optimization Guide for the Zen 4
// Microarchitecture"; but width, side and queue are those with which it agrees best with the times measured.
const (
	width   = 3   // instructions that come in each cycle
	reorder = 320 // that are under way
	side    = 16  // that wait for operands on either side
	queue   = 16  // that wait behind those of both sides

	loadTime        = 7
	addressTime     = 4
	addTime         = 3
	multiplyTime    = 3
	multiplyAddTime = 4
	storeTime       = 4 // until the same can be read again
)

// turns is how many times a loop is gone through, the first settling of which do not count.
const turns, settling = 5, 2

// cycles returns about how many cycles each turn of a loop takes. Instructions come in order, and begin as soon as their operands
// are there and a pipe is free: each of two sides has one for additions and one for multiplications, and stores take their vector
// where multiply-adds take their third operand.
func cycles(loop []instruction) float64 {
	var adding, multiplying, third [2]calendar
	var loading, storing calendar
	var ready [32]int
	var begun [2]times
	var allBegun times
	var done []int
	stored := map[int]int{}
	came, coming, vectors := 0, 0, 0
	var ends [turns]int
	for turn := range turns {
		for i := range loop {
			in := &loop[i]
			arithmetic := in.unit <= spreader
			t := came
			if coming >= width {
				t++
			}
			if len(done) >= reorder {
				t = max(t, done[len(done)-reorder])
			}
			if arithmetic {
				t = max(t, allBegun.last(2*side+queue))
			}
			if t > came {
				came, coming = t, 0
			}
			coming++
			if in.addressed {
				coming++
			}
			start := t + 2
			for _, r := range in.from {
				if r >= 0 {
					start = max(start, ready[r])
				}
			}
			if in.memory {
				from := t + 1
				if in.addressed {
					from += addressTime
				}
				start = max(start, loading.take(from, 1)+loadTime)
				if in.slot >= 0 {
					start = max(start, stored[in.slot])
				}
			}
			s := vectors % 2
			if arithmetic {
				vectors++
				start = max(start, begun[s].last(side))
			}
			end := start
			switch in.unit {
			case adder:
				start = adding[s].take(start, 2)
				end = start + addTime
			case multiplier:
				start = multiplying[s].take(start, 2)
				end = start + multiplyTime
			case multiplyAdder:
				for !multiplying[s].free(start, 2) || !third[s].free(start, 1) {
					start++
				}
				multiplying[s].take(start, 2)
				third[s].take(start, 1)
				end = start + multiplyAddTime
			case spreader:
				pipe := &multiplying[s]
				for !pipe.free(start, 2) {
					if adding[s].free(start, 2) {
						pipe = &adding[s]
						break
					}
					start++
				}
				pipe.take(start, 2)
				end = start + 1
			case storer:
				for !storing.free(start, 2) || !third[s].free(start, 1) {
					start++
				}
				storing.take(start, 2)
				third[s].take(start, 1)
				end = start + 1
				if in.slot >= 0 {
					stored[in.slot] = start + storeTime
				}
			}
			if in.to >= 0 {
				ready[in.to] = end
			}
			if arithmetic {
				begun[s].insert(start)
				allBegun.insert(start)
			}
			ends[turn] = max(ends[turn], end)
			if n := len(done); n > 0 {
				end = max(end, done[n-1])
			}
			done = append(done, end)
		}
	}
	return float64(ends[turns-1]-ends[settling-1]) / (turns - settling)
}

// A calendar says in which cycles a pipe is taken.
type calendar []bool

func (c *calendar) free(t, cycles int) bool {
	for t+cycles > len(*c) {
		*c = append(*c, make([]bool, 1024)...)
	}
	for _, taken := range (*c)[t : t+cycles] {
		if taken {
			return false
		}
	}
	return true
}

// take takes the first cycles, so many that follow each other, that are free from t on, and returns when they begin.
func (c *calendar) take(t, cycles int) int {
	for !c.free(t, cycles) {
		t++
	}
	for i := range cycles {
		(*c)[t+i] = true
	}
	return t
}

// times are in ascending order.
type times []int

func (s *times) insert(t int) {
	*s = append(*s, t)
	for i := len(*s) - 1; i > 0 && (*s)[i-1] > t; i-- {
		(*s)[i-1], (*s)[i] = t, (*s)[i-1]
	}
}

// last returns the n-th from the end, or 0.
func (s times) last(n int) int {
	if len(s) < n {
		return 0
	}
	return s[len(s)-n]
}
