package models

// Models by name.

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/nn"
)

// size is an entry of the registry: a family with the numbers of one of its models.
type size interface {
	// complete replaces zeros by the model's own values, and checks the rest.
	complete(Options) (Options, error)
	// build returns the network for complete options.
	build(Options) network
}

// registry is filled by the files of the families.
var registry = map[string]size{}

// Names returns the names of all models, sorted.
func Names() []string {
	return slices.Sorted(maps.Keys(registry))
}

// unknownName says which names are nearest to one that does not exist.
func unknownName(name string) error {
	names := Names()
	slices.SortStableFunc(names, func(a, b string) int {
		return editDistance(name, a) - editDistance(name, b)
	})
	return fmt.Errorf("models: no model is named %q; the nearest names are %s", name, strings.Join(names[:min(3, len(names))], ", "))
}

// editDistance returns how many characters must be inserted, removed or replaced to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// dropPath returns the probability that a residual branch is dropped: it rises linearly from 0 at the first of count.
func (o Options) dropPath(block, count int) nn.DropPath {
	return nn.DropPath(o.DropPath * float64(block) / float64(max(count-1, 1)))
}

// complete is the part of size.complete that all families share: own are the model's own values, strides those of its
// stages.
//
// Families without dropout have neither rate in their own options; those that have it list what they were published with,
// which the zero Options leave off.
func complete(options, own Options, strides ...int) (Options, error) {
	if options.Classes == 0 {
		options.Classes = own.Classes
	}
	if options.ImageSize == [2]int{} {
		options.ImageSize = own.ImageSize
	}
	last := strides[len(strides)-1]
	if options.OutputStride == 0 {
		options.OutputStride = last
	}
	if options.KernelImageSize == [2]int{} {
		options.KernelImageSize = own.ImageSize
	}
	for _, side := range options.KernelImageSize {
		if side < last || side%last != 0 {
			return options, fmt.Errorf("kernels for images of %d×%d, want multiples of %d", options.KernelImageSize[0], options.KernelImageSize[1], last)
		}
	}
	if options.Classes < 1 {
		return options, fmt.Errorf("%d classes, want at least 1", options.Classes)
	}
	if !slices.Contains(strides, options.OutputStride) {
		return options, fmt.Errorf("output stride %d, want a stride of its stages: %s", options.OutputStride, strings.Trim(fmt.Sprint(strides), "[]"))
	}
	smallest := options.OutputStride
	for _, side := range options.ImageSize {
		if side < smallest {
			return options, fmt.Errorf("image size %d×%d, want at least %d×%d", options.ImageSize[0], options.ImageSize[1], smallest, smallest)
		}
	}
	if !(options.DropPath >= 0 && options.DropPath < 1) {
		return options, fmt.Errorf("drop path %g, want a probability in [0, 1)", options.DropPath)
	}
	if !(options.Dropout >= 0 && options.Dropout < 1) {
		return options, fmt.Errorf("dropout %g, want a probability in [0, 1)", options.Dropout)
	}
	if !(options.BlockDropout >= 0 && options.BlockDropout < 1) {
		return options, fmt.Errorf("block dropout %g, want a probability in [0, 1)", options.BlockDropout)
	}
	if options.Dropout > 0 && own.Dropout == 0 {
		return options, fmt.Errorf("dropout %g, want 0: the family has none before its classifier", options.Dropout)
	}
	if options.BlockDropout > 0 && own.BlockDropout == 0 {
		return options, fmt.Errorf("block dropout %g, want 0: the family has none in its blocks", options.BlockDropout)
	}
	return options, nil
}
