package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// debugVariable names the environment variable that, when set, prints the stack of a panic before its message.
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

// oneLine gives the error's message with its lines joined.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
