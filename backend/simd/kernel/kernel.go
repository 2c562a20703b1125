// Package kernel holds the arithmetic of the simd backend: every routine works on plain float32 slices, allocates
// nothing, starts no goroutine, and exists three times: for AVX-512, for AVX2 with FMA, and in pure Go.
//
// The pure-Go twin is the definition; the others are generated (see kernel/asm) and tested against it and against
// float64. Routines that a caller may split over threads take a half-open range of units (rows, tiles, channels
// blocks) to work on, and give the same bits however the whole is split.
package kernel

import "os"

// Level is an instruction set that the kernels are written for.
type Level int

const (
	// Generic is pure Go, for every processor.
	Generic Level = iota
	// AVX2 needs AVX2 and FMA.
	AVX2
	// AVX512 needs AVX-512 F, BW, DQ and VL, and BMI2 to make masks.
	AVX512

	levels = iota
)

// String gives the level's name as LevelVariable accepts it.
func (l Level) String() string {
	switch l {
	case AVX512:
		return "avx512"
	case AVX2:
		return "avx2"
	default:
		return "generic"
	}
}

// LevelVariable names the environment variable that lowers the level: generic, avx2 or avx512. A level that the
// processor lacks is ignored.
const LevelVariable = "FASTPARC_SIMD"

// level is what dispatch looks at. It changes only in tests.
var level = chooseLevel(os.Getenv(LevelVariable), supported())

// CurrentLevel returns the instruction set in use.
func CurrentLevel() Level { return level }

// chooseLevel returns the level that the user asked for by name, or the best one where the processor lacks it or the
// name is not known.
func chooseLevel(asked string, best Level) Level {
	for l := Generic; l <= best; l++ {
		if l.String() == asked {
			return l
		}
	}
	return best
}
