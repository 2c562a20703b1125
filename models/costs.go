package models

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/fastparc/fastparc/nn"
)

// Costs is what a model holds and does for one image.
type Costs struct {
	// Stages lists the parts of the model in order, the head last.
	Stages []StageCosts
	// Parameters is the number of learned values.
	Parameters int64
	// MACs is the number of multiply-adds of convolutions, dense layers and products of attention, each counted once.
	// Circular convolutions count as their spatial form.
	MACs int64
}

// StageCosts is the part of one stage.
type StageCosts struct {
	Name       string
	Parameters int64
	MACs       int64
	// Output is the shape of the stage's output for one image: height, width and channels, or the number of classes.
	Output []int
	// Circular lists the stage's circular convolutions.
	Circular []nn.Circular
}

// Costs returns what the model holds, and does for an image of the size in its options.
func (m *Model) Costs() Costs {
	return m.costs
}

// count builds the graph of the model for one image, without running it, and adds up its parts.
func (m *Model) count() (costs Costs, err error) {
	backend, err := gobackend.New("")
	if err != nil {
		return costs, err
	}
	defer backend.Finalize()
	err = exceptions.TryCatch[error](func() {
		g := graph.NewGraph(backend, m.name)
		defer g.Finalize()
		scope := model.NewStore().RootScope()
		size := m.options.ImageSize
		x := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, size[0], size[1], 3))
		counter := nn.Count(g)
		parts := append(m.network.stages[:len(m.network.stages):len(m.network.stages)], stage{name: "head", layers: m.network.head})
		for _, part := range parts {
			before := *counter
			x = part.layers.Apply(scope, x)
			if part.norm != nil {
				part.norm.Apply(scope, x)
			}
			costs.Stages = append(costs.Stages, StageCosts{
				Name:       part.name,
				Parameters: counter.Parameters - before.Parameters,
				MACs:       counter.MACs - before.MACs,
				Output:     x.Shape().Dimensions[1:],
				Circular:   counter.Circular[len(before.Circular):],
			})
		}
		costs.Parameters, costs.MACs = counter.Parameters, counter.MACs
	})
	if err != nil {
		return Costs{}, fmt.Errorf("for images of %d×%d: %w", m.options.ImageSize[0], m.options.ImageSize[1], err)
	}
	return costs, nil
}
