package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/internal/atomicfile"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/train"
)

// newDemoCommand returns `parc demo`.
func newDemoCommand(app *app) *cobra.Command {
	d := &demoCommand{app: app}
	command := &cobra.Command{
		Use:   "demo",
		Short: "See a ParC network learn what its local twin cannot, in two minutes",
		Long: `First checks that the two forms of circular convolution, spatial and by FFT, agree. Then trains a small network
with ParC in its blocks, and a twin of the same size that has 3×3 kernels in their place, on generated
scenes: four figures, one a quarter, three of one family of colours and one of the other. The class is
the place of the odd one, so figures far apart must be compared. Both are judged on scenes that they
have not seen; chance is 25 %.

With --seeds above 1 the comparison is made from as many beginnings, and with the same ParC network
without position embedding as a third, and ends in a table.`,
		Example: "  parc demo\n  parc demo --seeds 3",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return d.run(command.Context(), command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&d.out, "out", filepath.Join("runs", "demo"), "directory of the checkpoints and of some scenes")
	flags.Uint64Var(&d.seed, "seed", 1, "of scenes, weights and order; with --seeds the first of several")
	flags.IntVar(&d.seeds, "seeds", 1, "how often to compare, each time from another seed")
	flags.IntVar(&d.scenes, "scenes", 8000, "scenes to learn from")
	flags.IntVar(&d.epochs, "epochs", 6, "passes over them")
	return command
}

// demoCommand holds the flags of `parc demo`.
type demoCommand struct {
	app                   *app
	out                   string
	seed                  uint64
	seeds, scenes, epochs int
}

// unseenScenes is how many scenes the networks are judged on.
const unseenScenes = 2000

func (d *demoCommand) run(ctx context.Context, out io.Writer) error {
	if d.seeds < 1 {
		return fmt.Errorf("--seeds is %d: expected at least 1", d.seeds)
	}
	backend, err := backends.Open(d.app.backendConfig)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	if err := checkForms(backend, out); err != nil {
		return err
	}
	if d.seeds > 1 {
		return d.ablation(ctx, backend, out)
	}
	return d.once(ctx, backend, out)
}

// once trains the network and its twin and shows what they make of scenes they have not seen.
func (d *demoCommand) once(ctx context.Context, backend compute.Backend, out io.Writer) error {
	var reached []float64
	for _, v := range []variant{withParC, local} {
		metrics, err := d.train(ctx, backend, v, d.seed, out)
		if err != nil {
			return err
		}
		reached = append(reached, metrics.Top1)
	}
	fmt.Fprintf(out, "\non %d unseen scenes: %s %.1f %%, %s %.1f %% (chance 25 %%)\n\n",
		unseenScenes, withParC.name, 100*reached[0], local.name, 100*reached[1])
	pictures, err := d.writeScenes()
	if err != nil {
		return err
	}
	if err := d.predict(backend, pictures, out); err != nil {
		return err
	}
	checkpoint := filepath.Join(d.dir(withParC, d.seed), "last")
	fmt.Fprintf(out, "\ncheckpoint: %s\ntry: parc predict --checkpoint %s %q\n     parc eval --checkpoint %s --data %s\n     parc train --data YOUR_IMAGES --model convnext_c32_parc\n",
		checkpoint, checkpoint, pictures[0], checkpoint, d.sceneDir())
	return nil
}

// predict shows the network's choice for pictures.
func (d *demoCommand) predict(backend compute.Backend, pictures []string, out io.Writer) error {
	checkpoint, err := train.OpenLast(d.dir(withParC, d.seed))
	if err != nil {
		return err
	}
	store, err := checkpoint.Store()
	if err != nil {
		return err
	}
	defer store.Finalize()
	classifier, err := train.NewClassifier(backend, checkpoint.Network, store)
	if err != nil {
		return err
	}
	defer classifier.Close()
	for _, path := range pictures {
		picture, err := readPicture(path)
		if err != nil {
			return err
		}
		classes, err := classify(classifier, checkpoint.Card, picture)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n  seen as: %s (%.0f %%)\n", path, classes[0].Class, 100*classes[0].Probability)
	}
	return nil
}

func (d *demoCommand) sceneDir() string { return filepath.Join(d.out, "scenes") }

// writeScenes puts some unseen scenes of each class into folders, and returns the paths of the first of each.
func (d *demoCommand) writeScenes() ([]string, error) {
	const perClass = 25
	unseen, err := unseenSource(d.seed)
	if err != nil {
		return nil, err
	}
	classes := unseen.Classes()
	var first []string
	for i := range perClass * len(classes) {
		picture, err := unseen.Image(i)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(d.sceneDir(), classes[unseen.Label(i)], fmt.Sprintf("%02d.png", i/len(classes)))
		if err := writePNG(path, picture); err != nil {
			return nil, err
		}
		if i < len(classes) {
			first = append(first, path)
		}
	}
	return first, nil
}

func writePNG(path string, picture *data.Image) error {
	pixels := image.NewRGBA(image.Rect(0, 0, picture.Width, picture.Height))
	for y := range picture.Height {
		for x := range picture.Width {
			p := picture.Pix[y*picture.Stride+3*x:]
			pixels.SetRGBA(x, y, color.RGBA{p[0], p[1], p[2], 255})
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, pixels) })
}

// interrupted makes of a training's interruption that of the demo, which does not resume.
func interrupted(err error) error {
	if errors.Is(err, train.ErrInterrupted) {
		return context.Canceled
	}
	return err
}
