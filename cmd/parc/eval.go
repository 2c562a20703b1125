package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/train"
)

// newEvalCommand returns `parc eval`.
func newEvalCommand(app *app) *cobra.Command {
	e := &evalCommand{app: app}
	command := &cobra.Command{
		Use:   "eval --checkpoint DIR|FILE --data DIR|TAR",
		Short: "Judge a trained model on a folder of images",
		Long: `Passes once over images that lie in folders, one a class, in a directory or a .tar file, and prints how often the
right class was the model's first choice (top-1) and among its first five (top-5), the mean cross
entropy (loss) and the speed, reading and decoding included. The folders must bear names of the
classes that the model was trained on. For a file of weights that does not say them and without
--classes, they are taken for the classes in the order of their names.`,
		Example: `  parc eval --checkpoint runs/convnext_c32_parc --data cifar10/test.tar
  parc eval --checkpoint runs/convnext_c32_parc/last --data cifar10/test.tar --json
  parc eval --checkpoint resnet50.pth --model resnet50 --data imagenet/val`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return e.run(command.Context(), command.OutOrStdout())
		},
	}
	flags := command.Flags()
	e.register(command)
	flags.StringVar(&e.data, "data", "", "images: a directory or .tar of class folders")
	flags.IntVar(&e.batch, "batch", 64, "images computed together")
	flags.BoolVar(&e.json, "json", false, "print JSON")
	if err := command.MarkFlagRequired("data"); err != nil {
		panic(err)
	}
	return command
}

// evalCommand holds the flags of `parc eval`.
type evalCommand struct {
	checkpointFlags
	app   *app
	data  string
	batch int
	json  bool
}

func (e *evalCommand) run(ctx context.Context, out io.Writer) error {
	checkpoint, err := e.open()
	if err != nil {
		return err
	}
	folder, err := data.OpenImageFolder(e.data)
	if err != nil {
		return err
	}
	defer folder.Close()
	if checkpoint.Classes == nil {
		if err := checkpoint.NameClasses(folder.Classes()); err != nil {
			return fmt.Errorf("%s: %w", e.data, err)
		}
	}
	images, err := data.WithClasses(folder, checkpoint.Classes)
	if err != nil {
		return err
	}
	checkpoint.Recipe.Batch = e.batch
	loader, err := train.NewLoader(images, checkpoint.Card, false)
	if err != nil {
		return err
	}
	classifier, closeAll, err := e.app.classifier(checkpoint)
	if err != nil {
		return err
	}
	defer closeAll()
	metrics, err := classifier.Evaluate(ctx, loader)
	if err != nil {
		return err
	}
	return e.print(out, checkpoint.Model, metrics, loader)
}

// classifier opens the engine and prepares the checkpoint's model on it.
func (a *app) classifier(checkpoint *train.Checkpoint) (classifier *train.Classifier, closeAll func(), err error) {
	store, err := checkpoint.Store()
	if err != nil {
		return nil, nil, err
	}
	backend, err := backends.Open(a.backendConfig)
	if err != nil {
		return nil, nil, err
	}
	classifier, err = train.NewClassifier(backend, checkpoint.Network, store)
	if err != nil {
		backend.Finalize()
		return nil, nil, err
	}
	return classifier, func() {
		classifier.Close()
		store.Finalize()
		backend.Finalize()
	}, nil
}

func (e *evalCommand) print(out io.Writer, model string, metrics train.Metrics, loader *data.Loader) error {
	if e.json {
		return printJSON(out, struct {
			Model string `json:"model"`
			train.Metrics
			Skipped int `json:"skipped"`
		}{model, metrics, len(loader.Skipped())})
	}
	printSkipped(out, loader)
	_, err := fmt.Fprintf(out, "%s on %d images: top-1 %.2f %%, top-5 %.2f %%, loss %.4f, %.0f images/s\n",
		model, metrics.Images, 100*metrics.Top1, 100*metrics.Top5, metrics.Loss, metrics.ImagesPerSecond)
	return err
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
