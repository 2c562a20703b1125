package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/atomicfile"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// The files of a checkpoint. The last two are there only where a training can continue from it.
const (
	weightsFile  = "model.safetensors" // under PyTorch's names, in its layout
	cardFile     = "model.json"
	stateFile    = "state.safetensors" // every other variable: moments, steps, random numbers
	trainingFile = "training.json"
)

// The directories that Fit writes.
const (
	lastName = "last"
	bestName = "best"
)

// Card says what the weights of a checkpoint are, how images reach them and how they came about. It is the checkpoint's
// model.json.
type Card struct {
	weights.Description
	Recipe Recipe `json:"recipe"`
	// Epoch is the number of complete epochs.
	Epoch int `json:"epoch"`
	// Validation is what the weights reach; nil if they have not been judged, in the middle of an epoch.
	Validation *Metrics `json:"validation,omitempty"`
}

// NewCard describes a model about to learn classes by a recipe.
func NewCard(m *models.Model, classes []string, recipe Recipe) Card {
	return Card{Description: weights.Describe(m, classes), Recipe: recipe}
}

// Checkpoint is a trained model in a directory, or in a file of weights alone.
type Checkpoint struct {
	Card
	// Dir is the directory that holds the files; empty where there is one file alone.
	Dir string
	// Weights is the file of the weights, Key what they are under in it where it holds several.
	Weights, Key string
	// Network is the model that the card describes.
	Network *models.Model
}

// OpenCheckpoint opens the checkpoint in dir, or that in dir/best, else in dir/last, where Fit was given dir. It is an
// error if there is none, or if its model.json cannot be read or describes no model. The weights are read by Store.
func OpenCheckpoint(dir string) (*Checkpoint, error) {
	for _, candidate := range []string{dir, filepath.Join(dir, bestName), filepath.Join(dir, lastName)} {
		c, err := openCheckpoint(candidate)
		if !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
	}
	return nil, fmt.Errorf("train: no checkpoint in %s: expected %s there or in its folder %s or %s", dir, cardFile, bestName, lastName)
}

// OpenLast opens the checkpoint from which a training in dir continues.
func OpenLast(dir string) (*Checkpoint, error) {
	c, err := openCheckpoint(filepath.Join(dir, lastName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("train: no checkpoint to resume from in %s", filepath.Join(dir, lastName))
	}
	return c, err
}

func openCheckpoint(dir string) (*Checkpoint, error) {
	if name := filepath.Base(dir); name == lastName || name == bestName { // others were never replaced
		if err := recoverDirectory(dir); err != nil {
			return nil, err
		}
	}
	c := &Checkpoint{Dir: dir, Weights: filepath.Join(dir, weightsFile)}
	if err := readJSON(filepath.Join(dir, cardFile), &c.Card); err != nil {
		return nil, err
	}
	if len(c.Classes) == 0 {
		return nil, fmt.Errorf("train: %s: no classes, expected the name of each", filepath.Join(dir, cardFile))
	}
	options := c.Options()
	options.DropPath, options.Dropout, options.BlockDropout = c.Recipe.DropPath, c.Recipe.Dropout, c.Recipe.BlockDropout
	var err error
	if c.Network, err = models.New(c.Model, options); err != nil {
		return nil, fmt.Errorf("train: %s: %w", filepath.Join(dir, cardFile), err)
	}
	return c, nil
}

// Store reads the weights into a new store.
func (c *Checkpoint) Store() (*model.Store, error) {
	store := model.NewStore()
	return store, c.load(store)
}

func (c *Checkpoint) load(store *model.Store) error {
	file, err := weights.OpenKey(c.Weights, c.Key)
	if err != nil {
		return err
	}
	defer file.Close()
	return weights.Load(c.Network, store, file)
}

// OpenWeights opens a file of weights, of any format that package weights reads, as a checkpoint of the model of this
// name, or of the one that the file names where the name is empty. A key that is not empty says which weights of several
// in the file are meant, as in [weights.OpenKey]. What the file does not say about the preparation of images is as the
// model was published. The names of the classes are nil where it does not say them.
func OpenWeights(path, key, name string) (*Checkpoint, error) {
	file, err := weights.OpenKey(path, key)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	described, err := file.Description()
	if err != nil {
		return nil, err
	}
	if name != "" && name != described.Model {
		described = weights.Description{}
	}
	network, err := file.Model(name, models.Options{ImageSize: described.ImageSize})
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Weights: path, Key: key, Network: network}
	c.Description = weights.Describe(network, nil)
	if described.Model == "" {
		return c, nil
	}
	c.Preprocessing = described.Preprocessing
	if described.Classes == nil {
		return c, nil
	}
	return c, c.NameClasses(described.Classes)
}

// NameClasses gives the classes names, as many as the weights tell apart.
func (c *Checkpoint) NameClasses(names []string) error {
	if count := c.Network.Options().Classes; len(names) != count {
		return fmt.Errorf("train: %d names of classes, but %s tells %d apart", len(names), c.Weights, count)
	}
	c.Classes = names
	return nil
}

// record is how far a training has come. It is the checkpoint's training.json.
type record struct {
	// StepsPerEpoch and Step count batches; Step those of the whole training so far.
	StepsPerEpoch int `json:"steps_per_epoch"`
	Step          int `json:"step"`
	// LossSum adds up the losses of the steps since the last complete epoch.
	LossSum float64 `json:"loss_sum"`
	// Epochs are the complete ones.
	Epochs []Epoch `json:"epochs"`
}

// saveCheckpoint replaces the checkpoint in dir as a whole. With a record it is one to continue from.
func saveCheckpoint(dir string, m *models.Model, store *model.Store, card Card, r *record) error {
	tensors, err := weights.Collect(m, store)
	if err != nil {
		return err
	}
	if err := checkFinite(tensors); err != nil {
		return err
	}
	var state []weights.Tensor
	if r != nil {
		if state, err = collectState(m, store); err != nil {
			return err
		}
	}
	metadata, err := card.Metadata()
	if err != nil {
		return err
	}
	return replaceDirectory(dir, func(dir string) error {
		err := errors.Join(
			weights.Save(filepath.Join(dir, weightsFile), tensors, metadata),
			writeJSON(filepath.Join(dir, cardFile), card))
		if err == nil && r != nil {
			err = errors.Join(
				weights.Save(filepath.Join(dir, stateFile), state, nil),
				writeJSON(filepath.Join(dir, trainingFile), r))
		}
		return err
	})
}

// checkFinite returns an error that names the first tensor with a value that is not a number or infinite.
func checkFinite(tensors []weights.Tensor) error {
	for _, tensor := range tensors {
		values, err := tensor.Floats()
		if err != nil {
			return err
		}
		bad := slices.IndexFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) })
		if bad >= 0 {
			return fmt.Errorf("train: value %d of %s is %v: not saved", bad, tensor.Name, values[bad])
		}
	}
	return nil
}

func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("train: %s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}
