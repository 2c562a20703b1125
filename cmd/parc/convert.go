package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/convert"
	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/train"
	"github.com/fastparc/fastparc/weights"
)

// newConvertCommand returns `parc convert`.
func newConvertCommand(app *app) *cobra.Command {
	c := &convertCommand{app: app}
	command := &cobra.Command{
		Use:   "convert --weights FILE --out FILE",
		Short: "Put circular convolutions into a trained network, fit them to a size, re-estimate statistics",
		Long: `Makes the weights of one model from those of another of the same family and size: from a network with local
convolutions (--from) one in which blocks have circular ones (--to), by default in the paper's places, or in
the blocks that --blocks names as the state_dict does. All else keeps its values. New operators begin as the
reference implementation's do (--init reference), or with the sums of the kernels that they replace (--init
marginal), so that the network keeps most of what it knew. Dense kernels, ResNet's, keep only what leads
from a half of the channels to itself, which is all that dense circular convolutions have.

--image-size makes kernels and embeddings as long as the feature maps of images of this size; existing ones
are fitted, as they would be while the model runs, so that logits at this size stay the same. --recalibrate
takes the statistics of batch normalisations anew from the images in a folder, of which those that do not
fill a last batch of 32 are left out.

The file says which model it is for: parc run, train and convert need no more to make it again.`,
		Example: `  parc convert --from resnet50 --to resnet50_parc --weights resnet50.pth --out resnet50_parc.safetensors --init marginal
  parc convert --from convnext_xt --to convnext_xt_parc --blocks stages.2.3,stages.3.2 --weights in.safetensors --out out.safetensors
  parc convert --from convnext_xt_parc --weights in.safetensors --out out.safetensors --image-size 320x512
  parc convert --from resnet50 --weights in.safetensors --out out.safetensors --recalibrate photos`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return c.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&c.weights, "weights", "", "file of weights: safetensors or a PyTorch checkpoint")
	registerWeightsKey(command, &c.key)
	flags.StringVar(&c.out, "out", "", "safetensors file to write")
	flags.StringVar(&c.from, "from", "", "model that the weights are for (default what the file says)")
	flags.StringVar(&c.to, "to", "", "model to make (default the same)")
	flags.StringSliceVar(&c.blocks, "blocks", nil, "blocks that have circular convolutions (default those of --to)")
	flags.TextVar(&c.options.Initial, "init", convert.Reference, "what new operators begin with: reference or marginal")
	flags.BoolVar(&c.options.ResetHead, "reset-head", false, "let the classifier begin anew; the file does not name its classes then")
	flags.Int64Var(&c.options.Seed, "seed", 0, "of random beginnings")
	flags.StringVar(&c.imageSize, "image-size", "", "make kernels for images of this size: SIDE or HEIGHTxWIDTH")
	flags.StringVar(&c.recalibrate, "recalibrate", "", "images to take the statistics of batch normalisations from: a directory or .tar of images, in any folders")
	flags.BoolVar(&c.json, "json", false, "print the report as JSON")
	for _, name := range []string{"weights", "out"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}

// convertCommand holds the flags of `parc convert`.
type convertCommand struct {
	app                    *app
	weights, key           string
	out, from, to          string
	blocks                 []string
	options                convert.Options
	imageSize, recalibrate string
	json                   bool
}

func (c *convertCommand) run(ctx context.Context, out, progress io.Writer) error {
	file, err := weights.OpenKey(c.weights, c.key)
	if err != nil {
		return err
	}
	defer file.Close()
	from, to, err := c.models(file)
	if err != nil {
		return err
	}
	backend, err := backends.Open(c.app.backendConfig)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	source, err := tensorsOf(from, file)
	if err != nil {
		return err
	}
	tensors, report, err := convert.Convert(backend, from, to, source, c.options)
	if err != nil {
		return err
	}
	if c.recalibrate != "" {
		if tensors, err = c.measure(ctx, backend, to, tensors, progress); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil { // interrupted: leave no output behind
		return err
	}
	if err := c.save(file, to, tensors); err != nil {
		return err
	}
	return c.print(out, from, to, report)
}

// models returns the model that the file is for, and the one to make.
func (c *convertCommand) models(file *weights.File) (from, to *models.Model, err error) {
	if from, err = file.Model(c.from, models.Options{}); err != nil {
		return nil, nil, err
	}
	options := from.Options()
	options.OutputStride = 0 // the new model's own
	name := from.Name()
	if c.to != "" && c.to != name {
		name, options.ParCBlocks = c.to, nil
	}
	if len(c.blocks) > 0 {
		options.ParCBlocks = c.blocks
	}
	if c.imageSize != "" {
		if options.ImageSize, err = parseImageSize(c.imageSize); err != nil {
			return nil, nil, err
		}
		options.KernelImageSize = options.ImageSize
	}
	to, err = models.New(name, options)
	return from, to, err
}

// parseImageSize reads SIDE or HEIGHTxWIDTH.
func parseImageSize(text string) (size [2]int, err error) {
	height, width, both := strings.Cut(text, "x")
	if !both {
		width = height
	}
	for i, side := range []string{height, width} {
		if size[i], err = strconv.Atoi(side); err != nil || size[i] < 1 {
			return size, fmt.Errorf("--image-size is %q: expected SIDE or HEIGHTxWIDTH in pixels", text)
		}
	}
	return size, nil
}

// tensorsOf reads the model's state under its own names.
func tensorsOf(m *models.Model, file *weights.File) ([]weights.Tensor, error) {
	store := model.NewStore()
	defer store.Finalize()
	if err := weights.Load(m, store, file); err != nil {
		return nil, err
	}
	return weights.Collect(m, store)
}

// measure takes the statistics of the model's batch normalisations anew.
func (c *convertCommand) measure(ctx context.Context, backend compute.Backend, m *models.Model, tensors []weights.Tensor, progress io.Writer) ([]weights.Tensor, error) {
	folder, err := data.OpenImages(c.recalibrate)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	// Shuffled, so that batches hold images of all kinds where each folder holds those of one, and read once.
	options := data.LoaderOptions{BatchSize: min(32, folder.Len()), Preprocessing: m.Preprocessing(), Training: true, CacheBytes: -1}
	loader, err := data.NewLoader(folder, options)
	if err != nil {
		return nil, err
	}
	measured, err := train.Recalibrate(ctx, backend, m, tensors, loader, progress)
	printSkipped(progress, loader)
	return measured, err
}

// save writes the file, with the classes' names and the preprocessing that the weights had.
func (c *convertCommand) save(file *weights.File, m *models.Model, tensors []weights.Tensor) error {
	earlier, err := file.Description()
	if err != nil {
		return err
	}
	classes := earlier.Classes
	if c.options.ResetHead {
		classes = nil
	}
	metadata, err := weights.Describe(m, classes).Metadata()
	if err != nil {
		return err
	}
	return weights.Save(c.out, tensors, metadata)
}

func (c *convertCommand) print(out io.Writer, from, to *models.Model, report convert.Report) error {
	if c.json {
		return printJSON(out, struct {
			From string `json:"from"`
			To   string `json:"to"`
			convert.Report
		}{from.Name(), to.Name(), report})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s to %s: %d tensors kept, %d fitted, %d new, %d dropped\n",
		from.Name(), to.Name(), len(report.Kept), len(report.Fitted), len(report.New), len(report.Dropped))
	for _, change := range report.Kept {
		if change.From != "" {
			fmt.Fprintf(&text, "kept     %s, was %s\n", change.Name, change.From)
		}
	}
	for _, change := range report.Fitted {
		fmt.Fprintf(&text, "fitted   %s\n", change.Name)
	}
	for _, change := range report.New {
		fmt.Fprintf(&text, "new      %s, %s\n", change.Name, strings.TrimSuffix(change.How+" of "+change.From, " of "))
	}
	for _, name := range report.Dropped {
		fmt.Fprintf(&text, "dropped  %s\n", name)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
