package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
)

// Classifier applies a model to images. It reads the variables and never changes them.
type Classifier struct {
	exec *model.Exec
	size [2]int // of the images: height and width
}

// NewClassifier prepares a model whose variables are in the store.
func NewClassifier(backend compute.Backend, m *models.Model, store *model.Store) (*Classifier, error) {
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		return m.Logits(scope, images)
	})
	if err != nil {
		return nil, err
	}
	return &Classifier{exec: exec, size: m.Options().ImageSize}, nil
}

// Close frees the compiled graphs.
func (c *Classifier) Close() { c.exec.Finalize() }

// Logits gives the class scores of each of n images, [n, H, W, 3] in the model's image size.
func (c *Classifier) Logits(images []float32, n int) ([][]float32, error) {
	input, err := imageTensor(images, n, c.size)
	if err != nil {
		return nil, err
	}
	defer input.MustFinalizeAll()
	output, err := c.exec.Call1(input)
	if err != nil {
		return nil, err
	}
	defer output.MustFinalizeAll()
	flat, err := tensors.CopyFlatData[float32](output)
	if err != nil {
		return nil, err
	}
	classes := output.Shape().Dim(-1)
	rows := make([][]float32, output.Shape().Dim(0))
	for i := range rows {
		rows[i] = flat[i*classes : (i+1)*classes]
	}
	return rows, nil
}

// imageTensor is [n, H, W, 3], for images of size H×W.
func imageTensor(images []float32, n int, size [2]int) (*tensors.Tensor, error) {
	if want := n * size[0] * size[1] * 3; n < 1 || len(images) != want {
		return nil, fmt.Errorf("train: %d values for %d images of %d×%d, expected %d", len(images), n, size[0], size[1], want)
	}
	return tensors.FromFlatDataAndDimensions(images, n, size[0], size[1], 3), nil
}

// Softmax turns class scores into probabilities that add up to 1.
func Softmax(logits []float32) []float64 {
	normaliser := logSumExp(logits)
	probabilities := make([]float64, len(logits))
	for i, logit := range logits {
		probabilities[i] = math.Exp(float64(logit) - normaliser)
	}
	return probabilities
}

// Metrics is what a network reached on a set of images.
type Metrics struct {
	// Images is how many there were.
	Images int `json:"images"`
	// Loss is the mean cross entropy in nats, without label smoothing.
	Loss float64 `json:"loss"`
	// Top1 is the share of images, in [0, 1], whose class has the highest score; Top5 whose class is among the highest five.
	Top1 float64 `json:"top1"`
	Top5 float64 `json:"top5"`
	// ImagesPerSecond is the speed, reading and decoding included.
	ImagesPerSecond float64 `json:"images_per_second"`
}

// Evaluate passes once over the images. It is an error if none can be read.
func (c *Classifier) Evaluate(ctx context.Context, images *data.Loader) (Metrics, error) {
	begin := time.Now()
	var m Metrics
	for batch, err := range images.Batches(ctx, 0, 0) {
		if err == nil {
			err = ctx.Err() // a batch that lay ready may hide it
		}
		if err != nil {
			return Metrics{}, err
		}
		rows, err := c.Logits(batch.Images, len(batch.Labels))
		if err != nil {
			return Metrics{}, err
		}
		for i, logits := range rows {
			m.add(logits, int(batch.Labels[i]))
		}
	}
	if m.Images == 0 {
		return Metrics{}, errors.New("train: no images to evaluate on")
	}
	n := float64(m.Images)
	m.Loss, m.Top1, m.Top5 = m.Loss/n, m.Top1/n, m.Top5/n
	m.ImagesPerSecond = n / time.Since(begin).Seconds()
	return m, nil
}

// add counts one image.
func (m *Metrics) add(logits []float32, label int) {
	m.Images++
	m.Loss += logSumExp(logits) - float64(logits[label])
	switch rank := rank(logits, label); {
	case rank < 1:
		m.Top1++
		m.Top5++
	case rank < 5:
		m.Top5++
	}
}

// rank is the place of the label among the logits, from 0 for the highest. Of equal ones the first is the higher, and
// what is not a number is no higher than anything.
func rank(logits []float32, label int) int {
	rank := 0
	for i, logit := range logits {
		beaten := logit < logits[label] || logit == logits[label] && i > label
		if i != label && !beaten {
			rank++
		}
	}
	return rank
}

func logSumExp(logits []float32) float64 {
	highest := math.Inf(-1)
	for _, logit := range logits {
		highest = math.Max(highest, float64(logit))
	}
	sum := 0.0
	for _, logit := range logits {
		sum += math.Exp(float64(logit) - highest)
	}
	return highest + math.Log(sum)
}
