package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/train"
)

// newPredictCommand returns `parc predict`.
func newPredictCommand(app *app) *cobra.Command {
	p := &predictCommand{app: app}
	command := &cobra.Command{
		Use:   "predict --checkpoint DIR|FILE IMAGE...",
		Short: "Say what a trained model sees in images",
		Long: `Prints, for each image (JPEG, PNG, GIF, BMP, WebP or TIFF), the classes that the model holds most probable.
They have numbers, from 0, where neither the weights nor --classes say their names.`,
		Example: `  parc predict --checkpoint runs/flowers rose.jpg
  parc predict --checkpoint runs/flowers --top 1 --json *.jpg
  parc predict --checkpoint mobilenetv2_100.safetensors --model mobilenetv2 --classes imagenet.txt rose.jpg`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, images []string) error {
			return p.run(command.Context(), images, command.OutOrStdout())
		},
	}
	flags := command.Flags()
	p.register(command)
	flags.IntVar(&p.top, "top", 5, "classes to print for an image")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	return command
}

// predictCommand holds the flags of `parc predict`.
type predictCommand struct {
	checkpointFlags
	app  *app
	top  int
	json bool
}

// prediction is what a model says of an image.
type prediction struct {
	Image   string        `json:"image"`
	Classes []probability `json:"classes"` // the most probable first
}

type probability struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

func (p *predictCommand) run(ctx context.Context, images []string, out io.Writer) error {
	if p.top < 1 {
		return fmt.Errorf("--top is %d: expected at least 1", p.top)
	}
	checkpoint, err := p.open()
	if err != nil {
		return err
	}
	if checkpoint.Classes == nil {
		for i := range checkpoint.Network.Options().Classes {
			checkpoint.Classes = append(checkpoint.Classes, strconv.Itoa(i))
		}
	}
	classifier, closeAll, err := p.app.classifier(checkpoint)
	if err != nil {
		return err
	}
	defer closeAll()
	var predictions []prediction
	for _, path := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		picture, err := readPicture(path)
		if err != nil {
			return err
		}
		classes, err := classify(classifier, checkpoint.Card, picture)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		predictions = append(predictions, prediction{path, classes[:min(p.top, len(classes))]})
	}
	if p.json {
		return printJSON(out, predictions)
	}
	for _, prediction := range predictions {
		fmt.Fprintln(out, prediction.Image)
		for _, c := range prediction.Classes {
			fmt.Fprintf(out, "  %5.1f %%  %s\n", 100*c.Probability, c.Class)
		}
	}
	return nil
}

// classify returns all classes with their probabilities, the most probable first.
func classify(classifier *train.Classifier, card train.Card, picture *data.Image) ([]probability, error) {
	input, err := data.Preprocess(picture, card.Preprocessing)
	if err != nil {
		return nil, err
	}
	logits, err := classifier.Logits(input, 1)
	if err != nil {
		return nil, err
	}
	var classes []probability
	for i, value := range train.Softmax(logits[0]) {
		classes = append(classes, probability{card.Classes[i], value})
	}
	slices.SortStableFunc(classes, func(a, b probability) int { return cmp.Compare(b.Probability, a.Probability) })
	return classes, nil
}

func readPicture(path string) (*data.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	picture, err := data.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return picture, nil
}
