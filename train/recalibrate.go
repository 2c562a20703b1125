package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/weights"
)

// Recalibrate gives the batch normalisations of a model statistics that are averages over the images, batch by batch,
// instead of what they were: after the network was changed, or for images of another kind. Each layer sees what earlier
// layers make of a batch that is normalised by itself, as while training. Nothing else in the state changes, bit for bit.
// Images that do not fill a batch are left out, unless there are no others. Progress, if not nil, is told how it goes: with a bar if it is a terminal, else in plain lines.
// Errors: a model without batch normalisation, images that cannot be read.
func Recalibrate(ctx context.Context, backend compute.Backend, m *models.Model, state []weights.Tensor, images *data.Loader, progress io.Writer) (result []weights.Tensor, err error) {
	err = recovered(func() error {
		store := model.NewStore()
		defer store.Finalize()
		if err := weights.Assign(m, store, state); err != nil {
			return err
		}
		if err := restartStatistics(m, store); err != nil {
			return err
		}
		if err := averageStatistics(ctx, backend, m, store, images, progress); err != nil {
			return err
		}
		result, err = weights.Collect(m, store)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("train: recalibrate %s: %w", m.Name(), err)
	}
	return result, nil
}

// restartStatistics makes the model's batch normalisations begin to count.
func restartStatistics(m *models.Model, store *model.Store) error {
	counts := 0
	for _, entry := range m.State() {
		if entry.Kind != nn.Counted {
			continue
		}
		counts++
		if err := store.GetVariable(model.RootScopePath + entry.Path).SetValue(tensors.FromScalar(int64(0))); err != nil {
			return err
		}
	}
	if counts == 0 {
		return errors.New("the model has no batch normalisation whose statistics could be measured")
	}
	return nil
}

func averageStatistics(ctx context.Context, backend compute.Backend, m *models.Model, store *model.Store, images *data.Loader, progress io.Writer) error {
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		g := images.Graph()
		store.SetTraining(g, true)
		nn.AverageBatches(g)
		return graph.ReduceAllSum(m.Logits(scope, images))
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	show := newDisplay(progress)
	fmt.Fprintf(show.out, "measuring batch statistics in %d batches of images\n", images.Steps())
	show.open(images.Steps())
	defer show.close()
	var meter meter
	full := 0
	for batch, err := range images.Batches(ctx, 0, 0) {
		if err == nil {
			err = ctx.Err() // a batch that lay ready may hide it
		}
		if err != nil {
			return err
		}
		if full > 0 && len(batch.Labels) < full {
			continue
		}
		full = max(full, len(batch.Labels))
		input, err := imageTensor(batch.Images, len(batch.Labels), m.Options().ImageSize)
		if err != nil {
			return err
		}
		output, err := exec.Call1(input)
		input.MustFinalizeAll()
		if err != nil {
			return err
		}
		output.MustFinalizeAll()
		meter.add(len(batch.Labels), time.Now())
		done, steps := batch.Step+1, images.Steps()
		left := float64((steps-done)*full) / meter.rate()
		show.show(done, fmt.Sprintf("batch %d/%d: %s, %s left", done, steps, speed(meter.rate()), duration(left)))
	}
	if full == 0 {
		return errors.New("no images to measure")
	}
	return nil
}
