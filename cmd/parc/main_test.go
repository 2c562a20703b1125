package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// runParc runs the command line as a shell would.
func runParc(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = execute(t.Context(), args, &out, &errOut)
	return code, out.String(), errOut.String()
}

// fails asserts that the command line ends with exit code 1, nothing on stdout and one line on stderr that holds all
// of the words.
func fails(t *testing.T, args []string, words ...string) {
	t.Helper()
	code, stdout, stderr := runParc(t, args...)
	if code != 1 || stdout != "" {
		t.Errorf("parc %s: exit code %d, stdout %q, want 1 and nothing", strings.Join(args, " "), code, stdout)
	}
	if !strings.HasPrefix(stderr, "parc: ") || strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
		t.Errorf("parc %s: stderr is not one line that begins with \"parc: \": %q", strings.Join(args, " "), stderr)
	}
	for _, word := range words {
		if !strings.Contains(stderr, word) {
			t.Errorf("parc %s: stderr %q does not say %q", strings.Join(args, " "), stderr, word)
		}
	}
}

func TestRecovered(t *testing.T) {
	usual := errors.New("axis 3 is out of range")
	var table map[string]int
	for _, c := range []struct {
		name string
		f    func() error
		want string
	}{
		{"no error", func() error { return nil }, ""},
		{"returned error", func() error { return usual }, "axis 3 is out of range"},
		{"panic with an error", func() error { panic(fmt.Errorf("stages.2:\n  %w", usual)) }, "stages.2: axis 3 is out of range"},
		{"panic with a string", func() error { panic("two\nlines") }, "two lines"},
		{"fault of the program", func() error { table["a"] = 1; return nil },
			"internal error: assignment to entry in nil map (set FASTPARC_DEBUG=1 to see where)"},
		{"interrupt", func() error { return fmt.Errorf("epoch 3: %w", context.Canceled) }, "interrupted"},
	} {
		err := recovered(c.f)
		got := ""
		if err != nil {
			got = oneLine(err)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
