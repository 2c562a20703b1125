package kernel

// gemmPanel is the product of a block of rows with one panel of B, over one stretch of K.
type gemmPanel struct {
	a                 []float32
	aRow, aCol, aTile int // aTile: from one tile of rows to the next
	b                 []float32
	bRow, k           int
	c                 []float32
	cRow              int
	rows, columns     int
	scale, bias       []float32
	residual          []float32
	options           int
}

func (p *gemmPanel) run() {
	if p.rows == 0 || p.columns == 0 {
		return
	}
	p.trim()
	if !p.runVector() {
		p.runGeneric()
	}
}

// trim cuts the slices down to what is used, so that a slice that is too short panics here.
func (p *gemmPanel) trim() {
	t := level.tile()
	if p.k > 0 {
		fullTiles := (p.rows - 1) / t.rows
		p.a = p.a[:fullTiles*p.aTile+(p.rows-1-fullTiles*t.rows)*p.aRow+(p.k-1)*p.aCol+1]
		p.b = p.b[:(p.k-1)*p.bRow+roundUp(p.columns, t.vector)]
	}
	p.c = p.c[:(p.rows-1)*p.cRow+p.columns]
	if p.scale != nil {
		p.scale = p.scale[:p.columns]
	}
	if p.bias != nil {
		p.bias = p.bias[:p.columns]
	}
	if p.residual != nil {
		p.residual = p.residual[:len(p.c)]
	}
}

// runGeneric is the definition of the assembly: tiles of rows, and in each blocks of four columns.
func (p *gemmPanel) runGeneric() {
	tileRows := level.tile().rows
	for i := 0; i < p.rows; i += tileRows {
		rows := min(tileRows, p.rows-i)
		for j := 0; j < p.columns; j += 4 {
			columns := min(4, p.columns-j)
			for r := 0; r < rows; r += 2 {
				p.pair(i/tileRows*p.aTile+r*p.aRow, i+r, min(2, rows-r), j, columns)
			}
		}
	}
}

// pair computes one or two rows by up to four columns. a is where the first row begins in A.
func (p *gemmPanel) pair(a, row, rows, column, columns int) {
	var sum [2][4]float32
	if p.options&optionAccumulate != 0 {
		for i := range rows {
			copy(sum[i][:columns], p.c[(row+i)*p.cRow+column:])
		}
	}
	a1 := a + (rows-1)*p.aRow // the one row twice where there is no second
	s00, s01, s02, s03 := sum[0][0], sum[0][1], sum[0][2], sum[0][3]
	s10, s11, s12, s13 := sum[1][0], sum[1][1], sum[1][2], sum[1][3]
	at := column
	for range p.k {
		b := p.b[at : at+4 : at+4]
		x, y := p.a[a], p.a[a1]
		s00 += x * b[0]
		s01 += x * b[1]
		s02 += x * b[2]
		s03 += x * b[3]
		s10 += y * b[0]
		s11 += y * b[1]
		s12 += y * b[2]
		s13 += y * b[3]
		a += p.aCol
		a1 += p.aCol
		at += p.bRow
	}
	sum = [2][4]float32{{s00, s01, s02, s03}, {s10, s11, s12, s13}}
	for i := range rows {
		p.finish(sum[i][:columns], row+i, column)
	}
}

// finish applies the epilogue to sums of a row and writes them.
func (p *gemmPanel) finish(sums []float32, row, column int) {
	at := row*p.cRow + column
	for j, y := range sums {
		if p.scale != nil {
			y *= p.scale[column+j]
		}
		if p.bias != nil {
			y += p.bias[column+j]
		}
		if p.residual != nil && p.options&optionResidualFirst != 0 {
			y += p.residual[at+j]
		}
		switch {
		case p.options&optionReLU6 != 0:
			y = ReLU6.of(y)
		case p.options&optionReLU != 0:
			y = ReLU.of(y)
		}
		if p.residual != nil && p.options&optionResidualFirst == 0 {
			y += p.residual[at+j]
		}
		p.c[at+j] = y
	}
}
