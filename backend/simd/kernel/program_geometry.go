package kernel

// This file divides the elements of a program into tiles and units.

const (
	tileElements  = 1024 // at most in a tile
	unitElements  = 8192 // about as many in a unit
	columnUnits   = 64   // at most, where each unit keeps a row of partial results
	columnInput   = 256  // columns from which a tile is one row, so that a column input is a scalar in it
	tileAlignment = 16
)

// geometry sees the elements as rows. Where a row fits in a tile, a tile is a few whole rows, else a part of a row. A
// unit is some whole rows, or, where rows are long, a part of one.
type geometry struct {
	rows, columns int
	tile          int // elements in a tile at most
	tileRows      int // whole rows in a tile; 0 if a tile is part of a row
	unitRows      int // rows in a unit
	unitColumns   int // columns in a unit: columns, or fewer if unitRows is 1
}

// chooseGeometry makes a row what repeats or is reduced, so that most tiles find a repeated input where it lies.
func chooseGeometry(n int, p *Program) geometry {
	columns, hasColumnInput, byColumns := rowLength(n, p)
	g := geometry{rows: n / columns, columns: columns, unitColumns: columns}
	limit := tileElements
	if p.registers-len(p.inputs) > 5 {
		limit /= 2
	}
	switch {
	case columns > limit:
		parts := (columns + limit - 1) / limit
		g.tile = min((columns+parts-1)/parts+15, limit) &^ 15
	case hasColumnInput && columns >= columnInput:
		g.tileRows = 1
	default:
		g.tileRows = min(limit/columns, g.rows)
	}
	if g.tileRows > 0 {
		g.tile = g.tileRows * columns
	}
	step := max(g.tileRows, 1)
	g.unitRows = max(unitElements/columns/step*step, step)
	switch {
	case byColumns:
		if least := (g.rows + columnUnits - 1) / columnUnits; g.unitRows < least {
			g.unitRows = (least + step - 1) / step * step
		}
	case columns > unitElements:
		g.unitColumns = unitElements / g.tile * g.tile
	}
	g.tile = (g.tile + tileAlignment - 1) / tileAlignment * tileAlignment
	return g
}

// rowLength returns the length of a row: that of the reductions, else the shortest period of an input, else n.
func rowLength(n int, p *Program) (columns int, hasColumnInput, byColumns bool) {
	columns = n
	repeat := n
	for _, in := range p.inputs {
		if in.full() || in.scalar() {
			continue
		}
		if in.Inner > 1 {
			columns = min(columns, in.Inner)
		} else {
			hasColumnInput = true
			repeat = min(repeat, in.Repeat)
		}
	}
	if columns == n {
		columns = repeat
	}
	for _, o := range p.outputs {
		if o.kind >= rowOutput {
			columns = o.columns
			byColumns = byColumns || o.kind == columnOutput
		}
	}
	return columns, hasColumnInput, byColumns
}

// unitsPerRow is 1 where a unit holds whole rows.
func (g geometry) unitsPerRow() int { return (g.columns + g.unitColumns - 1) / g.unitColumns }

// Units returns into how many parts the work divides.
func (g geometry) Units() int {
	return (g.rows + g.unitRows - 1) / g.unitRows * g.unitsPerRow()
}
