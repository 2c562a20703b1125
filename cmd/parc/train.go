package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fastparc/fastparc/data"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/train"
	"github.com/fastparc/fastparc/weights"
)

// newTrainCommand returns `parc train`.
func newTrainCommand(app *app) *cobra.Command {
	t := &trainCommand{app: app, recipe: train.DefaultRecipe()}
	command := &cobra.Command{
		Use:   "train --data DIR|TAR --model NAME",
		Short: "Train a model on a folder of images",
		Long: `Trains a model on images that lie in folders, one a class, in a directory or a .tar file. After each epoch the
model is judged on images held out (--val), and two checkpoints are written: OUT/last, from which --resume
continues, and OUT/best. Ctrl-C stops with a checkpoint.

Resumed, a training goes on as if it had never stopped, with the model and the recipe that it began with: give
--data, --val and --out as before. Other flags may be left out.`,
		Example: `  parc train --data cifar10/train.tar --model convnext_c32_parc --val 0.1 --epochs 5
  parc train --data flowers --model convnext_xt_parc --image-size 128 --out runs/flowers
  parc train --data flowers --model resnet50 --weights resnet50.pth --out runs/flowers
  parc train --data flowers --out runs/flowers --resume`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return t.run(command.Context(), command.Flags().Changed, command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&t.data, "data", "", "training images: a directory or .tar of class folders")
	flags.StringVar(&t.val, "val", "0.1", "what to judge on: another directory or .tar, or the part of each class to hold out")
	flags.StringVar(&t.model, "model", "", "name of the model (see parc models)")
	flags.StringVar(&t.out, "out", "", "directory of the checkpoints (default runs/MODEL)")
	flags.StringVar(&t.weights, "weights", "", "file of weights to begin with, safetensors or PyTorch; the classifier begins anew where they are for another number of classes, or with --reset-head")
	registerWeightsKey(command, &t.key)
	flags.BoolVar(&t.resetHead, "reset-head", false, "let the classifier begin anew, though --weights have one for as many classes")
	flags.BoolVar(&t.resume, "resume", false, "continue the training in --out")
	flags.IntVar(&t.imageSize, "image-size", 0, "height and width of the images in pixels (default the model's own)")
	flags.IntVar(&t.recipe.Epochs, "epochs", t.recipe.Epochs, "passes over the images")
	flags.IntVar(&t.recipe.Batch, "batch", t.recipe.Batch, "images a step")
	flags.Float64Var(&t.recipe.LearningRate, "lr", t.recipe.LearningRate, "highest learning rate")
	flags.Float64Var(&t.recipe.WarmUp, "warmup", t.recipe.WarmUp, "epochs over which the learning rate rises")
	flags.Float64Var(&t.recipe.WeightDecay, "weight-decay", t.recipe.WeightDecay, "decay of kernels, dense weights and embeddings")
	flags.Float64Var(&t.recipe.LabelSmoothing, "label-smoothing", t.recipe.LabelSmoothing, "part of each label spread over all classes")
	flags.Float64Var(&t.recipe.DropPath, "drop-path", t.recipe.DropPath, "probability of skipping the last residual branch; that of earlier ones is smaller")
	flags.Float64Var(&t.recipe.Dropout, "dropout", t.recipe.Dropout, "probability of zeroing an input of the classifier; published: 0.2 for MobileNetV2 and ParC-Net, 0.1 for MobileViT")
	flags.Float64Var(&t.recipe.BlockDropout, "block-dropout", t.recipe.BlockDropout, "probability of zeroing an output of a dense layer in the blocks of MobileViT and ParC-Net; published: 0.1")
	flags.Float64Var(&t.recipe.Augmentation.Flip, "flip", t.recipe.Augmentation.Flip, "probability of mirroring an image")
	flags.StringVar(&t.crop, "crop", cropAuto, "random crops: pad (shift by up to an eighth), resize (a part of any size) or none; auto is pad up to 64 pixels, else resize")
	flags.Uint64Var(&t.recipe.Seed, "seed", t.recipe.Seed, "of weights, order and augmentation; the same seed gives the same result")
	if err := command.MarkFlagRequired("data"); err != nil {
		panic(err)
	}
	return command
}

// trainCommand holds the flags of `parc train`.
type trainCommand struct {
	app                   *app
	data, val, model, out string
	weights, key          string
	resetHead, resume     bool
	imageSize             int
	crop                  string
	recipe                train.Recipe
}

func (t *trainCommand) run(ctx context.Context, changed func(flag string) bool, out io.Writer) error {
	training, err := t.begin(changed)
	if err != nil {
		return err
	}
	folder, err := data.OpenImageFolder(t.data)
	if err != nil {
		return err
	}
	defer folder.Close()
	if t.weights != "" {
		if training.Weights, err = weights.OpenKey(t.weights, t.key); err != nil {
			return err
		}
		defer training.Weights.Close()
		training.ResetHead = t.resetHead
	}
	if training.Resume == nil {
		if err := t.describe(training, folder.Classes()); err != nil {
			return err
		}
	}
	images, validation, closeValidation, err := t.split(folder, training.Card.Classes)
	if err != nil {
		return err
	}
	defer closeValidation()
	if training.Images, err = train.NewLoader(images, training.Card, true); err != nil {
		return err
	}
	if training.Validation, err = train.NewLoader(validation, training.Card, false); err != nil {
		return err
	}
	if training.Backend, err = backends.Open(t.app.backendConfig); err != nil {
		return err
	}
	defer training.Backend.Finalize()
	training.Progress = out
	costs := training.Model.Costs()
	fmt.Fprintf(out, "%s: %.1f M parameters, %.1f MMAC an image; %d images of %d classes to learn from, %d to judge on\n",
		training.Model.Name(), float64(costs.Parameters)/1e6, float64(costs.MACs)/1e6,
		images.Len(), len(images.Classes()), validation.Len())
	return t.fit(ctx, training, out)
}

// begin says where the training goes, and where it comes from if it is resumed.
func (t *trainCommand) begin(changed func(flag string) bool) (*train.Training, error) {
	if t.resetHead && t.weights == "" {
		return nil, errors.New("--reset-head has no use without --weights: the classifier begins anew anyway")
	}
	if t.key != "" && t.weights == "" {
		return nil, errors.New("--weights-key has no use without --weights")
	}
	if !t.resume {
		if t.model == "" {
			return nil, errors.New("--model is missing: expected a name that parc models lists")
		}
		if changed("image-size") && t.imageSize < 1 {
			return nil, fmt.Errorf("--image-size is %d: expected at least 1", t.imageSize)
		}
		t.out = cmp.Or(t.out, filepath.Join("runs", t.model))
		if _, err := train.OpenLast(t.out); err == nil {
			return nil, fmt.Errorf("%s holds a training already: continue it with --resume, or choose another --out", t.out)
		}
		return &train.Training{Dir: t.out}, nil
	}
	if t.weights != "" {
		return nil, errors.New("--weights has no use with --resume: the training goes on with its own")
	}
	if t.out == "" && t.model == "" {
		return nil, errors.New("--resume needs --out, the directory of the training to continue, or its --model")
	}
	t.out = cmp.Or(t.out, filepath.Join("runs", t.model))
	checkpoint, err := train.OpenLast(t.out)
	if err != nil {
		return nil, err
	}
	if err := t.sameAs(checkpoint.Card, changed); err != nil {
		return nil, err
	}
	return &train.Training{Dir: t.out, Resume: checkpoint, Model: checkpoint.Network, Card: checkpoint.Card}, nil
}

// sameAs checks that the flags given with --resume say what the training began with.
func (t *trainCommand) sameAs(card train.Card, changed func(flag string) bool) error {
	given, began := t.recipe, card.Recipe
	if changed("crop") {
		if err := setCrop(&given.Augmentation, t.crop, card.ImageSize[0]); err != nil {
			return err
		}
	}
	for _, setting := range []struct {
		flag         string
		given, began any
	}{
		{"model", t.model, card.Model},
		{"image-size", [2]int{t.imageSize, t.imageSize}, card.ImageSize},
		{"epochs", given.Epochs, began.Epochs},
		{"batch", given.Batch, began.Batch},
		{"lr", given.LearningRate, began.LearningRate},
		{"warmup", given.WarmUp, began.WarmUp},
		{"weight-decay", given.WeightDecay, began.WeightDecay},
		{"label-smoothing", given.LabelSmoothing, began.LabelSmoothing},
		{"drop-path", given.DropPath, began.DropPath},
		{"dropout", given.Dropout, began.Dropout},
		{"block-dropout", given.BlockDropout, began.BlockDropout},
		{"flip", given.Augmentation.Flip, began.Augmentation.Flip},
		{"crop", [3]float64{float64(given.Augmentation.Padding), given.Augmentation.Scale[0], given.Augmentation.Scale[1]},
			[3]float64{float64(began.Augmentation.Padding), began.Augmentation.Scale[0], began.Augmentation.Scale[1]}},
		{"seed", given.Seed, began.Seed},
	} {
		if changed(setting.flag) && setting.given != setting.began {
			return fmt.Errorf("--%s is %v: the training to resume began with %v, and goes on as it began", setting.flag, setting.given, setting.began)
		}
	}
	return nil
}

// describe makes the model for these classes and its card.
func (t *trainCommand) describe(training *train.Training, classes []string) (err error) {
	options := models.Options{
		Classes:      len(classes),
		ImageSize:    [2]int{t.imageSize, t.imageSize},
		DropPath:     t.recipe.DropPath,
		Dropout:      t.recipe.Dropout,
		BlockDropout: t.recipe.BlockDropout,
	}
	if training.Weights != nil { // they may be for other blocks with circular convolutions than the model's own
		m, err := training.Weights.Model(t.model, options)
		if err != nil {
			return err
		}
		options = m.Options()
		options.Classes = len(classes)
	}
	if training.Model, err = models.New(t.model, options); err != nil {
		return err
	}
	if err := setCrop(&t.recipe.Augmentation, t.crop, training.Model.Options().ImageSize[0]); err != nil {
		return err
	}
	training.Card = train.NewCard(training.Model, classes, t.recipe)
	return nil
}

// The values of --crop.
const (
	cropAuto   = "auto"
	cropPad    = "pad"
	cropResize = "resize"
	cropNone   = "none"
)

// setCrop chooses the random crops for images of the given size.
func setCrop(augmentation *data.Augmentation, crop string, size int) error {
	const smallImages = 64
	if crop == cropAuto {
		crop = cropResize
		if size <= smallImages {
			crop = cropPad
		}
	}
	switch crop {
	case cropPad:
		augmentation.Padding = size / 8
	case cropResize:
		augmentation.Scale = [2]float64{0.08, 1}
	case cropNone:
	default:
		return fmt.Errorf("--crop is %q: expected auto, pad, resize or none", crop)
	}
	return nil
}

// split says which images are learned from and which are judged on. Classes number the labels of both.
func (t *trainCommand) split(folder *data.ImageFolder, classes []string) (images, validation data.Source, closeFiles func() error, err error) {
	all, err := data.WithClasses(folder, classes)
	if err != nil {
		return nil, nil, nil, err
	}
	if fraction, err := strconv.ParseFloat(t.val, 64); err == nil {
		images, validation, err = data.Split(all, fraction)
		return images, validation, func() error { return nil }, err
	}
	held, err := data.OpenImageFolder(t.val)
	if err != nil {
		return nil, nil, nil, err
	}
	if validation, err = data.WithClasses(held, classes); err != nil {
		return nil, nil, nil, errors.Join(err, held.Close())
	}
	return all, validation, held.Close, nil
}

// fit trains, and says what came out.
func (t *trainCommand) fit(ctx context.Context, training *train.Training, out io.Writer) error {
	epochs, err := training.Fit(ctx)
	printSkipped(out, training.Images)
	printSkipped(out, training.Validation)
	if errors.Is(err, train.ErrInterrupted) {
		return fmt.Errorf("%w: the same command with --resume and --out %s continues", err, training.Dir)
	}
	if err != nil {
		return err
	}
	best := slices.MaxFunc(epochs, func(a, b train.Epoch) int { return cmp.Compare(a.Validation.Top1, b.Validation.Top1) })
	fmt.Fprintf(out, "best: top-1 %.1f %% on the images judged on, in %s\ntry: parc eval --checkpoint %s --data %s\n",
		100*best.Validation.Top1, filepath.Join(training.Dir, "best"), training.Dir, t.data)
	return nil
}

// printSkipped names the images that could not be read.
func printSkipped(out io.Writer, loader *data.Loader) {
	skipped := loader.Skipped()
	for _, image := range skipped {
		fmt.Fprintf(out, "skipped: %v\n", image.Err)
	}
	if len(skipped) > 0 {
		fmt.Fprintf(out, "%d images skipped\n", len(skipped))
	}
}
