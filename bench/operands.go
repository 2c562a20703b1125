package bench

import (
	"math"
	"math/rand/v2"

	"github.com/fastparc/fastparc/weights"
)

// localSize is the height and width of the local depth-wise kernel that the operator is compared with.
const localSize = 7

// operand is a tensor by name.
type operand struct {
	name   string
	dims   []int
	values []float32
}

// operands returns what the work computes on: x and the gradient v of the output [B, H, W, C], kernel and embedding
// [N, C], bias [C], and the local kernel [7, 7, C]. The values are normal numbers, the same in every run; kernels are
// scaled so that outputs are about as large as inputs.
func (w Work) operands() []operand {
	random := rand.New(rand.NewPCG(1, 2))
	make := func(name string, scale float64, dims ...int) operand {
		size := 1
		for _, dim := range dims {
			size *= dim
		}
		values := make([]float32, size)
		for i := range values {
			values[i] = float32(scale * random.NormFloat64())
		}
		return operand{name, dims, values}
	}
	n, c := w.Length(), w.Channels
	return []operand{
		make("x", 1, w.Batch, w.Height, w.Width, c),
		make("kernel", 1/math.Sqrt(float64(n)), n, c),
		make("embedding", 1, n, c),
		make("bias", 1, c),
		make("local", 1.0/localSize, localSize, localSize, c),
		make("v", 1, w.Batch, w.Height, w.Width, c),
	}
}

// save writes operands to a safetensors file.
func save(path string, operands []operand) error {
	var tensors []weights.Tensor
	for _, o := range operands {
		tensors = append(tensors, weights.FromFloats(o.name, o.dims, o.values))
	}
	return weights.Save(path, tensors, nil)
}

// results are the values that a contender computes, by name: y, and in training the gradients of x, kernel, embedding
// and bias, called after them.
type results map[string][]float32

// readResults reads results that a peer wrote.
func readResults(path string) (results, error) {
	file, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values := results{}
	for _, name := range file.Names() {
		tensor, err := file.Tensor(name)
		if err != nil {
			return nil, err
		}
		if values[name], err = tensor.Floats(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// difference returns how far r is from want: the largest difference of two values as a part of the largest value of
// the same name. It is infinite where a name or a value is missing, or is no number.
func (r results) difference(want results) float64 {
	if len(r) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for name, expected := range want {
		worst = math.Max(worst, difference(r[name], expected))
	}
	return worst
}

func difference(values, expected []float32) float64 {
	if len(values) != len(expected) {
		return math.Inf(1)
	}
	largest, apart := 0.0, 0.0
	for i, e := range expected {
		largest = math.Max(largest, math.Abs(float64(e)))
		apart = math.Max(apart, math.Abs(float64(values[i])-float64(e)))
	}
	if math.IsNaN(apart) {
		return math.Inf(1)
	}
	if apart == 0 {
		return 0
	}
	return apart / largest
}
