// Package convert makes the weights of one model from those of another that differs in its circular convolutions: where
// they stand, and how long their kernels are.
//
//	from, err := models.New("resnet50", models.Options{})
//	…
//	to, err := models.New("resnet50_parc", models.Options{})
//	…
//	tensors, report, err := convert.Convert(backend, from, to, source, convert.Options{Initial: convert.Marginal})
//
// Everything but the new operators keeps its values, bit for bit.
package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

// Options say what new operators begin with.
type Options struct {
	// Initial is the way they begin: Reference, the default, or Marginal.
	Initial Initial
	// Seed begins the random numbers of Reference.
	Seed int64
	// ResetHead makes the classifier begin as the reference implementation's does, in place of keeping it.
	ResetHead bool
}

// Report says what became of each tensor.
type Report struct {
	// Kept are the tensors with the values they had, maybe under another name.
	Kept []Change `json:"kept"`
	// Fitted are kernels and embeddings of circular convolutions that were brought to another length.
	Fitted []Change `json:"fitted"`
	// New are the tensors of new operators.
	New []Change `json:"new"`
	// Dropped are the names of tensors that nothing has the values of.
	Dropped []string `json:"dropped"`
}

// Change is a tensor of the new weights.
type Change struct {
	Name string `json:"name"`
	// From is the tensor that the values come from, where it has another name; empty too where they are random or zeros.
	From string `json:"from,omitempty"`
	// How says what a new operator's tensor begins with.
	How string `json:"how,omitempty"`
}

// Convert returns the state of one model made from the state of another, in PyTorch's layout and order. The models are
// of one family and size, and have as many classes; a block that is circular in the first one is in the second. Every
// tensor where they differ otherwise is in the error.
func Convert(backend compute.Backend, from, to *models.Model, source []weights.Tensor, options Options) ([]weights.Tensor, Report, error) {
	c := &conversion{source: make(map[string]weights.Tensor), unused: make(map[string]bool), reset: make(map[string]bool), initial: options.Initial}
	if options.ResetHead {
		for _, entry := range to.Classifier() {
			c.reset[entry.Name] = true
		}
	}
	for _, tensor := range source {
		c.source[tensor.Name] = tensor
		c.unused[tensor.Name] = true
	}
	if err := c.compareBlocks(from, to); err != nil {
		return nil, Report{}, err
	}
	fresh, err := initialState(backend, to, options.Seed)
	if err != nil {
		return nil, Report{}, fmt.Errorf("convert: %s: %w", to.Name(), err)
	}
	var problems []error
	for i, tensor := range fresh {
		if fresh[i], err = c.make(tensor); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, Report{}, fmt.Errorf("convert: %s and %s differ in more than circular convolutions:\n%w", from.Name(), to.Name(), errors.Join(problems...))
	}
	for _, tensor := range source {
		if c.unused[tensor.Name] {
			c.report.Dropped = append(c.report.Dropped, tensor.Name)
		}
	}
	return fresh, c.report, nil
}

// conversion is one under way.
type conversion struct {
	source  map[string]weights.Tensor
	unused  map[string]bool
	reset   map[string]bool // what begins anew though it is there
	initial Initial
	// replaced are the blocks whose local convolutions become circular, circular all that are circular in the end.
	replaced, circular []models.Block
	report             Report
}

// compareBlocks finds the blocks that become circular.
func (c *conversion) compareBlocks(from, to *models.Model) error {
	before := make(map[string]models.Block)
	for _, block := range from.Blocks() {
		before[block.Name] = block
	}
	var lost []string
	for _, block := range to.Blocks() {
		earlier, ok := before[block.Name]
		switch {
		case block.Circular && ok && !earlier.Circular:
			c.replaced = append(c.replaced, block)
		case !block.Circular && ok && earlier.Circular:
			lost = append(lost, block.Name)
		}
		if block.Circular {
			c.circular = append(c.circular, block)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("convert: %s has circular convolutions in %s where %s has local ones: these cannot be made of them",
			from.Name(), strings.Join(lost, ", "), to.Name())
	}
	return nil
}

// make returns what the tensor is in the new weights, given what it would begin with.
func (c *conversion) make(fresh weights.Tensor) (weights.Tensor, error) {
	name := c.earlierName(fresh.Name)
	if c.reset[name] {
		c.report.New = append(c.report.New, Change{Name: fresh.Name, How: Reference.String()})
		return fresh, nil
	}
	if old, ok := c.source[name]; ok {
		delete(c.unused, name)
		change := Change{Name: fresh.Name}
		if name != fresh.Name {
			change.From = name
		}
		if slices.Equal(old.Shape, fresh.Shape) {
			c.report.Kept = append(c.report.Kept, change)
			old.Name = fresh.Name
			return old, nil
		}
		if fittable(old, fresh) {
			c.report.Fitted = append(c.report.Fitted, change)
			return fit(old, fresh)
		}
		return fresh, fmt.Errorf("misshapen: %s: found shape %v, want %v", name, old.Shape, fresh.Shape)
	}
	for _, block := range c.circular {
		if rest, ok := strings.CutPrefix(fresh.Name, block.Global+"_"); ok {
			return c.begin(block, fresh, rest)
		}
	}
	return fresh, fmt.Errorf("missing: %s, shape %v", fresh.Name, fresh.Shape)
}

// earlierName returns the name that a tensor has where the convolution of its block is local.
func (c *conversion) earlierName(name string) string {
	for _, block := range c.replaced {
		for _, names := range block.Renamed {
			if rest, ok := strings.CutPrefix(name, names[1]+"."); ok {
				return names[0] + "." + rest
			}
		}
	}
	return name
}

// begin returns what a tensor of a new operator begins with; rest is its name after the operator's, such as
// H.gcc_conv.weight.
func (c *conversion) begin(block models.Block, fresh weights.Tensor, rest string) (weights.Tensor, error) {
	change := Change{Name: fresh.Name, How: Reference.String()}
	if c.initial == Marginal {
		change.How = Marginal.String()
		replaced := slices.ContainsFunc(c.replaced, func(other models.Block) bool { return other.Name == block.Name })
		axis, part, _ := strings.Cut(rest, ".")
		local := block.Local + "." + strings.TrimPrefix(part, "gcc_conv.")
		old, ok := c.source[local]
		var err error
		switch {
		case !replaced || !ok:
			fresh, change.How = zeros(fresh), "zeros"
		case part == "gcc_conv.weight":
			change.From = local
			fresh, err = marginal(old, fresh, axis == "W")
		default:
			change.From = local
			fresh, err = half(old, fresh, axis == "W")
		}
		if err != nil {
			return fresh, err
		}
	}
	c.report.New = append(c.report.New, change)
	return fresh, nil
}
