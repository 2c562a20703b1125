// Parc is the command line of fastparc: it lists the models, runs them on tensors and images, and trains and judges
// them. Each verb is one file; `parc --help` lists them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// The first interrupt asks the verb to finish; with the handler gone, a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the command line and returns the exit code: 0, or 1 with the error on stderr: one line, and where
// several tensors do not fit a model, one more for each.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := recovered(func() error { return root.ExecuteContext(ctx) })
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "parc: %s\n", message(err))
	return 1
}
