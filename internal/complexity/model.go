package complexity

import (
	"fmt"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/parc"
)

// Place is where a model has ParC: maps of one shape in one stage.
type Place struct {
	Stage string `json:"stage"`
	// Count is the number of pairs of convolutions, along H and along W, that there are in the stage.
	Count int `json:"count"`
	Map
	// Built is the number of parameters that the convolutions have in the model, whose embeddings may be shared or left out.
	Built int64 `json:"-"`
}

// Costs returns what the operator costs in all of the place.
func (p Place) Costs(o Operator) Costs {
	c := o.Costs(p.Map)
	return Costs{int64(p.Count) * c.MultiplyAdds, int64(p.Count) * c.Parameters}
}

// Places returns where a model has ParC, or an error where it has none.
func Places(m *models.Model) ([]Place, error) {
	var places []Place
	for _, stage := range m.Costs().Stages {
		counts, parameters := map[Map]int{}, map[Map]int64{}
		var order []Map
		for _, c := range stage.Circular {
			at := mapOf(c)
			if counts[at] == 0 {
				order = append(order, at)
			}
			parameters[at] += c.Parameters
			if c.Axis == parc.Height {
				counts[at]++
			}
		}
		for _, at := range order {
			places = append(places, Place{stage.Name, counts[at], at, parameters[at]})
		}
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("%s has no circular convolutions: want a model with ParC", m.Name())
	}
	return places, nil
}

// mapOf is the map of which a convolution has half the channels.
func mapOf(c nn.Circular) Map {
	return Map{Height: c.Height, Width: c.Width, Channels: 2 * c.Channels, Dense: c.Dense}
}
