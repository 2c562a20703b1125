// Package models holds the vision models of fastparc: their structure, their sizes by name, what they cost and how
// images are prepared for them.
//
//	m, err := models.New("convnext_xt_parc", models.Options{Classes: 10})
//	if err != nil {
//		return err
//	}
//	exec := model.MustNewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
//		return m.Logits(scope, images) // images: [batch, height, width, 3], logits: [batch, 10]
//	})
//
// Each family has a file that begins with its paper. Variables stand at the paths of their names in PyTorch's
// state_dict with slashes for dots, so that published weights load without a table of names.
package models

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/nn"
	"github.com/fastparc/fastparc/parc"
)

// Options adapt a model. The zero Options give it as its size is defined, and where that was published, as it was.
type Options struct {
	// Classes is the number of logits; 0 stands for the model's own.
	Classes int
	// ImageSize is the height and width of the images that the model is meant for; zeros stand for the model's own.
	// Any size runs: this one is what Costs and Preprocessing answer for.
	ImageSize [2]int
	// OutputStride is how much smaller than the image the last map is: the stride of one of the model's stages; 0 stands
	// for the last one's, which most models have 32. Later stages keep its resolution by dilated kernels, for detection
	// and segmentation. The weights are the same.
	OutputStride int
	// ParCBlocks names the blocks with circular convolutions, as [Model.Blocks] lists them; none stand for the model's own.
	ParCBlocks []string
	// KernelImageSize is the height and width of the images for whose maps the kernels and embeddings of circular
	// convolutions are made: multiples of the last stage's own stride. Zeros stand for the model's own. For images of any
	// other size they are fitted.
	KernelImageSize [2]int
	// Form is how circular convolutions are computed; the values are the same, to rounding.
	Form parc.Form
	// DropPath is the probability that the last residual branch is dropped while training. It falls linearly to 0 at
	// the first.
	DropPath float64
	// Dropout is the probability that an input of the classifier is zeroed while training, in the families that were
	// published with dropout: MobileNetV2 with 0.2, MobileViT with 0.1 and ParC-Net with 0.2. In others it is an error.
	Dropout float64
	// BlockDropout is the probability that an output of a dense layer is zeroed while training, in the blocks that were
	// published with it: the transformers of MobileViT and the ParC-MetaFormer blocks of ParC-Net.
	BlockDropout float64
	// FeatureNorms puts a layer normalisation on each map of [Model.Features], in the family that was published so for
	// detection and segmentation: ConvNeXt, where they are norm0, norm1 and so on. Logits are the same without them.
	FeatureNorms bool
	// NoPositionEmbedding leaves the position embeddings of circular convolutions out, to see what they are worth.
	NoPositionEmbedding bool
}

// Model is a network of a given size. It holds no values: they are variables of the store that it is applied with.
type Model struct {
	name    string
	options Options
	network network
	costs   Costs
}

// network is what the file of a family builds: stages that each end in a feature map, and a head that turns the last
// map into logits.
type network struct {
	state         *nn.State
	stages        []stage
	head          nn.Layer
	blocks        []Block
	preprocessing Preprocessing
}

// stage is a part of a network that ends in a feature map of the image's size divided by stride.
type stage struct {
	name   string
	stride int
	layers nn.Layer
	// norm is applied to the map where it is asked for as a feature, but not to what the next stage reads; nil for none.
	norm nn.Layer
}

// New returns the model of this name. An unknown name gets an error that suggests the nearest ones, options that do not
// fit the model an error that says which and why.
func New(name string, options Options) (*Model, error) {
	size, ok := registry[name]
	if !ok {
		return nil, unknownName(name)
	}
	options, err := size.complete(options)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	m := &Model{name: name, options: options, network: size.build(options)}
	if err := checkBlocks(options.ParCBlocks, m.network.blocks); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	if m.costs, err = m.count(); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	return m, nil
}

// Name returns the model's name in the registry.
func (m *Model) Name() string {
	return m.name
}

// Options returns the options with the model's own values in place of zeros.
func (m *Model) Options() Options {
	return m.options
}

// Features returns the feature map at the end of each stage, [batch, height/stride, width/stride, channels] rounded down,
// for normalised images [batch, height, width, 3], normalised where [Options] ask for it. [Model.Strides] gives the
// strides. Like all functions that build graphs it panics where the images do not fit.
func (m *Model) Features(scope *model.Scope, images *graph.Node) []*graph.Node {
	maps := m.maps(scope, images)
	for i, stage := range m.network.stages {
		if stage.norm != nil {
			maps[i] = stage.norm.Apply(scope, maps[i])
		}
	}
	return maps
}

// maps returns what each stage ends in.
func (m *Model) maps(scope *model.Scope, images *graph.Node) []*graph.Node {
	m.assertImages(images)
	var maps []*graph.Node
	x := images
	for _, stage := range m.network.stages {
		x = stage.layers.Apply(scope, x)
		maps = append(maps, x)
	}
	return maps
}

// assertImages panics, as graph functions do, where the model has nothing to say about images of this shape.
func (m *Model) assertImages(images *graph.Node) {
	dims := images.Shape().Dimensions
	if len(dims) != 4 || dims[3] != 3 {
		panic(fmt.Errorf("models: %s: images of shape %s, want [batch, height, width, 3]", m.name, images.Shape()))
	}
	strides := m.Strides()
	if smallest := strides[len(strides)-1]; dims[1] < smallest || dims[2] < smallest {
		panic(fmt.Errorf("models: %s: images of %d×%d, want at least %d×%d", m.name, dims[1], dims[2], smallest, smallest))
	}
}

// Head returns the logits [batch, classes] for the last of the feature maps, as it is without [Options].FeatureNorms.
func (m *Model) Head(scope *model.Scope, features *graph.Node) *graph.Node {
	return m.network.head.Apply(scope, features)
}

// Logits returns the logits [batch, classes] for normalised images [batch, height, width, 3] of any size that leaves
// the last stage at least one position.
func (m *Model) Logits(scope *model.Scope, images *graph.Node) *graph.Node {
	maps := m.maps(scope, images)
	return m.Head(scope, maps[len(maps)-1])
}

// Strides returns, for each of the maps of [Model.Features], how much smaller than the image it is.
func (m *Model) Strides() []int {
	var strides []int
	for _, stage := range m.network.stages {
		strides = append(strides, stage.stride)
	}
	return strides
}

// Entry is one array of a model's state.
type Entry struct {
	// Name is the array's name in PyTorch's state_dict.
	Name string
	// Alias is a second name that PyTorch's state_dict lists the same array under, or empty.
	Alias string
	// Shape is its shape in PyTorch.
	Shape []int
	// Layout says how it is laid out in the store.
	Layout nn.Layout
	// Path is the path of its variable below the scope that the model is applied in.
	Path string
	// Kind says whether its values are learned, measured or counted. Those that are counted are of type int64, all
	// others float32.
	Kind nn.Kind
}

// State returns the arrays of the model's state in the order of PyTorch's state_dict.
func (m *Model) State() []Entry {
	var entries []Entry
	for _, p := range m.network.state.Params() {
		entries = append(entries, Entry{
			Name: p.Name, Alias: p.Alias, Shape: p.Layout.Torch, Layout: p.Layout, Path: p.VariablePath(), Kind: p.Kind,
		})
	}
	return entries
}

// Classifier returns those arrays of the state that another number of classes changes: their first axis is as long as
// there are classes.
func (m *Model) Classifier() []Entry {
	options := m.options
	options.Classes++
	other := Model{network: registry[m.name].build(options)}
	entries := m.State()
	for i, entry := range slices.Backward(other.State()) {
		if slices.Equal(entry.Shape, entries[i].Shape) {
			entries = slices.Delete(entries, i, i+1)
		}
	}
	return entries
}

// Preprocessing says how images are prepared for the model.
func (m *Model) Preprocessing() Preprocessing {
	return m.network.preprocessing
}
