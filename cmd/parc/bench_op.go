package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/bench"
	"github.com/fastparc/fastparc/internal/atomicfile"
	"github.com/fastparc/fastparc/parc"
)

// newBenchOpCommand returns `parc bench op`.
func newBenchOpCommand() *cobra.Command {
	b := &benchOpCommand{}
	command := &cobra.Command{
		Use:   "op",
		Short: "Measure the operator beside PyTorch, ONNX Runtime, OpenVINO and JAX",
		Long: `Times circular convolution with embedding and bias, and training steps of it, in this project's engine (in both
forms and in the one that the engine chooses) and in other libraries that are installed; beside them 7×7
depth-wise convolutions of the same feature maps, copies of them and the processor's peak. All take turns
in rounds, after it was checked that they compute the same. Times are medians over the rounds, in
milliseconds. bench/README.md says how to install the libraries and what exactly is measured.

The sets of shapes: table, imagenet, coco and ade20k are feature maps of images; growth has the same number
of elements at N = 56 to 896; any has every N of --lengths; memory measures peak memory in place of time.`,
		Example: `  parc bench op
  parc bench op --shape 56x56x48 --axis width --peers none
  parc bench op --set table --pass forward --batch 1,8 --threads 1,2 --json op.json --plot op.svg
  parc bench op --set any --lengths 1-512`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return b.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&b.shapes, "shape", nil, "feature maps in place of a set: HEIGHTxWIDTHxCHANNELS, one or more")
	flags.StringVar(&b.set, "set", "table", "shapes that belong together: "+strings.Join(bench.SetNames(), ", "))
	flags.StringVar(&b.lengths, "lengths", "1-512", "for --set any: the first and the last N")
	flags.TextVar(&b.axis, "axis", parc.Height, "axis that the kernel runs along: height or width")
	flags.StringVar(&b.pass, "pass", passBoth, "forward, training (forward and all gradients) or both")
	flags.IntSliceVar(&b.batches, "batch", []int{1, 8}, "images in a call, one or more numbers")
	flags.IntSliceVar(&b.threads, "threads", []int{runtime.GOMAXPROCS(0)}, "threads that a call may use, one or more numbers")
	flags.IntVar(&b.rounds, "rounds", 15, "how often each contender has its turn")
	flags.StringSliceVar(&b.peers, "peers", bench.Libraries(), "libraries to compare with, or none")
	flags.StringVar(&b.json, "json", "", "file for all figures as JSON")
	flags.StringVar(&b.plot, "plot", "", "file for a plot of time against N: .svg or .png")
	return command
}

// The values of --pass.
const (
	passForward  = "forward"
	passTraining = "training"
	passBoth     = "both"
)

// benchOpCommand holds the flags of `parc bench op`.
type benchOpCommand struct {
	shapes, peers    []string
	set, lengths     string
	axis             parc.Axis
	pass             string
	batches, threads []int
	rounds           int
	json, plot       string
}

func (b *benchOpCommand) run(ctx context.Context, out, errOut io.Writer) error {
	works, err := b.works()
	if err != nil {
		return err
	}
	peers, err := b.libraries()
	if err != nil {
		return err
	}
	if b.rounds < 1 {
		return fmt.Errorf("--rounds is %d: expected at least 1", b.rounds)
	}
	if extension := filepath.Ext(b.plot); b.plot != "" && extension != ".svg" && extension != ".png" {
		return fmt.Errorf("--plot is %q: expected a name that ends in .svg or .png", b.plot)
	}
	for _, file := range []string{b.json, b.plot} {
		if _, err := os.Stat(filepath.Dir(file)); err != nil { // before minutes of measuring
			return fmt.Errorf("cannot write %s: %w", file, err)
		}
	}
	if b.measures(bench.PeakMemory) {
		return b.memory(ctx, works, out)
	}
	progress := newBenchProgress(errOut)
	report, err := bench.Run(ctx, works, bench.Options{
		Rounds: b.rounds, Peers: peers, ChoiceOnly: b.measures(bench.AnyLength), Progress: progress.show,
	})
	progress.close()
	if err != nil {
		return err
	}
	return b.write(report, out)
}

// write prints the report, and writes the files that are asked for.
func (b *benchOpCommand) write(report *bench.Report, out io.Writer) error {
	texts := []func(io.Writer) error{report.Text}
	switch {
	case b.measures(bench.AnyLength):
		texts = []func(io.Writer) error{report.LengthsText}
	case b.measures(bench.Growth):
		texts = append(texts, report.GrowthText)
	}
	for _, text := range texts {
		if err := text(out); err != nil {
			return err
		}
	}
	if b.json != "" {
		if err := atomicfile.Write(b.json, report.JSON); err != nil {
			return err
		}
	}
	if b.plot == "" {
		return nil
	}
	return atomicfile.Write(b.plot, report.Plot(b.plot))
}

// measures says whether a set is what is measured.
func (b *benchOpCommand) measures(set string) bool { return len(b.shapes) == 0 && b.set == set }

// memory measures the peak memory of each work.
func (b *benchOpCommand) memory(ctx context.Context, works []bench.Work, out io.Writer) error {
	var all []bench.Memory
	for _, work := range works {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := bench.MeasureMemory(work)
		if err != nil {
			return err
		}
		if err := m.Text(out); err != nil {
			return err
		}
		all = append(all, m)
	}
	if b.json == "" {
		return nil
	}
	return atomicfile.Write(b.json, func(w io.Writer) error { return printJSON(w, all) })
}

// works returns what is to be measured, by numbers of threads, so that peers are opened once for each.
func (b *benchOpCommand) works() (works []bench.Work, err error) {
	shapes, err := b.featureMaps()
	if err != nil {
		return nil, err
	}
	passes, ok := map[string][]bool{passForward: {false}, passTraining: {true}, passBoth: {false, true}}[b.pass]
	if !ok {
		return nil, fmt.Errorf("--pass is %q: expected forward, training or both", b.pass)
	}
	for _, threads := range b.threads {
		if threads < 1 {
			return nil, fmt.Errorf("--threads is %d: expected at least 1", threads)
		}
		for _, training := range passes {
			for _, batch := range b.batches {
				if batch < 1 {
					return nil, fmt.Errorf("--batch is %d: expected at least 1", batch)
				}
				for _, shape := range shapes {
					works = append(works, bench.Work{Shape: shape, Batch: batch, Axis: b.axis, Training: training, Threads: threads})
				}
			}
		}
	}
	return works, nil
}

// featureMaps returns the shapes that the flags name.
func (b *benchOpCommand) featureMaps() (shapes []bench.Shape, err error) {
	if b.measures(bench.AnyLength) {
		return b.lengthShapes()
	}
	if len(b.shapes) == 0 {
		shapes, err = bench.Set(b.set)
		if err != nil {
			return nil, fmt.Errorf("--%w", err)
		}
		return shapes, nil
	}
	for _, text := range b.shapes {
		shape, err := bench.ParseShape(text)
		if err != nil {
			return nil, fmt.Errorf("--%w", err)
		}
		shapes = append(shapes, shape)
	}
	return shapes, nil
}

// lengthShapes returns a shape for each of --lengths, long along --axis.
func (b *benchOpCommand) lengthShapes() ([]bench.Shape, error) {
	low, high, found := strings.Cut(b.lengths, "-")
	first, err := strconv.Atoi(low)
	last, err2 := strconv.Atoi(high)
	if !found || err != nil || err2 != nil || first < 1 || last < first {
		return nil, fmt.Errorf("--lengths is %q: expected FIRST-LAST, each at least 1, as in 1-512", b.lengths)
	}
	return bench.LengthShapes(first, last, b.axis), nil
}

// libraries returns the peers that the flag names.
func (b *benchOpCommand) libraries() ([]string, error) {
	if slices.Equal(b.peers, []string{"none"}) || b.measures(bench.AnyLength) {
		return nil, nil
	}
	for _, library := range b.peers {
		if !slices.Contains(bench.Libraries(), library) {
			return nil, fmt.Errorf("--peers is %q: expected some of %s, or none", library, strings.Join(bench.Libraries(), ", "))
		}
	}
	return b.peers, nil
}
