package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/models"
)

// newModelsCommand returns `parc models`.
func newModelsCommand(app *app) *cobra.Command {
	m := &modelsCommand{app: app}
	command := &cobra.Command{
		Use:   "models [NAME]",
		Short: "List the models, or the stages of one",
		Long: `Lists the models with their parameters, multiply-adds for one image (in millions) and the input they are
made for. With a name, lists the stages of that model with the shapes of their outputs, and the memory that
the activations of one image take at most on the engine simd: input, output and what lies between at the
same time. Circular convolutions count as their spatial form.`,
		Example: "  parc models\n  parc models convnext_xt_parc\n  parc models resnet50_parc --image-size 320x512 --output-stride 16 --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 1 {
				return m.printModel(command.OutOrStdout(), args[0])
			}
			return m.printModels(command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&m.imageSize, "image-size", "", "with a name: size of the images, SIDE or HEIGHTxWIDTH (default the model's own)")
	flags.IntVar(&m.outputStride, "output-stride", 0, "with a name: how much smaller than the image the last map is, by dilated kernels (default the model's own)")
	flags.BoolVar(&m.json, "json", false, "print JSON")
	return command
}

// modelsCommand holds the flags of `parc models`.
type modelsCommand struct {
	app          *app
	imageSize    string
	outputStride int
	json         bool
}

// modelCosts is what the command says of a model.
type modelCosts struct {
	Name       string `json:"name"`
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	// Input is height, width and channels.
	Input []int `json:"input"`
	// PeakMemory is in bytes, for one image.
	PeakMemory int          `json:"peak_memory,omitempty"`
	Stages     []stageCosts `json:"stages"`
}

type stageCosts struct {
	Name       string `json:"name"`
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	// Output is height, width and channels, or the number of classes.
	Output []int `json:"output"`
}

func newModelCosts(m *models.Model) modelCosts {
	costs, size := m.Costs(), m.Options().ImageSize
	result := modelCosts{Name: m.Name(), Parameters: costs.Parameters, MACs: costs.MACs, Input: []int{size[0], size[1], 3}}
	for _, stage := range costs.Stages {
		result.Stages = append(result.Stages, stageCosts{stage.Name, stage.Parameters, stage.MACs, stage.Output})
	}
	return result
}

// printModels writes a table of all models.
func (m *modelsCommand) printModels(w io.Writer) error {
	if m.imageSize != "" || m.outputStride != 0 {
		return fmt.Errorf("--image-size and --output-stride are for one model: expected its name")
	}
	var all []modelCosts
	for _, name := range models.Names() {
		m, err := models.New(name, models.Options{})
		if err != nil {
			return err
		}
		all = append(all, newModelCosts(m))
	}
	if m.json {
		return printJSON(w, all)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tPARAMETERS\tMMACS\tINPUT")
	for _, costs := range all {
		printCosts(table, costs.Name, costs.Parameters, costs.MACs, costs.Input)
	}
	return table.Flush()
}

// printModel writes a table of the stages of one model.
func (m *modelsCommand) printModel(w io.Writer, name string) (err error) {
	options := models.Options{OutputStride: m.outputStride}
	if m.imageSize != "" {
		if options.ImageSize, err = parseImageSize(m.imageSize); err != nil {
			return err
		}
	}
	network, err := models.New(name, options)
	if err != nil {
		return err
	}
	backend, err := backends.Open("simd")
	if err != nil {
		return err
	}
	defer backend.Finalize()
	costs := newModelCosts(network)
	if costs.PeakMemory, err = network.PeakMemory(backend); err != nil {
		return err
	}
	if m.json {
		return printJSON(w, costs)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tPARAMETERS\tMMACS\tOUTPUT")
	for _, stage := range costs.Stages {
		printCosts(table, stage.Name, stage.Parameters, stage.MACs, stage.Output)
	}
	printCosts(table, "all, for", costs.Parameters, costs.MACs, costs.Input)
	fmt.Fprintf(table, "\nactivations take at most %.1f MiB an image\n", float64(costs.PeakMemory)/(1<<20))
	return table.Flush()
}

// printCosts writes one row of a table: a name, parameters, multiply-adds in millions and a shape.
func printCosts(table io.Writer, name string, parameters, macs int64, shape []int) {
	sides := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
	fmt.Fprintf(table, "%s\t%d\t%.1f\t%s\n", name, parameters, float64(macs)/1e6, sides)
}
