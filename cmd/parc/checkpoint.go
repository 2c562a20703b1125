package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/train"
)

// checkpointFlags say which trained model a verb is about.
type checkpointFlags struct {
	checkpoint, key, model, classes string
}

// register adds the flags to a verb, which cannot do without a checkpoint.
func (c *checkpointFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&c.checkpoint, "checkpoint", "", "directory of a checkpoint, or of a training: then its best; or a file of weights: safetensors or PyTorch")
	registerWeightsKey(command, &c.key)
	flags.StringVar(&c.model, "model", "", modelUsage)
	flags.StringVar(&c.classes, "classes", "", "file with the names of the classes, one a line, where the weights do not say them")
	if err := command.MarkFlagRequired("checkpoint"); err != nil {
		panic(err)
	}
}

// registerWeightsKey adds the flag that chooses among the weights in a file.
func registerWeightsKey(command *cobra.Command, key *string) {
	command.Flags().StringVar(key, "weights-key", "", "which weights to take from a PyTorch checkpoint that holds several, such as model_ema (default those trained, not their average)")
}

// open opens the checkpoint. The names of its classes are nil where neither it nor the flags say them.
func (c *checkpointFlags) open() (*train.Checkpoint, error) {
	checkpoint, err := c.openModel()
	if err != nil || c.classes == "" {
		return checkpoint, err
	}
	text, err := os.ReadFile(c.classes)
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	for i := range names {
		names[i] = strings.TrimRight(names[i], "\r")
	}
	if err := checkpoint.NameClasses(names); err != nil {
		return nil, fmt.Errorf("%s: %w", c.classes, err)
	}
	return checkpoint, nil
}

func (c *checkpointFlags) openModel() (*train.Checkpoint, error) {
	if info, err := os.Stat(c.checkpoint); err == nil && !info.IsDir() {
		return train.OpenWeights(c.checkpoint, c.key, c.model)
	}
	if c.key != "" {
		return nil, fmt.Errorf("--weights-key is %q: %s is no file of weights", c.key, c.checkpoint)
	}
	checkpoint, err := train.OpenCheckpoint(c.checkpoint)
	if err == nil && c.model != "" && c.model != checkpoint.Model {
		return nil, fmt.Errorf("--model is %s: the checkpoint in %s is one of %s", c.model, checkpoint.Dir, checkpoint.Model)
	}
	return checkpoint, err
}
