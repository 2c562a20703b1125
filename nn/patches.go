package nn

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Patches divides feature maps into square patches and applies layers to sequences of one position of each: the first
// positions of all patches are a sequence, the second positions another (Mehta and Rastegari, "MobileViT", section 3.1).
// Maps that patches do not divide are resized to the next larger size that they do, and back.
type Patches struct {
	// Size is the height and width of a patch.
	Size int
	// Layers get and return sequences [batch·size·size, patches, channels].
	Layers Sequential
}

// Apply implements [Layer].
func (p Patches) Apply(scope *model.Scope, x *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	batch, height, width := dims[0], dims[1], dims[2]
	rows, columns := (height+p.Size-1)/p.Size, (width+p.Size-1)/p.Size

	x = Resize(x, rows*p.Size, columns*p.Size)
	x = graph.Reshape(x, batch, rows, p.Size, columns, p.Size, -1)
	x = graph.TransposeAllAxes(x, 0, 2, 4, 1, 3, 5)
	x = graph.Reshape(x, batch*p.Size*p.Size, rows*columns, -1)

	x = p.Layers.Apply(scope, x)

	x = graph.Reshape(x, batch, p.Size, p.Size, rows, columns, -1)
	x = graph.TransposeAllAxes(x, 0, 3, 1, 4, 2, 5)
	x = graph.Reshape(x, batch, rows*p.Size, columns*p.Size, -1)
	return Resize(x, height, width)
}
