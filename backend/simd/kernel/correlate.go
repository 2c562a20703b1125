package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// tileOutputs is the number of sums that a kernel holds in registers: it divides the field's sizes 7, 14, 28, 56.
const tileOutputs = 7

// narrowOutputs is that of the kernels for tiles of 3, the width of many a depth-wise kernel.
const narrowOutputs = 3

// maxProducts bounds the vector products of one assembly call, to about 50 µs: assembly cannot be preempted.
const maxProducts = 1 << 17

// correlation describes sliding sums over sixteen channels, what depth-wise and circular convolutions and their
// gradients come down to: for t < tiles and o < 7, or 3 where narrow
//
//	out[t·outTile + o·outStep] = start[t·startTile + o·startStep]
//		+ Σ_{r < rows} Σ_{p < steps} (a[t·aTile + r·aRow + p·aStep] + add[p·16]) · b[t·bTile + r·bRow + p·bStep + o·bOut]
//
// where an index stands for the sixteen floats from there on. Strides count floats. The sum over p is the inner one.
// rows may be 0.
type correlation struct {
	tiles, rows, steps       int
	outTile, outStep         int
	startTile, startStep     int
	aTile, aRow, aStep       int
	bTile, bRow, bStep, bOut int
	narrow                   bool // without an added term only
}

// outputs returns the number of outputs of a tile.
func (c *correlation) outputs() int {
	if c.narrow {
		return narrowOutputs
	}
	return tileOutputs
}

// place is a position in a slice, with floats before it that may be reached by negative strides.
type place struct {
	slice []float32
	at    int
}

func (p place) plus(floats int) place { return place{p.slice, p.at + floats} }

// run computes the sums. add may be nil. out may be the same memory as start with the same strides.
func (c correlation) run(out, start, a place, add []float32, b place) {
	if level == AVX512 && c.bOut == c.bStep {
		// The kernel that keeps b in registers wants it to run backwards over the outputs.
		last := c.outputs() - 1
		out, start, b = out.plus(last*c.outStep), start.plus(last*c.startStep), b.plus(last*c.bOut)
		c.outStep, c.startStep, c.bOut = -c.outStep, -c.startStep, -c.bOut
	}
	if c.tiles*c.rows*c.steps*tileOutputs <= maxProducts {
		c.runAtOnce(out, start, a, add, b)
		return
	}
	tiles, atOnce := c.tiles, max(1, maxProducts/(c.rows*c.steps*tileOutputs))
	for t := 0; t < tiles; t += atOnce {
		c.tiles = min(atOnce, tiles-t)
		c.runAtOnce(out.plus(t*c.outTile), start.plus(t*c.startTile), a.plus(t*c.aTile), add, b.plus(t*c.bTile))
	}
}

// runAtOnce computes the sums in one call.
func (c *correlation) runAtOnce(out, start, a place, add []float32, b place) {
	if !c.runVector(out, start, a, add, b) {
		c.runGeneric(out, start, a, add, b)
	}
}

// shape returns the description as the assembly reads it.
func (c *correlation) shape() [asm.ShapeLength]int {
	return [asm.ShapeLength]int{
		asm.ShapeTiles: c.tiles, asm.ShapeRows: c.rows, asm.ShapeSteps: c.steps,
		asm.ShapeOutTile: c.outTile, asm.ShapeOutStep: c.outStep,
		asm.ShapeStartTile: c.startTile, asm.ShapeStartStep: c.startStep,
		asm.ShapeATile: c.aTile, asm.ShapeARow: c.aRow, asm.ShapeAStep: c.aStep, asm.ShapeAddStep: lanes,
		asm.ShapeBTile: c.bTile, asm.ShapeBRow: c.bRow, asm.ShapeBStep: c.bStep, asm.ShapeBOut: c.bOut,
	}
}

// runGeneric is the definition of the kernels.
func (c *correlation) runGeneric(out, start, a place, add []float32, b place) {
	for t := range c.tiles {
		var all [tileOutputs][lanes]float32
		sums := all[:c.outputs()]
		for o := range sums {
			copy(sums[o][:], start.slice[start.at+t*c.startTile+o*c.startStep:][:lanes])
		}
		for r := range c.rows {
			for p := range c.steps {
				x := [lanes]float32(a.slice[a.at+t*c.aTile+r*c.aRow+p*c.aStep:])
				if add != nil {
					for l, e := range add[p*lanes:][:lanes] {
						x[l] += e
					}
				}
				from := b.at + t*c.bTile + r*c.bRow + p*c.bStep
				for o := range sums {
					sum, y := &sums[o], (*[lanes]float32)(b.slice[from+o*c.bOut:])
					for l := range lanes {
						sum[l] += x[l] * y[l]
					}
				}
			}
		}
		for o := range sums {
			copy(out.slice[out.at+t*c.outTile+o*c.outStep:][:lanes], sums[o][:])
		}
	}
}
