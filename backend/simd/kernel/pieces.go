package kernel

// piece is some channels of one line, or of several that follow each other without a gap.
type piece struct {
	at    int // in x, of the first pixel
	lane  int // of a vector
	width int
}

// gather sets consecutive vectors to the lanes of pieces, stride floats further for each; other lanes become zero.
func gather(vectors, x []float32, pieces []piece, rows, stride int) {
	mustReach(x, pieces, rows, stride)
	_ = vectors[rows*lanes-1]
	if len(pieces) > 1 && gatherVector(vectors, x, pieces, rows, stride) {
		return
	}
	for lo := 0; lo < rows; lo += copiedRows {
		count, to := min(copiedRows, rows-lo), vectors[lo*lanes:]
		for i, p := range pieces {
			if from := x[p.at+lo*stride:]; i == 0 {
				packLanes(to, from, count, stride, p.width)
			} else {
				copyLanes(to[p.lane:], from, count, lanes, stride, p.width)
			}
		}
	}
}

// copiedRows is how many rows have their pieces copied one after the other: they are in the first cache.
const copiedRows = 64

// scatter is the way back.
func scatter(x, vectors []float32, pieces []piece, rows, stride int) {
	mustReach(x, pieces, rows, stride)
	_ = vectors[rows*lanes-1]
	if len(pieces) > 1 && scatterVector(x, vectors, pieces, rows, stride) {
		return
	}
	for lo := 0; lo < rows; lo += copiedRows {
		for _, p := range pieces {
			copyLanes(x[p.at+lo*stride:], vectors[lo*lanes+p.lane:], min(copiedRows, rows-lo), stride, lanes, p.width)
		}
	}
}

// mustReach panics where x ends before the pieces do.
func mustReach(x []float32, pieces []piece, rows, stride int) {
	for _, p := range pieces {
		_ = x[p.at+p.width-1+(rows-1)*stride]
	}
}
