package main

import (
	"github.com/spf13/cobra"
)

// newBenchCommand returns `parc bench`, whose verbs say what is measured.
func newBenchCommand(*app) *cobra.Command {
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory, beside other libraries",
		Args:  cobra.NoArgs,
	}
	command.AddCommand(newBenchOpCommand())
	return command
}
