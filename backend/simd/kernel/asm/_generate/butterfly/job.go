package main

import (
	"github.com/mmcloughlin/avo/gotypes"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What routines work on, as package asm has it.
const (
	lineType     = "struct{Rows, Shared, Re, Im *float32}"
	lineJobType  = "struct{Lines [2]" + lineType + "; Offsets *int; Twiddles *float32; Count int}"
	blockPart    = "struct{Re, Im, Factors, Added, Spectrum *float32; Count int}"
	blockJobType = "struct{Parts [2]" + blockPart + "; Pitch int}"
	fetchesType  = "struct{Pairs [3]struct{At, End uintptr; Second, Step int}; Current int}"
)

// field returns where a field is.
func field(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// fetcher brings rows into the second cache that will be needed soon, one of each line of a pair at a time. In the first cache,
// rows far apart would drive out what is worked on.
type fetcher struct {
	current, at        reg.Register // the pair in use, and the next row of its first line
	second, step       reg.Register // bytes from there to the row of the second line, and to the next one of the first
	offset, begin, end int          // in what is fetched, and of the pair in use
	steps              [2]int       // in it, of second and step
	size               int          // of a pair
}

func newFetcher() *fetcher {
	fetches := Dereference(Param("fetches"))
	pair := fetches.Field("Pairs").Index(0)
	f := &fetcher{
		current: GP64(), at: GP64(), second: GP64(), step: GP64(), offset: field(fetches.Field("Current")).Disp,
		begin: field(pair.Field("At")).Disp, end: field(pair.Field("End")).Disp,
		size: field(fetches.Field("Pairs").Index(1).Field("At")).Disp,
	}
	f.steps = [2]int{field(pair.Field("Second")).Disp, field(pair.Field("Step")).Disp}
	base := field(fetches.Field("Current")).Base
	MOVQ(Mem{Base: base, Disp: f.offset}, f.current)
	ADDQ(base, f.current)
	f.load()
	return f
}

// load loads what rows need of the pair in use.
func (f *fetcher) load() {
	MOVQ(Mem{Base: f.current, Disp: f.begin}, f.at)
	MOVQ(Mem{Base: f.current, Disp: f.steps[0]}, f.second)
	MOVQ(Mem{Base: f.current, Disp: f.steps[1]}, f.step)
}

// rows fetches a row of each line.
func (f *fetcher) rows() {
	PREFETCHT1(Mem{Base: f.at})
	PREFETCHT1(Mem{Base: f.at, Index: f.second, Scale: 1})
	ADDQ(f.step, f.at)
}

// turn goes to the next pair where one is done.
func (f *fetcher) turn() {
	CMPQ(f.at, Mem{Base: f.current, Disp: f.end})
	JLS(LabelRef("fetched"))
	ADDQ(Imm(uint64(f.size)), f.current)
	f.load()
	Label("fetched")
}

// finish leaves word of what has been fetched.
func (f *fetcher) finish() {
	MOVQ(f.at, Mem{Base: f.current, Disp: f.begin})
	fetches := Load(Param("fetches"), GP64())
	SUBQ(fetches, f.current)
	MOVQ(f.current, Mem{Base: fetches, Disp: f.offset})
}
