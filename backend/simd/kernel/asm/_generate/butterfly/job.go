package main

import (
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
)

// What routines work on, as package asm has it.
const (
	lineType     = "struct{Rows, Shared, Re, Im, Next *float32; Ahead int}"
	lineJobType  = "struct{Lines [2]" + lineType + "; Offsets *int; Twiddles *float32; Count, Step int}"
	blockPart    = "struct{Re, Im, Factors, Added, Spectrum *float32; Count int}"
	blockJobType = "struct{Parts [2]" + blockPart + "; Pitch int}"
	fetchPair    = "struct{At, End, Pause uintptr; Second, Step int}"
	writePair    = "struct{From, End, To uintptr; Second, Step, Rows int; Fetch uintptr}"
	transferType = "struct{Fetches [3]" + fetchPair + "; Current int; Write " + writePair + "}"
)

// field returns where a field is.
func field(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}
