package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/gomlx/compute"
)

// Options says how a tournament is held.
type Options struct {
	// Rounds is how often every contender has its turn, at least 1.
	Rounds int
	// Peers are the libraries to compare with, of Libraries.
	Peers []string
	// ChoiceOnly leaves all contenders out but the form that the engine chooses. Works are what is compared then: they
	// take turns themselves.
	ChoiceOnly bool
	// Progress, if not nil, is told what part of all is done, and what comes next.
	Progress func(part float64, next string)
}

// turn is what a contender does in each round. A rented processor takes some milliseconds to be as fast as it gets after
// it had nothing to do.
var turn = burst{Lead: 10, Span: 15, Calls: 400}

// patience bounds the time that a slow contender takes in all of a work's rounds: then it sits some rounds out, but for
// leastRounds of them.
const (
	patience    = 2 * time.Second
	leastRounds = 3
)

// tolerance is how far contenders' results may be apart, as a part of the largest value.
const tolerance = 1e-4

// Run holds a tournament on each of the works. In every round each contender has one turn, in an order that changes from
// round to round, so that what slows the machine for a while slows all of them. A library that is not installed is left
// out, and the report says so.
func Run(ctx context.Context, works []Work, options Options) (*Report, error) {
	t := &tournament{options: options, report: newReport(options), processes: map[string]*process{}}
	defer t.close()
	visits, rounds := 1, options.Rounds
	if options.ChoiceOnly {
		visits, rounds = options.Rounds, 1
	}
	t.report.Works = make([]Result, len(works))
	before := readProcessorTime()
	for visit := range visits {
		for i, work := range works {
			if err := t.seat(ctx, work.Threads); err != nil {
				return nil, err
			}
			progress := func(part float64) {
				if options.Progress != nil {
					options.Progress((float64(visit*len(works)+i)+part)/float64(visits*len(works)), work.String())
				}
			}
			if err := t.hold(ctx, work, rounds, &t.report.Works[i], progress); err != nil {
				return nil, err
			}
		}
	}
	t.report.Stolen = readProcessorTime().stolenSince(before)
	return t.report, nil
}

// tournament is what lasts longer than one work.
type tournament struct {
	options   Options
	report    *Report
	threads   int
	engine    compute.Backend
	processes map[string]*process
}

// seat opens the engine and the peers for a number of threads, if they are not.
func (t *tournament) seat(ctx context.Context, threads int) (err error) {
	if t.threads == threads {
		return nil
	}
	t.close()
	t.threads = threads
	if t.engine, err = openEngine(threads); err != nil {
		return err
	}
	for _, library := range t.options.Peers {
		p, err := openProcess(ctx, library, threads)
		if errors.Is(err, errNotInstalled) {
			t.report.Versions[library] = err.Error()
			continue
		}
		if err != nil {
			return err
		}
		t.processes[library], t.report.Versions[library] = p, p.version
	}
	return nil
}

func (t *tournament) close() {
	for _, p := range t.processes {
		_ = p.close() // the files are temporary
	}
	clear(t.processes)
	if t.engine != nil {
		t.engine.Finalize()
		t.engine = nil
	}
	t.threads = 0
}

// player is an entrant with what it has reached.
type player struct {
	entrant
	every      int // it takes part in one of so many rounds
	times      []float64
	difference float64 // from the first entrant with its task
}

// hold lets all contenders compute a work in turns, and adds their times to the result.
func (t *tournament) hold(ctx context.Context, work Work, rounds int, result *Result, progress func(part float64)) error {
	progress(0)
	players, closeAll, err := t.enter(work, result)
	defer closeAll()
	if err != nil {
		return err
	}
	order := rand.New(rand.NewPCG(3, 4))
	for round := range rounds {
		for _, i := range order.Perm(len(players)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			p := players[i]
			if round%p.every != 0 {
				continue
			}
			times, err := p.burst(turn)
			if err != nil {
				return err
			}
			p.times = append(p.times, median(times))
			time.Sleep(time.Millisecond) // in which the engine's threads go to sleep
		}
		progress(float64(round+1) / float64(rounds))
	}
	for _, p := range players {
		result.add(p)
	}
	return nil
}

// enter prepares all contenders and leaves those out that compute something else, as the result then says. closeAll is
// there with an error too.
func (t *tournament) enter(work Work, result *Result) (players []*player, closeAll func(), err error) {
	operands := work.operands()
	result.Work, result.LeftOut = work, nil
	entrants, err := work.ours(t.engine, operands, t.options.ChoiceOnly)
	closeAll = func() {
		for _, e := range entrants {
			if ours, ok := e.contender.(*engine); ok {
				ours.close()
			}
		}
		runtime.GC()
	}
	if err != nil {
		return nil, closeAll, err
	}
	if !t.options.ChoiceOnly {
		entrants = append(entrants, work.limits(operands)...)
	}
	for _, library := range t.options.Peers {
		if p := t.processes[library]; p != nil {
			peers, err := p.prepare(work, operands)
			if err != nil {
				return nil, closeAll, err
			}
			entrants = append(entrants, peers...)
		}
	}
	standards, ours := map[task]results{}, ourResults{}
	for _, e := range entrants {
		p, values, err := t.judge(e, standards)
		if err != nil {
			if e.library == Ours {
				return nil, closeAll, fmt.Errorf("%s: %w", work, err)
			}
			result.LeftOut = append(result.LeftOut, err.Error())
			continue
		}
		players = append(players, p)
		if e.library == Ours && e.task == circular {
			ours[e.method] = values
		}
	}
	result.Chosen = ours.chosen()
	return players, closeAll, nil
}

// judge compares what an entrant computes with the first one of its task, and looks how long it takes.
func (t *tournament) judge(e entrant, standards map[task]results) (p *player, values results, err error) {
	p = &player{entrant: e, every: 1}
	if values, err = e.compute(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	if standard, ok := standards[e.task]; !ok {
		standards[e.task] = values
	} else if p.difference = values.difference(standard); !(p.difference <= tolerance) {
		return nil, nil, fmt.Errorf("%s: its results differ by %.1e of the largest value", e.name(), p.difference)
	}
	first, err := e.burst(burst{Calls: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", e.name(), err)
	}
	turns := int(float64(patience/time.Millisecond) / (2 * first[0])) // each of at least two calls
	p.every = max(1, t.options.Rounds/max(leastRounds, turns))
	return p, values, nil
}
