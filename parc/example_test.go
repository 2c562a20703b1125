package parc_test

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"

	"github.com/fastparc/fastparc/parc"
)

// A kernel that is 1 everywhere, and no embedding, sums each column: every output sees the whole height.
func ExampleNew() {
	backend, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		fmt.Println(err)
		return
	}
	layer := func(scope *model.Scope, x *graph.Node) *graph.Node {
		scope = scope.WithInitializer(initializer.One)
		return parc.New(scope, x).Axis(parc.Height).KernelSize(14).PositionEmbedding(false).Done()
	}
	exec, err := model.NewExec(backend, model.NewStore(), layer)
	if err != nil {
		fmt.Println(err)
		return
	}
	images := [][][][]float32{{ // one image of height 3 and width 2 with one channel
		{{1}, {10}},
		{{2}, {20}},
		{{3}, {30}},
	}}
	outputs, err := exec.Call(images)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range outputs[0].Value().([][][][]float32)[0] {
		fmt.Printf("%.0f\n", row)
	}
	// Output:
	// [[6] [60]]
	// [[6] [60]]
	// [[6] [60]]
}

// The operator on nodes: kernel [0, 1] takes each position's successor, round the edge.
func ExampleConvolve() {
	backend, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		fmt.Println(err)
		return
	}
	exec, err := graph.NewExec(backend, func(x, kernel *graph.Node) *graph.Node {
		return parc.Convolve(x, kernel, nil, nil, parc.Options{Axis: parc.Width, Form: parc.Spatial})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	row := [][][][]float32{{{{1}, {2}, {3}, {4}}}}
	kernel := [][]float32{{0}, {1}, {0}, {0}}
	outputs, err := exec.Call(row, kernel)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outputs[0].Value())
	// Output: [[[[2] [3] [4] [1]]]]
}
