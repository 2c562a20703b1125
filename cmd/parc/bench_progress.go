package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// benchProgress tells how far a measurement is: by a bar on a terminal, elsewhere by a line now and then.
type benchProgress struct {
	out             io.Writer
	bar             *progressbar.ProgressBar
	begun, lastLine time.Time
}

// benchLineInterval is the time between two lines where there is no terminal.
const benchLineInterval = 10 * time.Second

func newBenchProgress(out io.Writer) *benchProgress {
	p := &benchProgress{out: out, begun: time.Now(), lastLine: time.Now()}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(1000,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// show tells what part of all is done and what comes next.
func (p *benchProgress) show(part float64, next string) {
	left := "?"
	if part > 0 {
		left = time.Duration(float64(time.Since(p.begun)) * (1 - part) / part).Round(time.Second).String()
	}
	text := fmt.Sprintf("%s, %s left", next, left)
	switch {
	case p.bar != nil:
		p.bar.Describe(text)
		p.bar.Set(int(1000 * part))
	case time.Since(p.lastLine) >= benchLineInterval:
		fmt.Fprintf(p.out, "%.0f %%: %s\n", 100*part, text)
		p.lastLine = time.Now()
	}
}

// close takes the bar off the terminal.
func (p *benchProgress) close() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
