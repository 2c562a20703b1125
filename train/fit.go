package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	gomlx "github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// ErrInterrupted is what Fit returns when its context is cancelled, after it has written a checkpoint to resume from. Before
// the first step there is nothing to write, and Fit returns context.Canceled.
var ErrInterrupted = errors.New("training interrupted")

// LossError is what Fit returns when the loss is no longer a finite number.
type LossError struct {
	Loss         float64
	Step, Epoch  int     // from 1
	LearningRate float64 // the recipe's
}

func (e *LossError) Error() string {
	return fmt.Sprintf("train: the loss is %v at step %d, in epoch %d: training stopped, earlier checkpoints are kept; a learning rate below %g, or a longer warm-up, may help",
		e.Loss, e.Step, e.Epoch, e.LearningRate)
}

// Training is a model, what it learns from, and where the result goes.
type Training struct {
	Backend compute.Backend
	Model   *models.Model
	// Card describes the model and holds the recipe; NewCard makes it. In the checkpoints Fit fills in Epoch and Validation.
	Card Card
	// Images are learned from, one step a batch; Validation is what each epoch is judged on.
	Images, Validation *data.Loader
	// Dir receives the checkpoints: Dir/last after each epoch and when interrupted, Dir/best after the epoch with the
	// highest Top1 on Validation (the first of equals).
	Dir string
	// Weights, if not nil, are what the model begins with. Its classifier begins anew where they have none for as many
	// classes.
	Weights *weights.File
	// ResetHead makes the classifier begin anew in any case.
	ResetHead bool
	// Resume, if not nil, is what OpenLast gave: the training goes on as if it had never stopped. Model and Card must be
	// the checkpoint's.
	Resume *Checkpoint
	// Progress, if not nil, is told how it goes: with a bar if it is a terminal, else in plain lines.
	Progress io.Writer
	// OnStep, if not nil, is called after each step with its number, from 1, and its loss.
	OnStep func(step int, loss float64)
}

// Epoch is what one pass over the images gave.
type Epoch struct {
	// Loss is the mean loss of its steps, label smoothing included.
	Loss float64 `json:"loss"`
	// Validation is what the model then reached.
	Validation Metrics `json:"validation"`
}

// Fit trains the model and returns all epochs of the training, those before a resumption included. A loss that is not
// finite ends it with a LossError, which names the step; the checkpoints of earlier epochs stay as they were, as they do
// where a new one cannot be written. A recipe out of range, and images that do not fit the model or the checkpoint to
// resume from, are errors too.
func (t *Training) Fit(ctx context.Context) (epochs []Epoch, err error) {
	err = recovered(func() error {
		session, err := t.begin()
		if err != nil {
			return err
		}
		defer session.close()
		err = session.run(ctx)
		epochs = session.record.Epochs
		return err
	})
	return epochs, err
}

// session is a training under way.
type session struct {
	Training
	store      *model.Store
	trainer    *gomlx.Trainer
	loop       *gomlx.Loop
	classifier *Classifier
	progress   *progress
	record     record
	saved      int // the step of the latest checkpoint
}

func (t *Training) begin() (*session, error) {
	recipe := t.Card.Recipe
	if err := recipe.Check(); err != nil {
		return nil, err
	}
	steps := t.Images.Steps()
	s := &session{Training: *t, store: model.NewStore(), record: record{StepsPerEpoch: steps}}
	s.progress = newProgress(t.Progress, recipe)
	if err := s.setValues(); err != nil {
		return nil, err
	}
	network := func(scope *model.Scope, images *graph.Node) *graph.Node {
		recipe.schedule(scope, images.Graph(), steps)
		return t.Model.Logits(scope, images)
	}
	optimizer := &AdamW{
		LearningRate: recipe.LearningRate,
		WeightDecay:  recipe.WeightDecay,
		Decays:       decays(t.Model),
		ClipNorm:     recipe.ClipNorm,
	}
	s.trainer = gomlx.NewTrainer(t.Backend, s.store, network, crossEntropy(recipe.LabelSmoothing), optimizer, nil, nil)
	s.loop = gomlx.NewLoop(s.trainer)
	s.loop.OnStep("record", 0, s.afterStep)
	var err error
	s.classifier, err = NewClassifier(t.Backend, t.Model, s.store)
	return s, err
}

// setValues makes the store begin where the training does.
func (s *session) setValues() error {
	if s.Resume == nil {
		return errors.Join(s.store.SetRNGStateFromSeed(int64(s.Card.Recipe.Seed)), s.loadWeights())
	}
	found, err := restore(s.Resume, s.store)
	if err != nil {
		return fmt.Errorf("train: resume from %s: %w", s.Resume.Dir, err)
	}
	if found.StepsPerEpoch != s.record.StepsPerEpoch {
		return fmt.Errorf("train: resume from %s: it has %d steps an epoch, the training images and batch size given make %d",
			s.Resume.Dir, found.StepsPerEpoch, s.record.StepsPerEpoch)
	}
	s.record, s.saved = found, found.Step
	return nil
}

// loadWeights makes the model begin with weights that are there.
func (s *session) loadWeights() error {
	if s.Weights == nil {
		return nil
	}
	if s.ResetHead {
		return weights.LoadWithoutClassifier(s.Model, s.store, s.Weights)
	}
	return weights.LoadFeatures(s.Model, s.store, s.Weights)
}

func (s *session) close() {
	s.progress.close()
	s.trainer.ResetComputationGraphs()
	s.classifier.Close()
	s.store.Finalize()
}

// decays says of a model's variables which ones have more than one axis in PyTorch's layout.
func decays(m *models.Model) func(*model.Variable) bool {
	axes := map[string]int{}
	for _, entry := range m.State() {
		axes[model.RootScopePath+entry.Path] = len(entry.Shape)
	}
	return func(v *model.Variable) bool { return axes[v.Path()] > 1 }
}

func (s *session) run(ctx context.Context) error {
	for len(s.record.Epochs) < s.Card.Recipe.Epochs {
		if err := s.epoch(ctx); ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
			return s.interrupt()
		} else if err != nil {
			return err
		}
	}
	return nil
}

// epoch trains to the end of the current epoch, judges the model and writes its checkpoints.
func (s *session) epoch(ctx context.Context) error {
	r := &s.record
	epoch, steps := len(r.Epochs), r.StepsPerEpoch
	s.progress.begin(*r)
	if first := r.Step - epoch*steps; first < steps {
		images := &epochOf{ctx, s.Images, s.Model.Options().ImageSize, epoch, first}
		if _, err := s.loop.RunSteps(images, steps-first); err != nil {
			return withoutLoop(err)
		}
	}
	metrics, err := s.classifier.Evaluate(ctx, s.Validation)
	if err != nil {
		return err
	}
	if err := s.finite(metrics.Loss); err != nil {
		return err
	}
	done := Epoch{Loss: r.LossSum / float64(steps), Validation: metrics}
	best := true
	for _, earlier := range r.Epochs {
		best = best && metrics.Top1 > earlier.Validation.Top1
	}
	r.Epochs, r.LossSum = append(r.Epochs, done), 0
	s.Card.Epoch, s.Card.Validation = len(r.Epochs), &metrics
	// Best goes first: if the program dies between the two, the epoch is done again from last and gives the same best.
	if best {
		if err := saveCheckpoint(filepath.Join(s.Dir, bestName), s.Model, s.store, s.Card, nil); err != nil {
			return err
		}
	}
	if err := s.saveLast(); err != nil {
		return err
	}
	s.progress.end(*r)
	return nil
}

// afterStep is called by the loop before its own look at the loss, which has no step in its message.
func (s *session) afterStep(loop *gomlx.Loop, metrics []*tensors.Tensor) error {
	r := &s.record
	r.Step = loop.LoopStep + 1
	loss := float64(tensors.ToScalar[float32](metrics[0]))
	if err := s.finite(loss); err != nil {
		return err
	}
	r.LossSum += loss
	s.progress.step(loss, *r)
	if s.OnStep != nil {
		s.OnStep(r.Step, loss)
	}
	return nil
}

// finite returns a LossError for a loss that is not a number or infinite.
func (s *session) finite(loss float64) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	r := s.record
	return &LossError{Loss: loss, Step: r.Step, Epoch: (r.Step-1)/r.StepsPerEpoch + 1, LearningRate: s.Card.Recipe.LearningRate}
}

// recovered calls f and returns the error that code which builds a graph panics with.
func recovered(f func() error) (err error) {
	if panicked := exceptions.TryCatch[error](func() { err = f() }); panicked != nil {
		return panicked
	}
	return err
}

// withoutLoop takes from an error of ours what GoMLX's loop says around it.
func withoutLoop(err error) error {
	if loss := (*LossError)(nil); errors.As(err, &loss) {
		return loss
	}
	return err
}

// interrupt writes a checkpoint unless the latest one is as far.
func (s *session) interrupt() error {
	if s.record.Step == 0 {
		return fmt.Errorf("train: stopped before the first step: %w", context.Canceled)
	}
	if s.record.Step > s.saved {
		s.Card.Validation = nil
		if err := s.saveLast(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w at step %d of %d", ErrInterrupted, s.record.Step, s.Card.Recipe.Epochs*s.record.StepsPerEpoch)
}

func (s *session) saveLast() error {
	s.saved = s.record.Step
	return saveCheckpoint(filepath.Join(s.Dir, lastName), s.Model, s.store, s.Card, &s.record)
}

// epochOf is the rest of an epoch as the loop takes it.
type epochOf struct {
	ctx          context.Context
	images       *data.Loader
	size         [2]int
	epoch, first int
}

func (e *epochOf) Name() string { return fmt.Sprintf("epoch %d", e.epoch+1) }

func (e *epochOf) Iter() iter.Seq2[gomlx.Batch, error] {
	return func(yield func(gomlx.Batch, error) bool) {
		for batch, err := range e.images.Batches(e.ctx, e.epoch, e.first) {
			var images *tensors.Tensor
			if err == nil {
				err = e.ctx.Err() // a batch that lay ready may hide it
			}
			if err == nil {
				images, err = imageTensor(batch.Images, len(batch.Labels), e.size)
			}
			if err != nil {
				yield(gomlx.Batch{}, err)
				return
			}
			labels := tensors.FromFlatDataAndDimensions(batch.Labels, len(batch.Labels))
			if !yield(gomlx.Batch{Inputs: []*tensors.Tensor{images}, Labels: []*tensors.Tensor{labels}}, nil) {
				return
			}
		}
	}
}
