package main

import "testing"

// TestCyclesAreThoseOfTheNarrowestPlace goes through loops whose time one thing alone decides.
func TestCyclesAreThoseOfTheNarrowestPlace(t *testing.T) {
	plain := func(u unit, to int, from ...int) instruction {
		in := instruction{unit: u, to: to, from: [3]int{-1, -1, -1}, slot: -1}
		copy(in.from[:], from)
		return in
	}
	repeated := func(n int, of func(i int) instruction) (loop []instruction) {
		for i := range n {
			loop = append(loop, of(i))
		}
		return loop
	}
	const n = 24
	for _, c := range []struct {
		name string
		loop []instruction
		want float64
	}{
		{"additions that wait for each other", repeated(n, func(int) instruction { return plain(adder, 0, 0, 1) }), n * addTime},
		{"multiply-adds that wait for each other", repeated(n, func(int) instruction { return plain(multiplyAdder, 0, 1, 2, 0) }), n * multiplyAddTime},
		{"additions, one a cycle", repeated(n, func(i int) instruction { return plain(adder, 4+i, 0, 1) }), n},
		{"multiplications, one a cycle", repeated(n, func(i int) instruction { return plain(multiplier, 4+i, 0, 1) }), n},
		{"both beside each other", repeated(n, func(i int) instruction { return plain([]unit{multiplier, multiplier, adder, adder}[i%4], 4+i, 0, 1) }), n / 2},
		{"loads, one a cycle", repeated(n, func(i int) instruction { return loadsTo(4+i, -1, false) }), n},
		{"stores, one in two cycles", repeated(n, func(int) instruction { return plain(storer, -1, 0) }), 2 * n},
		{"copies, as many as come in", repeated(n, func(i int) instruction { return plain(renamer, 4+i, 0) }), n / width},
	} {
		if got := cycles(c.loop); got < c.want-1 || got > c.want+1 {
			t.Errorf("%s: %g cycles, want %g", c.name, got, c.want)
		}
	}
}

// TestWhatWasStoredWaits holds that a value comes back from the stack no sooner than it can.
func TestWhatWasStoredWaits(t *testing.T) {
	store := instruction{unit: storer, to: -1, from: [3]int{0, -1, -1}, slot: 3}
	around := []instruction{store, loadsTo(1, 3, false), {unit: adder, to: 0, from: [3]int{1, 1, -1}, slot: -1}}
	if got, least := cycles(around), float64(storeTime+addTime); got < least {
		t.Errorf("a store, its load and an addition after each other take %g cycles, want at least %g", got, least)
	}
}
