package kernel

// This file runs programs: unit by unit, tile by tile, instruction by instruction.

import "unsafe"

// run is the state of one Run.
type run struct {
	*Program
	inputs, outputs []Memory
	partials        []float32
	scratch         unsafe.Pointer
	at              [maxInputs]operand
	held            [maxInputs]expansion
}

// expansion says which part of a repeated input a register holds; nothing if its length is 0.
type expansion struct{ outer, phase, length int }

// Run computes units lo to hi−1. inputs and outputs are where the tensors begin, in the order in which they were added;
// partials has PartialSize floats and is common to all units, scratch has ScratchSize floats of the caller's own.
func (p *Program) Run(inputs, outputs []Memory, partials, scratch []float32, lo, hi int) {
	start := unsafe.Pointer(&scratch[:p.ScratchSize()][0])
	start = unsafe.Add(start, -int(uintptr(start))&(4*tileAlignment-1))
	r := run{Program: p, inputs: inputs, outputs: outputs, partials: partials, scratch: start}
	for unit := lo; unit < hi; unit++ {
		r.unit(unit)
	}
}

func (r *run) unit(unit int) {
	if r.unitsPerRow() > 1 {
		row, part := unit/r.unitsPerRow(), unit%r.unitsPerRow()
		r.rowPart(unit, row, part*r.unitColumns, min((part+1)*r.unitColumns, r.columns), row)
		return
	}
	first, end := unit*r.unitRows, min((unit+1)*r.unitRows, r.rows)
	if r.tileRows == 0 {
		for row := first; row < end; row++ {
			r.rowPart(unit, row, 0, r.columns, first)
		}
		return
	}
	for row := first; row < end; row += r.tileRows {
		rows := min(r.tileRows, end-row)
		t := tile{position: row * r.columns, length: rows * r.columns, row: row, rows: rows, width: r.columns, unit: unit, top: row == first, left: true}
		r.tileAt(&t)
	}
}

// rowPart computes columns from to to−1 of one row, a tile at a time.
func (r *run) rowPart(unit, row, from, to, first int) {
	for column := from; column < to; column += r.tile {
		length := min(r.tile, to-column)
		t := tile{position: row*r.columns + column, length: length, row: row, rows: 1, column: column, width: length, unit: unit, top: row == first, left: column == from}
		r.tileAt(&t)
	}
}

// tile is a part of the elements: some whole rows, or a part of one row.
type tile struct {
	position, length int
	row, rows        int
	column, width    int
	unit             int
	top, left        bool // at the first row, at the first column of its unit
}

func (r *run) tileAt(t *tile) {
	for i := range r.Program.inputs {
		r.at[i] = r.input(i, t.position, t.length)
	}
	for i := range r.instructions {
		s := &r.instructions[i]
		n := t.length
		if s.scalar {
			n = 1
		}
		var args [3]operand
		for k := range s.op.Operands() {
			args[k] = r.operand(s.args[k], t.position)
		}
		dst := r.operand(s.dst, t.position)
		applyPart(s.op, floats(dst.pointer, n), args[0], args[1], args[2])
	}
	for i := range r.Program.outputs {
		r.output(i, t)
	}
}

func floats(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

func (r *run) register(i int) unsafe.Pointer { return unsafe.Add(r.scratch, 4*i*r.tile) }

func (r *run) operand(l location, position int) operand {
	switch l.memory {
	case constantPlace:
		return operand{unsafe.Pointer(&r.constants[l.index]), 0}
	case inputPlace:
		return r.at[l.index]
	case registerPlace:
		return operand{r.register(int(l.index)), 1}
	case scalarPlace:
		return operand{r.register(int(l.index)), 0}
	default:
		return operand{unsafe.Add(r.outputs[l.index], 4*position), 1}
	}
}

// input finds where a tile of an input lies: in its own memory if it does not repeat inside the tile, else expanded in
// a register, where it stays as long as it fits the tiles that follow.
func (r *run) input(i, position, length int) operand {
	in, memory := &r.Program.inputs[i], r.inputs[i]
	switch {
	case in.full() && in.bool:
		dst := r.register(i)
		BoolsToFloats(floats(dst, length), unsafe.Slice((*byte)(unsafe.Add(memory, position)), length))
		return operand{dst, 1}
	case in.full():
		return operand{unsafe.Add(memory, 4*position), 1}
	case in.scalar() && !in.bool:
		return operand{memory, 0}
	case in.scalar():
		dst := r.register(i)
		floats(dst, 1)[0] = float32(*(*byte)(memory))
		return operand{dst, 0}
	}
	block := in.Repeat * in.Inner
	outer, phase := position/block, position%in.Inner
	if !in.bool && in.Inner > 1 && phase+length <= in.Inner {
		return operand{unsafe.Add(memory, 4*(outer*in.Inner+phase)), 1}
	}
	whole := position%block+length <= block
	if !in.bool && in.Inner == 1 && whole {
		return operand{unsafe.Add(memory, 4*outer), 0}
	}
	dst, h := operand{r.register(i), 1}, &r.held[i]
	if whole && h.outer == outer && h.phase == phase && length <= h.length {
		return dst
	}
	in.expand(floats(dst.pointer, length), memory, position)
	if *h = (expansion{}); whole {
		*h = expansion{outer, phase, length}
	}
	return dst
}

// expand writes the elements from position on, repeats and all.
func (in *programInput) expand(dst []float32, memory Memory, position int) {
	block := in.Repeat * in.Inner
	for len(dst) > 0 {
		outer, n := position/block, min(len(dst), in.Inner-position%in.Inner)
		at := outer*in.Inner + position%in.Inner
		if in.Inner == 1 {
			n = min(len(dst), in.Repeat-position%in.Repeat)
		}
		switch {
		case in.bool && in.Inner == 1:
			v := float32(unsafe.Slice((*byte)(memory), at+1)[at])
			fill(dst[:n], v)
		case in.bool:
			BoolsToFloats(dst[:n], unsafe.Slice((*byte)(memory), at+n)[at:])
		default:
			source := operand{unsafe.Add(memory, 4*at), 1}
			if in.Inner == 1 {
				source.step = 0
			}
			applyPart(OpCopy, dst[:n], source, operand{}, operand{})
		}
		dst, position = dst[n:], position+n
	}
}

// output finishes a tile of an output.
func (r *run) output(i int, t *tile) {
	o := &r.Program.outputs[i]
	source := r.operand(o.source, t.position)
	switch o.kind {
	case floatOutput:
		if o.source != (location{outputPlace, int32(i)}) {
			applyPart(OpCopy, floats(unsafe.Add(r.outputs[i], 4*t.position), t.length), source, operand{}, operand{})
		}
	case boolOutput:
		FloatsToBools(unsafe.Slice((*byte)(unsafe.Add(r.outputs[i], t.position)), t.length), floats(source.pointer, t.length))
	case rowOutput:
		r.reduceTileRows(o, r.outputs[i], floats(source.pointer, t.length), t)
	case columnOutput:
		sums := r.partials[o.partial+t.unit*r.columns+t.column:][:t.width]
		if t.top {
			fill(sums, o.reduction.identity())
		}
		reduceColumns(o.reduction, sums, floats(source.pointer, t.length), t.rows, t.width)
	}
}

func (r *run) reduceTileRows(o *programOutput, memory Memory, x []float32, t *tile) {
	dst := floats(unsafe.Add(memory, 4*t.row), t.rows)
	if o.partial >= 0 {
		dst = r.partials[o.partial+t.unit:][:1]
	}
	for row := range dst {
		v := reduceRow(o.reduction, x[row*t.width:][:t.width])
		if !t.left {
			v = o.reduction.combine(dst[row], v)
		}
		dst[row] = v
	}
}

func (p *Program) placePartials() {
	for i := range p.outputs {
		size := 0
		switch o := &p.outputs[i]; {
		case o.kind == rowOutput && p.unitsPerRow() > 1:
			size = p.Units()
		case o.kind == columnOutput:
			size = p.Units() * p.columns
		default:
			continue
		}
		p.outputs[i].partial = p.partialSize
		p.partialSize += size
	}
}

// PartialSize returns how many floats of partial results all units together leave; without any, Combine does nothing.
func (p *Program) PartialSize() int { return p.partialSize }

// Combine makes the reduced outputs from the partial results, once every unit has run.
func (p *Program) Combine(outputs []Memory, partials []float32) {
	for i := range p.outputs {
		o := &p.outputs[i]
		if o.partial < 0 {
			continue
		}
		if o.kind == columnOutput {
			dst := floats(outputs[i], p.columns)
			fill(dst, o.reduction.identity())
			reduceColumns(o.reduction, dst, partials[o.partial:][:p.Units()*p.columns], p.Units(), p.columns)
			continue
		}
		dst, n := floats(outputs[i], p.rows), p.unitsPerRow()
		for row := range dst {
			dst[row] = reduceRow(o.reduction, partials[o.partial+row*n:][:n])
		}
	}
}
