package main

import (
	"strings"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
)

// app is what the verbs share: the flags that stand before or after any of them.
type app struct {
	backendConfig string // for backends.Open
}

// newRootCommand returns `parc` with all its verbs.
func newRootCommand() *cobra.Command {
	app := &app{}
	root := &cobra.Command{
		Use:   "parc",
		Short: "Vision models with position-aware global kernels, in Go",
		Long: `Parc runs, trains and judges vision models built on position-aware circular convolution (ParC)
and its FFT form (Fast-ParC). Everything is computed by an engine of its own, in Go, unless
--backend or ` + compute.ConfigEnvVar + ` selects another one.`,
		Example:       "  parc models\n  parc models convnext_xt_parc",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&app.backendConfig, "backend", "",
		"engine to compute with: "+strings.Join(backends.Names(), ", ")+" (default $"+compute.ConfigEnvVar+", else "+compute.DefaultConfig+")")
	root.AddCommand(
		newModelsCommand(app),
		newComplexityCommand(app),
		newRunCommand(app),
		newTrainCommand(app),
		newEvalCommand(app),
		newPredictCommand(app),
		newConvertCommand(app),
		newDemoCommand(app),
		newBenchCommand(app),
	)
	return root
}
