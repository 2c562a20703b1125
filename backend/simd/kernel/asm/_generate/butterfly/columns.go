package main

import (
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// This file writes the way back of lines for a radix whose rows are too many for the first cache where few of its sets have places
// for them, and a vector is half a row: there a row leaves the cache after its first half was written, and comes back for the
// second. So what is to be done before short transforms, those of columns, is done for each vector, and its results wait on the
// stack; then each column is computed for both vectors, and its rows are written at once. Columns have four numbers, as even
// eight rows of one set drive each other out of its eight places. Each has code of its own: the factors of what waits are
// left to it, where they cost nothing.

// columnsRadix is the radix of butterflies in columns, and columnNumbers how many numbers a column has.
const (
	columnsRadix  = 64
	columnNumbers = 4
)

// backInColumns writes the way back of the butterfly at hand of a line.
func (l *lineRoutine) backInColumns(registers []reg.VecPhysical) {
	const columns = columnsRadix / columnNumbers
	size, results := int(registers[0].Size()), realResults(columnNumbers)
	stage := GP64() // [columns, columnNumbers] rows
	LEAQ(AllocLocal(64*(columnsRadix+1)), stage)
	ADDQ(Imm(64-1), stage)
	ANDQ(I32(-64), stage)
	inStage := func(j, column int) (re, im Mem) { // the last of the results alone has an imaginary part
		re = Mem{Base: stage, Disp: 64 * (columnNumbers*column + slices.Index(results, j))}
		return re, re.Offset(64)
	}
	hasImaginary := func(j int) bool { return j == results[len(results)-1] }
	var waiting [columns]map[int]complexValue // with the factors that are left to the columns
	for column := range waiting {
		waiting[column] = map[int]complexValue{}
	}
	l.realRowsInverse(columnNumbers, columns, l.given, func(j, column int, z complexValue) {
		re, im := inStage(j, column)
		l.storeIn(value{z.re.id, 1}, re)
		if hasImaginary(j) {
			l.storeIn(value{z.im.id, 1}, im)
		}
		waiting[column][j] = z
	})
	l.reflectPairs()
	l.setFetches()
	rows := &l.fetches[0].count
	fetched := l.vectors * *rows / columns // in each column
	*rows -= fetched * columns / l.vectors
	l.eachVector(size, l.prepare(registers), l.at, stage)
	for c := range columns {
		column := &program{inOrder: true, fetches: []fetches{l.transfers.fetches(fetched)}}
		var numbers [columnNumbers][]value // of each vector
		for vector := range l.vectors {
			column.realInverse(columnNumbers, func(j int) complexValue {
				re, im := inStage(j, c)
				z := complexValue{re: column.memory(re.Offset(size * vector)).times(waiting[c][j].re.factor)}
				if hasImaginary(j) {
					z.im = column.memory(im.Offset(size * vector)).times(waiting[c][j].im.factor)
				}
				return z
			}, func(k int, v value) { numbers[k] = append(numbers[k], v) })
		}
		for k, row := range numbers[:l.numbers/columns] {
			var at Mem
			for vector, v := range row {
				column.store(v, func() Mem {
					if vector == 0 {
						at = l.row(columns*k + c)()
					}
					return at.Offset(size * vector)
				})
			}
		}
		column.reflectPairs()
		column.prepare(registers)()
	}
}
