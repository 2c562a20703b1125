package main

import "github.com/mmcloughlin/avo/reg"

type vectorRegister = reg.VecPhysical

var zmm = []vectorRegister{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []vectorRegister{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// General registers of the matrix product. Those of the inner loop are set anew for every tile of rows.
var (
	aLow      = reg.RAX // row 0 of the tile at the current k
	aHigh     = reg.RBX // row 7
	aRow      = reg.RCX // bytes between rows of A
	aRow3     = reg.RDX // 3 times that
	aRow5     = reg.RSI // 5 times that
	aColumn   = reg.RDI // bytes between columns of A
	bLine     = reg.R8  // the panel at the current k
	bRow      = reg.R9  // bytes between rows of B
	count     = reg.R10 // what is left of k
	cTile     = reg.R11 // the tile's first element in C
	rowsLeft  = reg.R12
	aTile     = reg.R13 // the tile's first element in A
	residuals = reg.R15 // the tile's first element in the residual, or nil

	// Of the epilogue, where the inner loop's registers are free.
	walker  = reg.RAX // a row of C or of the residual
	cRow    = reg.RDX // bytes between rows of C
	options = reg.RSI
	vectors = reg.RDI // scale or bias
)
