package asm

// Line is a line of a pair, and where its results begin.
type Line = struct {
	Rows, Shared, Re, Im *float32
	Next                 *float32 // rows of the line whose butterfly comes next, where those of two lines take turns
	Ahead                int      // bytes from the offsets of a butterfly to those of that one
}

// LineJob is what the Line routines work on. The second line may be missing: its Rows are nil then.
type LineJob = struct {
	Lines    [2]Line
	Offsets  *int // bytes from a line's beginning to its rows, in the order in which butterflies take them; those of one more follow
	Twiddles *float32
	Count    int // butterflies, at least 1
	Step     int // bytes from a row of a line to the next
}

// BlockPart is blocks that lie side by side. A Count of 0 says that there are none.
type BlockPart = struct {
	Re, Im, Factors, Added, Spectrum *float32
	Count                            int
}

// BlockJob is what the Block routines work on.
type BlockJob = struct {
	Parts [2]BlockPart
	Pitch int // bytes from a number of a butterfly to the next
}

// FetchPair is the rows of a pair of lines that will be needed soon: the addresses of the next and of the last row of the first
// line, and bytes from each of its rows to that of the second line, and to its next one. Where there is no second line it is
// the first again.
type FetchPair = struct {
	At, End      uintptr
	Pause        uintptr // past which routines look what to do next: End, or 0 where there are rows to write
	Second, Step int
}

// WritePair is rows of a pair of lines that are written past the caches: where the next one of both stands, thirty-two floats,
// and where the last one ends; where that of the first line belongs, a multiple of 64 bytes, bytes from there to where that of
// the second line does, and from there to where the first line's next one does.
type WritePair = struct {
	From, End, To uintptr
	Second, Step  int
	Rows          int     // how many are written after each butterfly
	Fetch         uintptr // the pair of fetches in use meanwhile
}

// Transfers is what routines do besides their work: they bring rows into the second cache, pair after pair, of which the last
// has no end, and write rows, after which Fence must follow.
type Transfers = struct {
	Fetches [3]FetchPair
	Current int // bytes from the first pair to the one that comes now
	Write   WritePair
}
