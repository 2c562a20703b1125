package train

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells how a training goes.
type progress struct {
	display
	recipe Recipe
	meter  meter
}

// newProgress tells out, or nobody if that is nil.
func newProgress(out io.Writer, recipe Recipe) *progress {
	return &progress{display: newDisplay(out), recipe: recipe}
}

// begin starts an epoch, at the step that r has come to.
func (p *progress) begin(r record) {
	p.meter = meter{}
	p.open(r.StepsPerEpoch)
}

// step tells of a step of the given loss, the last one that r counts.
func (p *progress) step(loss float64, r record) {
	p.meter.add(p.recipe.Batch, time.Now())
	epoch, steps := len(r.Epochs), r.StepsPerEpoch
	left := float64(p.recipe.Epochs*steps-r.Step) * float64(p.recipe.Batch) / p.meter.rate()
	p.show(r.Step-epoch*steps, fmt.Sprintf("epoch %d/%d, step %d/%d: loss %.3f, %s, %s left",
		epoch+1, p.recipe.Epochs, r.Step-epoch*steps, steps, loss, speed(p.meter.rate()), duration(left)))
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

// display shows how far something is: by a bar on a terminal, elsewhere by a line now and then.
type display struct {
	out      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	printed  time.Time
}

// lineInterval is the time between two lines where there is no terminal.
const lineInterval = 10 * time.Second

// newDisplay shows it on out, or nowhere if that is nil.
func newDisplay(out io.Writer) display {
	if out == nil {
		out = io.Discard
	}
	file, isFile := out.(*os.File)
	return display{out: out, terminal: isFile && term.IsTerminal(int(file.Fd()))}
}

// open begins a bar of so many steps.
func (d *display) open(steps int) {
	d.printed = time.Now()
	if d.terminal {
		d.bar = progressbar.NewOptions(steps,
			progressbar.OptionSetWriter(d.out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
}

// show says that a step is done, and what there is to say then.
func (d *display) show(step int, text string) {
	now := time.Now()
	switch {
	case d.terminal:
		d.bar.Describe(text)
		d.bar.Set(step)
	case now.Sub(d.printed) >= lineInterval:
		fmt.Fprintln(d.out, text)
		d.printed = now
	}
}

// close takes an unfinished bar off the terminal.
func (d *display) close() {
	if d.bar != nil && !d.bar.IsFinished() {
		d.bar.Clear()
	}
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
