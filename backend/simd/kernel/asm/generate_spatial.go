package asm

//go:generate sh -c "cd _generate && go run ./correlate -out ../correlate_amd64.s -stubs ../correlate_amd64.go -pkg asm"
//go:generate sh -c "cd _generate && go run ./lanes -out ../lanes_amd64.s -stubs ../lanes_amd64.go -pkg asm"

// Places in the shape argument of the Correlate kernels; strides count floats.
const (
	ShapeTiles     = iota // tiles of seven or three outputs, at least 1
	ShapeRows             // rows that each output sums over, may be 0
	ShapeSteps            // steps that each row sums over, at least 1
	ShapeOutTile          // from one tile's first output to the next tile's
	ShapeOutStep          // from one output to the next
	ShapeStartTile        // the same, of where the sums start from
	ShapeStartStep        //
	ShapeATile            // from one tile's first a to the next tile's
	ShapeARow             // from one row's first a to the next row's
	ShapeAStep            // from one step's a to the next step's
	ShapeAddStep          // from one step's added term to the next step's
	ShapeBTile            // as for a
	ShapeBRow             //
	ShapeBStep            //
	ShapeBOut             // from the b of one output to that of the next
	ShapeLength
)
