package train

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells how a training goes: by a bar on a terminal, elsewhere by a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	recipe   Recipe
	bar      *progressbar.ProgressBar
	meter    meter
	printed  time.Time
}

// lineInterval is the time between two lines where there is no terminal.
const lineInterval = 10 * time.Second

// newProgress tells out, or nobody if that is nil.
func newProgress(out io.Writer, recipe Recipe) *progress {
	if out == nil {
		out = io.Discard
	}
	file, isFile := out.(*os.File)
	return &progress{out: out, recipe: recipe, terminal: isFile && term.IsTerminal(int(file.Fd()))}
}

// begin starts an epoch, at the step that r has come to.
func (p *progress) begin(r record) {
	p.meter, p.printed = meter{}, time.Now()
	if p.terminal {
		p.bar = progressbar.NewOptions(r.StepsPerEpoch,
			progressbar.OptionSetWriter(p.out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
}

// step tells of a step of the given loss, the last one that r counts.
func (p *progress) step(loss float64, r record) {
	now := time.Now()
	p.meter.add(p.recipe.Batch, now)
	epoch, steps := len(r.Epochs), r.StepsPerEpoch
	left := float64(p.recipe.Epochs*steps-r.Step) * float64(p.recipe.Batch) / p.meter.rate()
	text := fmt.Sprintf("epoch %d/%d, step %d/%d: loss %.3f, %s, %s left",
		epoch+1, p.recipe.Epochs, r.Step-epoch*steps, steps, loss, speed(p.meter.rate()), duration(left))
	switch {
	case p.terminal:
		p.bar.Describe(text)
		p.bar.Set(r.Step - epoch*steps)
	case now.Sub(p.printed) >= lineInterval:
		fmt.Fprintln(p.out, text)
		p.printed = now
	}
}

// close takes an unfinished bar off the terminal.
func (p *progress) close() {
	if p.bar != nil && !p.bar.IsFinished() {
		p.bar.Clear()
	}
}

// end tells what the epoch, the last one of r, gave.
func (p *progress) end(r record) {
	if p.terminal {
		p.bar.Finish()
	}
	e := r.Epochs[len(r.Epochs)-1]
	fmt.Fprintf(p.out, "epoch %d/%d: loss %.3f, validation loss %.3f, top-1 %.1f %%, top-5 %.1f %%, %s\n",
		len(r.Epochs), p.recipe.Epochs, e.Loss, e.Validation.Loss, 100*e.Validation.Top1, 100*e.Validation.Top5, speed(p.meter.rate()))
}

// meter measures images a second from the end of the first step on, for that one compiles the graph.
type meter struct {
	images      int
	first, last time.Time
}

func (m *meter) add(images int, now time.Time) {
	if m.first.IsZero() {
		m.first = now
	} else {
		m.images += images
	}
	m.last = now
}

// rate is 0 while nothing has been measured.
func (m *meter) rate() float64 {
	if m.images == 0 {
		return 0
	}
	return float64(m.images) / m.last.Sub(m.first).Seconds()
}

func speed(imagesPerSecond float64) string {
	if imagesPerSecond == 0 {
		return "- images/s"
	}
	return fmt.Sprintf("%.0f images/s", imagesPerSecond)
}

// duration is a time in seconds for people, such as 1m20s.
func duration(seconds float64) string {
	if !(seconds < 1e6) { // nothing measured yet
		return "?"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
