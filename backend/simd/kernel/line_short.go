package kernel

import "unsafe"

// shortOffsets is where the rows of those butterflies are for which a line is too short: those that it does not have are
// elsewhere, so that lines need not be copied to be continued.
type shortOffsets struct {
	bytes    []int
	missing  []int   // which of them are
	unwanted *vector // where such rows are written
}

// zeroRow is where such rows are read.
var zeroRow = new(vector)

// begin sets the offsets up for the butterflies of a run that are not whole.
func (o *shortOffsets) begin(r *lineRun, offsets []int) {
	taken := len(offsets) / r.stage.rest
	o.bytes, o.missing = append(o.bytes[:0], offsets[r.whole*taken:]...), o.missing[:0]
	for b := r.whole; b < r.stage.rest; b++ {
		for k, row := range r.rowsOf(b) {
			if int(row) >= r.numbers {
				o.missing = append(o.missing, (b-r.whole)*taken+k)
			}
		}
	}
	if len(o.missing) > 0 && o.unwanted == nil {
		o.unwanted = new(vector)
	}
}

// of returns the offsets from the beginning of a line, where missing rows are all in one place.
func (o *shortOffsets) of(line []float32, missing *vector) []int {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(line)))
	distance := int(uintptr(unsafe.Pointer(missing)) - from)
	for _, i := range o.missing {
		o.bytes[i] = distance
	}
	return o.bytes
}
