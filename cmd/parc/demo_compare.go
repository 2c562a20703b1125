package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/gomlx/compute"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/train"
)

// variant is a network of the comparison. All are alike but for the kernels of their blocks and the embeddings of these.
type variant struct {
	name, dir           string
	model               string
	noPositionEmbedding bool
}

var (
	withParC         = variant{name: "ParC", dir: "parc", model: "convnext_scene_parc"}
	withoutEmbedding = variant{name: "ParC without embedding", dir: "parc_no_embedding", model: "convnext_scene_parc", noPositionEmbedding: true}
	local            = variant{name: "local 3×3", dir: "local", model: "convnext_scene"}
)

// recipe is the same for all variants. Scenes are never mirrored: left and right make the class.
func (d *demoCommand) recipe(seed uint64) train.Recipe {
	recipe := train.DefaultRecipe()
	recipe.Epochs, recipe.Seed = d.epochs, seed
	recipe.Batch = min(recipe.Batch, d.scenes)
	recipe.LearningRate, recipe.WarmUp = 4e-3, float64(d.epochs)/10
	recipe.LabelSmoothing = 0
	recipe.Augmentation = data.Augmentation{}
	return recipe
}

// dir is where a variant's checkpoints go.
func (d *demoCommand) dir(v variant, seed uint64) string {
	if d.seeds == 1 {
		return filepath.Join(d.out, v.dir)
	}
	return filepath.Join(d.out, fmt.Sprintf("seed%d", seed), v.dir)
}

// Scenes to learn from and unseen ones are of seeds of their own.
func seenSource(count int, seed uint64) (*data.Scenes, error) { return data.NewScenes(count, 2*seed) }
func unseenSource(seed uint64) (*data.Scenes, error)          { return data.NewScenes(unseenScenes, 2*seed+1) }

// train trains a variant and returns what it reaches on unseen scenes after the last epoch.
func (d *demoCommand) train(ctx context.Context, backend compute.Backend, v variant, seed uint64, out io.Writer) (train.Metrics, error) {
	seen, err := seenSource(d.scenes, seed)
	if err != nil {
		return train.Metrics{}, err
	}
	unseen, err := unseenSource(seed)
	if err != nil {
		return train.Metrics{}, err
	}
	training := &train.Training{Backend: backend, Dir: d.dir(v, seed), Progress: out}
	training.Model, err = models.New(v.model, models.Options{Classes: len(seen.Classes()), NoPositionEmbedding: v.noPositionEmbedding})
	if err != nil {
		return train.Metrics{}, err
	}
	training.Card = train.NewCard(training.Model, seen.Classes(), d.recipe(seed))
	if training.Images, err = train.NewLoader(seen, training.Card, true); err != nil {
		return train.Metrics{}, err
	}
	if training.Validation, err = train.NewLoader(unseen, training.Card, false); err != nil {
		return train.Metrics{}, err
	}
	costs := training.Model.Costs()
	fmt.Fprintf(out, "\n%s: %.1f k parameters, %.2f MMAC an image, %d scenes, seed %d\n",
		v.name, float64(costs.Parameters)/1e3, float64(costs.MACs)/1e6, d.scenes, seed)
	epochs, err := training.Fit(ctx)
	if err != nil {
		return train.Metrics{}, interrupted(err)
	}
	return epochs[len(epochs)-1].Validation, nil
}

// ablation trains all variants from several seeds and prints a table.
func (d *demoCommand) ablation(ctx context.Context, backend compute.Backend, out io.Writer) error {
	variants := []variant{withParC, withoutEmbedding, local}
	reached := make([][]float64, len(variants))
	for seed := d.seed; seed < d.seed+uint64(d.seeds); seed++ {
		for i, v := range variants {
			metrics, err := d.train(ctx, backend, v, seed, out)
			if err != nil {
				return err
			}
			reached[i] = append(reached[i], 100*metrics.Top1)
		}
	}
	fmt.Fprintf(out, "\ntop-1 in %% on %d unseen scenes after %d epochs of %d scenes, %d seeds (chance 25 %%)\n\n",
		unseenScenes, d.epochs, d.scenes, d.seeds)
	table := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| network\t| mean\t| standard deviation\t| lowest\t| highest\t|")
	fmt.Fprintln(table, "| ---\t| ---\t| ---\t| ---\t| ---\t|")
	for i, v := range variants {
		mean, deviation := meanAndDeviation(reached[i])
		fmt.Fprintf(table, "| %s\t| %.1f\t| %.1f\t| %.1f\t| %.1f\t|\n",
			v.name, mean, deviation, slices.Min(reached[i]), slices.Max(reached[i]))
	}
	return table.Flush()
}

// meanAndDeviation returns the mean and the standard deviation of a sample.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, value := range values {
		mean += value / n
	}
	for _, value := range values {
		deviation += (value - mean) * (value - mean) / (n - 1)
	}
	return mean, math.Sqrt(deviation)
}
