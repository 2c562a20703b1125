package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/models"
)

// newModelsCommand returns `parc models`.
func newModelsCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:   "models [NAME]",
		Short: "List the models, or the stages of one",
		Long: `Lists the models with their parameters, multiply-adds for one image (in millions) and the input they are
made for. With a name, lists the stages of that model. Circular convolutions count as their spatial form.`,
		Example: "  parc models\n  parc models convnext_xt_parc",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 1 {
				return printStages(command.OutOrStdout(), args[0])
			}
			return printModels(command.OutOrStdout())
		},
	}
}

// printModels writes a table of all models.
func printModels(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tPARAMETERS\tMMACS\tINPUT")
	for _, name := range models.Names() {
		m, err := models.New(name, models.Options{})
		if err != nil {
			return err
		}
		costs, size := m.Costs(), m.Options().ImageSize
		printCosts(table, name, costs.Parameters, costs.MACs, []int{size[0], size[1], 3})
	}
	return table.Flush()
}

// printStages writes a table of the stages of one model.
func printStages(w io.Writer, name string) error {
	m, err := models.New(name, models.Options{})
	if err != nil {
		return err
	}
	costs, size := m.Costs(), m.Options().ImageSize
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tPARAMETERS\tMMACS\tOUTPUT")
	for _, stage := range costs.Stages {
		printCosts(table, stage.Name, stage.Parameters, stage.MACs, stage.Output)
	}
	printCosts(table, "all, for", costs.Parameters, costs.MACs, []int{size[0], size[1], 3})
	return table.Flush()
}

// printCosts writes one row of a table: a name, parameters, multiply-adds in millions and a shape.
func printCosts(table io.Writer, name string, parameters, macs int64, shape []int) {
	sides := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
	fmt.Fprintf(table, "%s\t%d\t%.1f\t%s\n", name, parameters, float64(macs)/1e6, sides)
}
