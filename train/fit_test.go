package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
)

const side = 16

// halves is a source of noisy pictures that are brighter on the left (class 0) or on the right (class 1).
type halves struct{ images int }

func (halves) Classes() []string     { return []string{"left", "right"} }
func (h halves) Len() int            { return h.images }
func (halves) Name(index int) string { return fmt.Sprint("halves ", index) }
func (halves) Label(index int) int   { return index % 2 }
func (h halves) Image(index int) (*data.Image, error) {
	random := rand.New(rand.NewPCG(uint64(index), 7))
	image := &data.Image{Width: side, Height: side, Stride: 3 * side, Pix: make([]uint8, 3*side*side)}
	for i := range image.Pix {
		right := i/3%side >= side/2
		image.Pix[i] = uint8(random.IntN(120))
		if right == (h.Label(index) == 1) {
			image.Pix[i] += 100
		}
	}
	return image, nil
}

// newTraining learns halves with a small network, to the given directory.
func newTraining(t *testing.T, dir string, adjust func(*Recipe)) *Training {
	t.Helper()
	recipe := DefaultRecipe()
	recipe.Epochs, recipe.Batch, recipe.Seed = 3, 8, 5
	recipe.DropPath, recipe.Augmentation = 0.2, data.Augmentation{Padding: 1}
	if adjust != nil {
		adjust(&recipe)
	}
	m, err := models.New("convnext_scene_parc", models.Options{Classes: 2, ImageSize: [2]int{side, side}, DropPath: recipe.DropPath})
	if err != nil {
		t.Fatal(err)
	}
	card := NewCard(m, halves{}.Classes(), recipe)
	return &Training{
		Backend:    goBackend(t),
		Model:      m,
		Card:       card,
		Images:     loader(t, halves{40}, card, true),
		Validation: loader(t, halves{19}, card, false),
		Dir:        dir,
	}
}

func loader(t *testing.T, source data.Source, card Card, training bool) *data.Loader {
	t.Helper()
	l, err := NewLoader(source, card, training)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFitLearnsAndItsCheckpointReachesTheSame(t *testing.T) {
	dir := t.TempDir()
	training := newTraining(t, dir, nil)
	var told bytes.Buffer
	training.Progress = &told
	epochs, err := training.Fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(epochs) != 3 {
		t.Fatalf("%d epochs, want 3", len(epochs))
	}
	final := epochs[2].Validation
	if final.Top1 < 0.9 || final.Images != 19 || final.Loss > 0.5 {
		t.Errorf("after training: %+v, want most of 19 images right", final)
	}
	if lines := strings.Count(told.String(), "\n"); lines != 3 || !strings.Contains(told.String(), "epoch 3/3: loss") {
		t.Errorf("progress is %q, want a line for each epoch", told.String())
	}
	checkpoint, err := OpenLast(dir)
	if err != nil {
		t.Fatal(err)
	}
	store, err := checkpoint.Store()
	if err != nil {
		t.Fatal(err)
	}
	classifier, err := NewClassifier(training.Backend, checkpoint.Network, store)
	if err != nil {
		t.Fatal(err)
	}
	defer classifier.Close()
	again, err := classifier.Evaluate(t.Context(), training.Validation)
	if err != nil {
		t.Fatal(err)
	}
	again.ImagesPerSecond = final.ImagesPerSecond
	if again != final {
		t.Errorf("the checkpoint reaches %+v, the training reached %+v", again, final)
	}
	if checkpoint.Epoch != 3 || checkpoint.Validation.Top1 != final.Top1 {
		t.Errorf("the card says epoch %d, %+v", checkpoint.Epoch, checkpoint.Validation)
	}
}

func TestImagesNeedNotBeSquare(t *testing.T) {
	dir := t.TempDir()
	training := newTraining(t, dir, func(r *Recipe) { r.Epochs = 1 })
	m, err := models.New(training.Model.Name(), models.Options{Classes: 2, ImageSize: [2]int{side / 2, side}})
	if err != nil {
		t.Fatal(err)
	}
	training.Model, training.Card = m, NewCard(m, halves{}.Classes(), training.Card.Recipe)
	training.Images, training.Validation = loader(t, halves{40}, training.Card, true), loader(t, halves{19}, training.Card, false)
	epochs, err := training.Fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := epochs[0].Validation.Images; got != 19 {
		t.Errorf("judged on %d images, want 19", got)
	}
	checkpoint, err := OpenLast(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := checkpoint.Preprocessing; got != m.Preprocessing() || got.CropSize != [2]int{side / 2, side} {
		t.Errorf("the checkpoint says %+v, want %+v", got, m.Preprocessing())
	}
}

func TestResumedTrainingEqualsOneThatNeverStopped(t *testing.T) {
	straight := t.TempDir()
	if _, err := newTraining(t, straight, nil).Fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		steps []int // that are taken between one interruption and the next
	}{
		{"in the middle of an epoch", []int{7}},
		{"at the end of an epoch, before it is judged", []int{5}},
		{"twice", []int{3, 4}},
		{"in the first step", []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			training := newTraining(t, dir, nil)
			for _, steps := range c.steps {
				ctx, cancel := context.WithCancel(t.Context())
				training.OnStep = func(int, float64) {
					if steps--; steps == 0 {
						cancel()
					}
				}
				if _, err := training.Fit(ctx); !errors.Is(err, ErrInterrupted) {
					t.Fatalf("interrupted training ends with %v", err)
				}
				checkpoint, err := OpenLast(dir)
				if err != nil {
					t.Fatal(err)
				}
				training = newTraining(t, dir, nil)
				training.Resume, training.Model, training.Card = checkpoint, checkpoint.Network, checkpoint.Card
			}
			epochs, err := training.Fit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(epochs) != 3 {
				t.Errorf("%d epochs, want all 3", len(epochs))
			}
			for _, name := range []string{"last/model.safetensors", "last/state.safetensors", "best/model.safetensors"} {
				if !bytes.Equal(read(t, filepath.Join(dir, name)), read(t, filepath.Join(straight, name))) {
					t.Errorf("%s differs from that of the training that was never stopped", name)
				}
			}
		})
	}
}

func TestATrainingStoppedBeforeItsFirstStepLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newTraining(t, dir, nil).Fit(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrInterrupted) {
		t.Errorf("ends with %v, want %v, and nothing about a checkpoint", err, context.Canceled)
	}
	wantContents(t, dir)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestLossThatIsNotFiniteStopsAndKeepsTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	if _, err := newTraining(t, dir, func(r *Recipe) { r.Epochs = 1 }).Fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(dir, "last/model.safetensors"))
	_, err := newTraining(t, dir, func(r *Recipe) { r.LearningRate, r.WarmUp, r.ClipNorm = 1e30, 0, 0 }).Fit(t.Context())
	var loss *LossError
	if !errors.As(err, &loss) || loss.Step < 2 || !strings.Contains(err.Error(), fmt.Sprintf("at step %d", loss.Step)) {
		t.Fatalf("training with an absurd learning rate ends with %v, want a LossError with its step", err)
	}
	if !bytes.Equal(before, read(t, filepath.Join(dir, "last/model.safetensors"))) {
		t.Error("the earlier checkpoint was overwritten")
	}
}
