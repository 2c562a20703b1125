package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/parc"
	"github.com/fastparc/fastparc/weights"
)

// newRunCommand returns `parc run`.
func newRunCommand(app *app) *cobra.Command {
	run := &runCommand{app: app}
	command := &cobra.Command{
		Use:   "run --weights FILE --input FILE --output FILE",
		Short: "Run a model on tensors, to compare it with any other framework",
		Long: `Reads the images from the tensor "input" of a safetensors file and writes what the model makes of them to the
tensor "logits" [batch, classes] of another.

Images are already normalised and may have any height and width: kernels and embeddings are fitted. By
default they are laid out as in PyTorch, [batch, 3, height, width]; with --layout nhwc they are
[batch, height, width, 3]. Weights are a safetensors file, its index where it is in parts, or a PyTorch
checkpoint (.pt, .pth), with the names of the reference implementation, timm, torchvision or OpenMMLab;
the number of classes is that of the weights.`,
		Example: `  parc run --model convnext_xt_parc --weights weights.safetensors --input images.safetensors --output logits.safetensors
  parc run --model convnext_xt_parc --weights weights.safetensors --input images.safetensors --output logits.safetensors --form fft --layout nhwc
  parc run --model resnet50 --weights resnet50.pth --input images.safetensors --output logits.safetensors`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return run.run(command.Context())
		},
	}
	flags := command.Flags()
	flags.StringVar(&run.model, "model", "", modelUsage)
	flags.StringVar(&run.weights, "weights", "", "file of the weights: safetensors or PyTorch")
	registerWeightsKey(command, &run.key)
	flags.StringVar(&run.input, "input", "", `safetensors file with the tensor "input"`)
	flags.StringVar(&run.output, "output", "", `safetensors file to write, with the tensor "logits"`)
	flags.TextVar(&run.form, "form", parc.Auto, "how circular convolutions are computed: spatial, fft or auto")
	flags.StringVar(&run.layout, "layout", "nchw", "order of the axes of the input: nchw, as in PyTorch, or nhwc")
	for _, name := range []string{"weights", "input", "output"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}

// modelUsage explains the flag --model beside a file of weights.
const modelUsage = "name of the model (see parc models); not needed where the weights say it"

// runCommand holds the flags of `parc run`.
type runCommand struct {
	app           *app
	model         string
	weights, key  string
	input, output string
	form          parc.Form
	layout        string
}

// run reads the files, computes the logits and writes them.
func (r *runCommand) run(ctx context.Context) error {
	order, ok := layouts[r.layout]
	if !ok {
		return fmt.Errorf("layout %q: expected nchw or nhwc", r.layout)
	}
	images, err := readImages(r.input, order)
	if err != nil {
		return err
	}
	m, store, err := r.loadModel(images.Shape().Dim(order.height), images.Shape().Dim(order.width))
	if err != nil {
		return err
	}
	backend, err := backends.Open(r.app.backendConfig)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	logits, err := model.CallOnce(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return m.Logits(scope, graph.TransposeAllAxes(x, 0, order.height, order.width, order.channels))
	}, images)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name(), err)
	}
	if err := ctx.Err(); err != nil { // interrupted: leave no output behind
		return err
	}
	output, err := weights.FromValue("logits", logits)
	if err != nil {
		return err
	}
	return weights.Save(r.output, []weights.Tensor{output}, map[string]string{"model": m.Name()})
}

// loadModel returns the model, with as many classes as its weights have and for images of this size, and its weights.
func (r *runCommand) loadModel(height, width int) (*models.Model, *model.Store, error) {
	file, err := weights.OpenKey(r.weights, r.key)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	m, err := file.Model(r.model, models.Options{ImageSize: [2]int{height, width}, Form: r.form})
	if err != nil {
		return nil, nil, err
	}
	store := model.NewStore()
	return m, store, weights.Load(m, store, file)
}

// layout is an order of the axes of images: which one is which.
type layout struct {
	shape                   string
	height, width, channels int
}

var layouts = map[string]layout{
	"nchw": {shape: "[batch, 3, height, width]", channels: 1, height: 2, width: 3},
	"nhwc": {shape: "[batch, height, width, 3]", height: 1, width: 2, channels: 3},
}

// readImages returns the tensor "input" of a file as float32.
func readImages(path string, order layout) (*tensors.Tensor, error) {
	file, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	input, err := file.Tensor("input")
	if err != nil {
		return nil, err
	}
	if len(input.Shape) != 4 || input.Shape[order.channels] != 3 || slices.Contains(input.Shape, 0) {
		return nil, fmt.Errorf("%s: tensor \"input\" has shape %v: expected %s", path, input.Shape, order.shape)
	}
	values, err := input.Floats()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensors.FromFlatDataAndDimensions(values, input.Shape...), nil
}
