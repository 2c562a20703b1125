//go:build !noasm

package kernel

// This file sends vectors whose lanes come from several pieces to their assembly routines.

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// half is how many lanes most routines take at a time.
const half = lanes / 2

// pieceArguments are pieces as routines take them.
type pieceArguments struct {
	count         int
	lanes, places [2 * 3]int
	masks         uint64
}

// add adds a piece whose mask has bits bits, of them width from first on.
func (a *pieceArguments) add(lane, place, first, width, bits int) {
	a.lanes[a.count], a.places[a.count] = lane, place
	a.masks |= (1<<width - 1) << first << (bits * a.count)
	a.count++
}

// gatherVector is gather in assembly, and says whether there is any for the level in use and these pieces.
func gatherVector(vectors, x []float32, pieces []piece, rows, stride int) bool {
	var a pieceArguments
	if level == AVX512 && len(pieces) == 2 {
		for _, p := range pieces {
			a.add(0, p.at-p.lane, p.lane, p.width, lanes)
		}
		asm.Gather2AVX512(&vectors[0], &x[0], &a.places[0], rows, stride, a.masks)
		return true
	}
	count := a.halves(pieces)
	switch {
	case level == AVX512 && count == 2:
		asm.GatherHalves2AVX512(&vectors[0], &x[0], &a.places[0], rows, stride, a.masks)
	case level == AVX512 && count == 3:
		asm.GatherHalves3AVX512(&vectors[0], &x[0], &a.places[0], rows, stride, a.masks)
	case level == AVX2 && count == 2:
		asm.GatherHalves2AVX2(&vectors[0], &x[0], &a.places[0], rows, stride, a.masks)
	case level == AVX2 && count == 3:
		asm.GatherHalves3AVX2(&vectors[0], &x[0], &a.places[0], rows, stride, a.masks)
	default:
		return false
	}
	return true
}

// halves adds the parts that pieces have in either half of a vector, as many of each, of which some may be empty. It returns how
// many: 2, 3, or 0 where there are more.
func (a *pieceArguments) halves(pieces []piece) int {
	var parts [2][3]piece
	var counts [2]int
	for _, p := range pieces {
		for i := range parts {
			begin := i * half
			from, to := max(p.lane, begin), min(p.lane+p.width, begin+half)
			if from >= to {
				continue
			}
			if counts[i] == len(parts[i]) {
				return 0
			}
			parts[i][counts[i]] = piece{p.at - p.lane + begin, from - begin, to - from}
			counts[i]++
		}
	}
	count := max(2, counts[0], counts[1])
	for i := range parts {
		for _, p := range parts[i][:count] {
			a.add(0, p.at, p.lane, p.width, half)
		}
	}
	return count
}

// scatterVector is scatter in assembly, and says whether there is any for the level in use and these pieces.
func scatterVector(x, vectors []float32, pieces []piece, rows, stride int) bool {
	if level != AVX512 { // masked stores are slow on some processors that have AVX2 alone
		return false
	}
	var a pieceArguments
	for _, p := range pieces {
		for begin := 0; begin < p.width; begin += half {
			if a.count == 4 {
				return false
			}
			a.add(p.lane+begin, p.at+begin, 0, min(p.width-begin, half), half)
		}
	}
	switch a.count {
	case 2:
		asm.Scatter2AVX512(&vectors[0], &x[0], &a.lanes[0], &a.places[0], rows, stride, a.masks)
	case 3:
		asm.Scatter3AVX512(&vectors[0], &x[0], &a.lanes[0], &a.places[0], rows, stride, a.masks)
	case 4:
		asm.Scatter4AVX512(&vectors[0], &x[0], &a.lanes[0], &a.places[0], rows, stride, a.masks)
	}
	return true
}
