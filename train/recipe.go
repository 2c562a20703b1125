// Package train teaches a model of package models to tell the classes of a set of images apart, judges it on others,
// and keeps the result as checkpoints that a stopped training continues from bit for bit.
//
// The loop, Adam, the learning-rate schedule and the losses are GoMLX's. What is added here is what they lack: weight
// decay on chosen variables, checkpoints that are replaced as a whole, and a position in the data to continue from.
package train

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer/cosineschedule"

	"github.com/fastparc/fastparc/data"
)

// Recipe says how a model is trained: AdamW under a cosine schedule with a linear warm-up, one step a batch.
// DefaultRecipe gives one to begin with.
type Recipe struct {
	// Epochs is how often the training passes over all images. At least 1.
	Epochs int `json:"epochs"`
	// Batch is the number of images a step. At least 1.
	Batch int `json:"batch"`
	// LearningRate is the highest one, reached at the end of the warm-up. Above 0.
	LearningRate float64 `json:"learning_rate"`
	// MinLearningRate is where the warm-up begins and the cosine ends. 0 is a fine value.
	MinLearningRate float64 `json:"min_learning_rate"`
	// WarmUp is the length of the linear warm-up in epochs, a fraction if need be. 0 means none.
	WarmUp float64 `json:"warm_up"`
	// WeightDecay is AdamW's, on kernels, dense weights and embeddings: whatever has more than one axis in PyTorch's
	// layout. 0 means none.
	WeightDecay float64 `json:"weight_decay"`
	// LabelSmoothing is the share of each label that is spread over all classes, in [0, 1). 0 means none.
	LabelSmoothing float64 `json:"label_smoothing"`
	// ClipNorm is the largest L2 norm that all gradients together may have; longer ones are scaled down. 0 means no limit.
	ClipNorm float64 `json:"clip_norm"`
	// DropPath is the probability that the last residual branch is skipped in a step; that of earlier ones is smaller.
	// 0 means none.
	DropPath float64 `json:"drop_path"`
	// Dropout and BlockDropout are those of [models.Options]: of the classifier's inputs, and of dense layers in blocks.
	// They are in [0, 1), and 0, which means none, in families that have no dropout.
	Dropout      float64 `json:"dropout,omitempty"`
	BlockDropout float64 `json:"block_dropout,omitempty"`
	// Augmentation varies the training images. The zero value means not at all.
	Augmentation data.Augmentation `json:"augmentation"`
	// Seed begins the random numbers of weights, drop path, shuffling and augmentation. Any value will do.
	Seed uint64 `json:"seed"`
}

// DefaultRecipe suits small images and a few epochs.
func DefaultRecipe() Recipe {
	return Recipe{
		Epochs:         10,
		Batch:          64,
		LearningRate:   2e-3,
		WarmUp:         0.5,
		WeightDecay:    0.05,
		LabelSmoothing: 0.1,
		ClipNorm:       5,
		Augmentation:   data.Augmentation{Flip: 0.5},
	}
}

// Check returns an error that names the first field out of its range.
func (r Recipe) Check() error {
	for _, field := range []struct {
		name     string
		value    float64
		ok       bool
		expected string
	}{
		{"epochs", float64(r.Epochs), r.Epochs >= 1, "at least 1"},
		{"batch", float64(r.Batch), r.Batch >= 1, "at least 1"},
		{"learning rate", r.LearningRate, r.LearningRate > 0 && !math.IsInf(r.LearningRate, 0), "a number above 0"},
		{"minimum learning rate", r.MinLearningRate, r.MinLearningRate >= 0 && r.MinLearningRate <= r.LearningRate,
			fmt.Sprintf("from 0 to the learning rate, %g", r.LearningRate)},
		{"warm-up", r.WarmUp, r.WarmUp >= 0 && r.WarmUp < float64(r.Epochs),
			fmt.Sprintf("from 0 to less than the %d epochs", r.Epochs)},
		{"weight decay", r.WeightDecay, r.WeightDecay >= 0 && !math.IsInf(r.WeightDecay, 0), "a number from 0 up"},
		{"label smoothing", r.LabelSmoothing, r.LabelSmoothing >= 0 && r.LabelSmoothing < 1, "from 0 to less than 1"},
		{"clip norm", r.ClipNorm, r.ClipNorm >= 0, "a number from 0 up"},
		{"drop path", r.DropPath, r.DropPath >= 0 && r.DropPath < 1, "from 0 to less than 1"},
		{"dropout", r.Dropout, r.Dropout >= 0 && r.Dropout < 1, "from 0 to less than 1"},
		{"block dropout", r.BlockDropout, r.BlockDropout >= 0 && r.BlockDropout < 1, "from 0 to less than 1"},
	} {
		if !field.ok {
			return fmt.Errorf("train: %s is %g, expected %s", field.name, field.value, field.expected)
		}
	}
	return nil
}

// schedule sets the learning rate of the step that the graph takes, where an epoch has so many steps.
func (r Recipe) schedule(scope *model.Scope, g *graph.Graph, stepsPerEpoch int) {
	warmUp := int(math.Round(r.WarmUp * float64(stepsPerEpoch)))
	cosineschedule.New(scope, g, dtypes.Float32).
		LearningRate(r.LearningRate).
		MinLearningRate(r.MinLearningRate).
		WarmUpSteps(warmUp).
		PeriodSteps(max(1, r.Epochs*stepsPerEpoch-warmUp)).
		Done()
}
