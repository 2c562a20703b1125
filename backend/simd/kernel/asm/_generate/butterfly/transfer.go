package main

import (
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

// rows fetches a row of each line.
func (t *transfers) rows() {
	PREFETCHT1(Mem{Base: t.at})
	PREFETCHT1(Mem{Base: t.at, Index: t.second, Scale: 1})
	ADDQ(t.step, t.at)
}

// turn comes after each butterfly. Seldom there is something to do: aside has that.
func (t *transfers) turn() {
	CMPQ(t.at, t.of("Pause"))
	JHI(LabelRef("aside"))
	Label("on")
}

// aside comes after the end of the routine. It goes to the next pair of fetches where one is done, and writes rows.
func (t *transfers) aside() {
	Label("aside")
	CMPQ(t.at, t.of("End"))
	JLS(LabelRef("same"))
	ADDQ(Imm(uint64(t.size)), t.fetch)
	t.load("At", t.at)
	Label("same")
	t.write()
	JMP(LabelRef("on"))
}

// write writes rows where there are any left. All registers of fetches serve it meanwhile, and are loaded again.
func (t *transfers) write() {
	base, from, to, rows := t.at, t.fetch, t.second, t.step
	of := func(name string) Mem { return Mem{Base: base, Disp: t.inWrite[name]} }
	MOVQ(t.at, t.of("At"))
	Load(Param("transfers"), base)
	MOVQ(t.fetch, of("Fetch"))
	MOVQ(of("From"), from)
	CMPQ(from, of("End"))
	JEQ(LabelRef("none"))
	MOVQ(of("To"), to)
	MOVQ(of("Rows"), rows)
	Label("row")
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
	JEQ(LabelRef("last"))
	DECQ(rows)
	JNZ(LabelRef("row"))
	Label("last")
	MOVQ(from, of("From"))
	MOVQ(to, of("To"))
	Label("none")
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
