package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transfers is what a routine moves besides its work. Rows that will be needed soon are brought into the second cache, one of
// each line of a pair at a time: in the first cache, rows far apart would drive out what is worked on. After each butterfly a
// few rows of a pair that was computed before are written past the caches, which take in so many without a wait.
type transfers struct {
	fetch, at    reg.Register // the pair of fetches in use, and the next row of its first line
	second, step reg.Register // bytes from there to the row of the second line, and to the next one of the first
	current      int          // where Transfers has which pair that is
	inFetch      map[string]int
	inWrite      map[string]int
	size         int               // of a pair of fetches
	registers    []reg.VecPhysical // for rows, between butterflies
	turns        int               // places that come after a butterfly
}

func newTransfers(registers []reg.VecPhysical) *transfers {
	all := Dereference(Param("transfers"))
	fetch, write := all.Field("Fetches").Index(0), all.Field("Write")
	t := &transfers{
		fetch: GP64(), at: GP64(), second: GP64(), step: GP64(), current: field(all.Field("Current")).Disp,
		inFetch: map[string]int{}, inWrite: map[string]int{},
		size: field(all.Field("Fetches").Index(1).Field("At")).Disp, registers: registers,
	}
	for _, name := range []string{"At", "End", "Pause", "Second", "Step"} {
		t.inFetch[name] = field(fetch.Field(name)).Disp
	}
	for _, name := range []string{"From", "End", "To", "Second", "Step", "Rows", "Fetch"} {
		t.inWrite[name] = field(write.Field(name)).Disp
	}
	base := field(all.Field("Current")).Base
	MOVQ(Mem{Base: base, Disp: t.current}, t.fetch)
	ADDQ(base, t.fetch)
	t.load("At", t.at)
	t.loadSteps()
	return t
}

// of returns a field of the pair of fetches in use.
func (t *transfers) of(name string) Mem { return Mem{Base: t.fetch, Disp: t.inFetch[name]} }

func (t *transfers) load(name string, r reg.Register) { MOVQ(t.of(name), r) }

func (t *transfers) loadSteps() {
	t.load("Second", t.second)
	t.load("Step", t.step)
}

// fetches returns so many fetches of a row of each line.
func (t *transfers) fetches(count int) fetches {
	return fetches{count: count, emit: func(int) {
		PREFETCHT1(Mem{Base: t.at})
		PREFETCHT1(Mem{Base: t.at, Index: t.second, Scale: 1})
		ADDQ(t.step, t.at)
	}}
}

// turn comes after each butterfly. Seldom there is something to do: aside has that.
func (t *transfers) turn() {
	CMPQ(t.at, t.of("Pause"))
	JHI(numbered("aside", t.turns))
	Label(string(numbered("on", t.turns)))
	t.turns++
}

// numbered returns the label of a name that belongs to the n-th place.
func numbered(name string, n int) LabelRef {
	if n > 0 {
		name += strconv.Itoa(n)
	}
	return LabelRef(name)
}

// aside comes after the end of the routine. It goes to the next pair of fetches where one is done, and writes rows.
func (t *transfers) aside() {
	for n := range t.turns {
		Label(string(numbered("aside", n)))
		CMPQ(t.at, t.of("End"))
		JLS(numbered("same", n))
		ADDQ(Imm(uint64(t.size)), t.fetch)
		t.load("At", t.at)
		Label(string(numbered("same", n)))
		t.write(n)
		JMP(numbered("on", n))
	}
}

// write writes rows where there are any left, at the n-th place. All registers of fetches serve it meanwhile, and are loaded again.
func (t *transfers) write(n int) {
	base, from, to, rows := t.at, t.fetch, t.second, t.step
	of := func(name string) Mem { return Mem{Base: base, Disp: t.inWrite[name]} }
	MOVQ(t.at, t.of("At"))
	Load(Param("transfers"), base)
	MOVQ(t.fetch, of("Fetch"))
	MOVQ(of("From"), from)
	CMPQ(from, of("End"))
	JEQ(numbered("none", n))
	MOVQ(of("To"), to)
	MOVQ(of("Rows"), rows)
	Label(string(numbered("row", n)))
	size := int(t.registers[0].Size())
	vectors := 64 / size
	parts := t.registers[:2*vectors]
	for i, part := range parts {
		VMOVUPS(Mem{Base: from, Disp: i * size}, part)
	}
	for i, part := range parts {
		if i == vectors {
			ADDQ(of("Second"), to)
		}
		VMOVNTPS(part, Mem{Base: to, Disp: i % vectors * size})
	}
	ADDQ(of("Step"), to)
	ADDQ(U32(128), from)
	CMPQ(from, of("End"))
	JEQ(numbered("last", n))
	DECQ(rows)
	JNZ(numbered("row", n))
	Label(string(numbered("last", n)))
	MOVQ(from, of("From"))
	MOVQ(to, of("To"))
	Label(string(numbered("none", n)))
	MOVQ(of("Fetch"), t.fetch)
	t.load("At", t.at)
	t.loadSteps()
}

// finish leaves word of what has been fetched.
func (t *transfers) finish() {
	MOVQ(t.at, t.of("At"))
	all := Load(Param("transfers"), GP64())
	SUBQ(all, t.fetch)
	MOVQ(t.fetch, Mem{Base: all, Disp: t.current})
}
