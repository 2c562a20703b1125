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
	fetchesType  = "struct{Lines [5]struct{At, End uintptr; Stride int}; Current int}"
)

// field returns where a field is.
func field(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// fetcher brings rows into the second cache that will be needed soon, one at a time. In the first cache, rows far apart would
// drive out what is worked on.
type fetcher struct {
	current, at             reg.Register // the line in use, and its next row
	offset, end, next, step int          // in what is fetched, of the line in use and from a line to the next
	stride                  int
}

func newFetcher() *fetcher {
	fetches := Dereference(Param("fetches"))
	line := fetches.Field("Lines").Index(0)
	f := &fetcher{
		current: GP64(), at: GP64(), offset: field(fetches.Field("Current")).Disp,
		next: field(line.Field("At")).Disp, end: field(line.Field("End")).Disp, stride: field(line.Field("Stride")).Disp,
		step: field(fetches.Field("Lines").Index(1).Field("At")).Disp,
	}
	base := field(fetches.Field("Current")).Base
	MOVQ(Mem{Base: base, Disp: f.offset}, f.current)
	ADDQ(base, f.current)
	MOVQ(Mem{Base: f.current, Disp: f.next}, f.at)
	return f
}

// row fetches a row.
func (f *fetcher) row() {
	PREFETCHT1(Mem{Base: f.at})
	ADDQ(Mem{Base: f.current, Disp: f.stride}, f.at)
}

// turn goes to the next line where one is done.
func (f *fetcher) turn() {
	CMPQ(f.at, Mem{Base: f.current, Disp: f.end})
	JLS(LabelRef("fetched"))
	ADDQ(Imm(uint64(f.step)), f.current)
	MOVQ(Mem{Base: f.current, Disp: f.next}, f.at)
	Label("fetched")
}

// finish leaves word of what has been fetched.
func (f *fetcher) finish() {
	MOVQ(f.at, Mem{Base: f.current, Disp: f.next})
	fetches := Load(Param("fetches"), GP64())
	SUBQ(fetches, f.current)
	MOVQ(f.current, Mem{Base: fetches, Disp: f.offset})
}
