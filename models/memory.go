package models

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// PeakMemory returns the bytes that the activations of one image, of the size in the options, take at most on an engine
// that plans memory ahead, as simd does: the image, the logits and what lies between at the same time. Weights are not in
// it. It is an error if the engine does not tell.
func (m *Model) PeakMemory(backend compute.Backend) (bytes int, err error) {
	err = exceptions.TryCatch[error](func() {
		g := graph.NewGraph(backend, m.name)
		defer g.Finalize()
		size := m.options.ImageSize
		images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, size[0], size[1], 3))
		logits := m.Logits(model.NewStore().RootScope(), images)
		if err := g.Compile(logits); err != nil {
			panic(err)
		}
		planned, ok := g.Executable().(interface{ TemporaryBytes() int })
		if !ok {
			panic(fmt.Errorf("engine %s does not tell how much memory it takes", backend.Name()))
		}
		bytes = planned.TemporaryBytes() + int(images.Shape().ByteSize()) + int(logits.Shape().ByteSize())
	})
	if err != nil {
		return 0, fmt.Errorf("models: %s: %w", m.name, err)
	}
	return bytes, nil
}
