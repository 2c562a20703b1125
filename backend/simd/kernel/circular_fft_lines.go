package kernel

// lineVectors is where the lines of a tensor are, and how their channels are dealt out to vectors of sixteen lanes.
//
// Where it saves lanes, the channels of all lines are dealt out one line after the other, so that a vector may have
// channels of several; else each line begins a new vector. Vectors repeat their channels after some, the phases: a
// kernel's spectrum is needed once a phase.
type lineVectors struct {
	x               []float32
	n, step         int // pixels of a line, and floats from one to the next
	next, image     int // floats from a line and from an image to the next
	lines, all      int // of an image, of all images
	channels        int // of a line
	vectors, phases int
	dense           bool
	pixels          int // floats of an image of dense lines without gaps between them; 0 for others
}

// maxDensePhases bounds the spectra that lanes are saved for.
const maxDensePhases = 9

// lineVectors returns where the lines of x are.
func (c *Circular) lineVectors(x []float32, stride int) lineVectors {
	l := lineVectors{
		x: x, n: c.length(), step: c.W * stride, next: stride, image: c.H * c.W * stride, lines: c.W, channels: c.C,
	}
	if c.Axis == Width {
		l.lines, l.step, l.next = c.H, l.next, l.step
	}
	l.all = c.Batch * l.lines
	l.phases = c.C / greatestCommonDivisor(c.C, lanes)
	if l.dense = l.phases <= maxDensePhases; l.dense {
		l.vectors = blocksOf(l.all * c.C)
		l.phases = min(l.phases, l.vectors)
		if l.next == c.C {
			l.pixels = l.lines * c.C
		}
	} else {
		l.phases = blocksOf(c.C)
		l.vectors = l.all * l.phases
	}
	return l
}

// place returns the line, and the channels of it or of it and those after it, that a vector has.
func (l *lineVectors) place(vector int) (line, channel, used int) {
	if !l.dense {
		phase := vector % l.phases
		return vector / l.phases, phase * lanes, usedLanes(l.channels, phase)
	}
	first := vector * lanes
	return first / l.channels, first % l.channels, lanes
}

// whole returns where a vector is in x, if its lanes are next to each other.
func (l *lineVectors) whole(vector int) (at int, whole bool) {
	if l.pixels > 0 {
		image, first := 0, vector*lanes
		if first >= l.pixels {
			image = first / l.pixels
			first -= image * l.pixels
		}
		return image*l.image + first, first+lanes <= l.pixels
	}
	line, channel, used := l.place(vector)
	return l.at(line/l.lines, line%l.lines, channel, used)
}

// pairPlace is where two vectors are in a tensor; the second is -1 where there is none.
type pairPlace struct{ first, second int }

// begins returns where two vectors are in x, with no second where it is the first, and whether the lanes of each are next to
// each other.
func (l *lineVectors) begins(first, second int) (at pairPlace, whole bool) {
	at.first, whole = l.whole(first)
	if at.second = -1; first != second {
		var alsoWhole bool
		at.second, alsoWhole = l.whole(second)
		whole = whole && alsoWhole
	}
	return at, whole
}

// pair returns x from where two vectors begin; nil for the second where there is none.
func (l *lineVectors) pair(at pairPlace) (first, second []float32) {
	if at.second >= 0 {
		second = l.x[at.second:]
	}
	return l.x[at.first:], second
}

// at returns where a vector begins that has so many channels of a line, or of it and those after it, and whether sixteen
// lanes are next to each other there.
func (l *lineVectors) at(image, line, channel, used int) (at int, whole bool) {
	room := l.channels - channel
	if l.next == l.channels {
		room += (l.lines - 1 - line) * l.channels
	}
	return image*l.image + line*l.next + channel, used == lanes && room >= lanes
}

// run returns where a vector is whose lanes are next to each other, and how many with the same channels, itself included,
// follow next floats from each other; none, if its lanes are not.
func (l *lineVectors) run(vector int) (at, next, count int) {
	at, whole := l.whole(vector)
	if !whole {
		return 0, 0, 0
	}
	line, channel, _ := l.place(vector)
	lines := l.lines - line%l.lines
	switch {
	case !l.dense || l.channels%lanes == 0:
		return at, l.next, lines
	case l.next == l.channels:
		next = l.phases * lanes
		return at, next, 1 + (lines*l.channels-channel-lanes)/next
	default:
		return at, 0, 1
	}
}

// pieces returns the pieces of a vector. The last vector of all may have fewer than sixteen lanes.
func (l *lineVectors) pieces(vector int, pieces *[lanes]piece) []piece {
	line, channel, used := l.place(vector)
	count := 0
	for lane := 0; lane < used && line < l.all; {
		at, width := line/l.lines*l.image+line%l.lines*l.next+channel, min(l.channels-channel, used-lane)
		if count > 0 && pieces[count-1].at+pieces[count-1].width == at {
			pieces[count-1].width += width
		} else {
			pieces[count] = piece{at, lane, width}
			count++
		}
		line, channel, lane = line+1, 0, lane+width
	}
	return pieces[:count]
}

// load copies the lanes of a vector to n consecutive rows; lanes that it has not become zero.
func (l *lineVectors) load(rows []float32, vector int) {
	var pieces [lanes]piece
	gather(rows, l.x, l.pieces(vector, &pieces), l.n, l.step)
}

// store is the way back.
func (l *lineVectors) store(vector int, rows []float32) {
	var pieces [lanes]piece
	scatter(l.x, rows, l.pieces(vector, &pieces), l.n, l.step)
}

// turns returns how many signals a phase has at most, and turnsOf how many it has.
func (l *lineVectors) turns() int            { return l.turnsOf(0) }
func (l *lineVectors) turnsOf(phase int) int { return ceilDivide(l.vectors-phase, 2*l.phases) }

// rounds returns how often the vectors go through the phases, the last time maybe not to the end.
func (l *lineVectors) rounds() int { return ceilDivide(l.vectors, l.phases) }

// signal returns the vectors of a signal, the same twice where it has one alone, as the phase's last one may be.
func (l *lineVectors) signal(turn, phase int) (first, second int) {
	first = 2*turn*l.phases + phase
	if second = first + l.phases; second >= l.vectors {
		second = first
	}
	return first, second
}
