package simd_test

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	_ "github.com/fastparc/fastparc/backend/simd"
)

// A GoMLX graph runs on this backend as soon as the package is imported.
func Example() {
	backend := compute.MustNew()
	defer backend.Finalize()
	fmt.Println("running on", backend.Name())

	// Every pixel becomes the sum of its 3×3 neighbours.
	blur := MustNewExec(backend, func(image *Node) *Node {
		kernel := Ones(image.Graph(), shapes.Make(dtypes.Float32, 3, 3, 1, 1))
		return Convolve(image, kernel).PadSame().Done()
	})
	image := [][][][]float32{{
		{{1}, {2}, {3}},
		{{4}, {5}, {6}},
		{{7}, {8}, {9}},
	}}
	fmt.Println(blur.MustCall(image)[0].Value())
	// Output:
	// running on simd
	// [[[[12] [21] [16]] [[27] [45] [33]] [[24] [39] [28]]]]
}
