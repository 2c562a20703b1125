package convert

// Kernels and embeddings of circular convolutions at another length.

import (
	"slices"

	"github.com/fastparc/fastparc/parc"
	"github.com/fastparc/fastparc/weights"
)

// fittable says whether two tensors differ in the length along the height alone or along the width alone, and are 1 long
// along the other axis.
func fittable(old, fresh weights.Tensor) bool {
	if len(old.Shape) != 4 || len(fresh.Shape) != 4 || !slices.Equal(old.Shape[:2], fresh.Shape[:2]) {
		return false
	}
	alongHeight := old.Shape[3] == 1 && fresh.Shape[3] == 1
	alongWidth := old.Shape[2] == 1 && fresh.Shape[2] == 1
	return alongHeight || alongWidth
}

// fit returns a kernel or embedding at the length of another, fitted as the operator fits it to an axis of this length.
func fit(old, fresh weights.Tensor) (weights.Tensor, error) {
	values, err := old.Floats()
	if err != nil {
		return fresh, err
	}
	length := old.Shape[2] * old.Shape[3]
	matrix := parc.Linear.Matrix(length, fresh.Shape[2]*fresh.Shape[3])
	var fitted []float32
	for line := range slices.Chunk(values, length) {
		for _, row := range matrix {
			sum := 0.0
			for i, weight := range row {
				sum += weight * float64(line[i])
			}
			fitted = append(fitted, float32(sum))
		}
	}
	return weights.FromFloats(fresh.Name, fresh.Shape, fitted), nil
}
