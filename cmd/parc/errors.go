package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/fastparc/fastparc/weights"
)

// debugVariable names the environment variable that, when set, makes errors tell more: the stack of a panic, and all
// tensors that do not fit a model.
const debugVariable = "FASTPARC_DEBUG"

// recovered calls f and returns its panic, if it has one, as an error: code that builds GoMLX graphs reports errors
// by panicking, and no panic may reach the user.
func recovered(f func() error) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if os.Getenv(debugVariable) != "" {
			os.Stderr.Write(debug.Stack())
		}
		err = panicError(cause)
	}()
	return f()
}

// panicError makes an error of a recovered value. A fault of the program's own says how to see where it happened.
func panicError(cause any) error {
	err, isError := cause.(error)
	if !isError {
		return fmt.Errorf("%v", cause)
	}
	var fault runtime.Error
	if errors.As(err, &fault) {
		return fmt.Errorf("internal error: %w (set %s=1 to see where)", err, debugVariable)
	}
	return err
}

// mostMismatches is how many tensors of a kind that do not fit a model are listed.
const mostMismatches = 20

// message says what went wrong on one line; below it, where weights do not fit a model, which tensors, one a line.
func message(err error) string {
	var mismatch *weights.MismatchError
	if !errors.As(err, &mismatch) {
		return oneLine(err)
	}
	full, short := mismatch.Error(), mismatch.Text(mostMismatches)
	if os.Getenv(debugVariable) != "" || short == full {
		return err.Error()
	}
	return fmt.Sprintf("%s\n(set %s=1 to see all)", strings.Replace(err.Error(), full, short, 1), debugVariable)
}

// oneLine gives the error's message with its lines joined.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
