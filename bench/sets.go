package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/parc"
)

// The sets that are more than shapes to compare on.
const (
	// Growth has the same number of elements at every length.
	Growth = "growth"
	// AnyLength has every length of a range; LengthShapes makes it.
	AnyLength = "any"
	// PeakMemory is the shape whose memory is measured.
	PeakMemory = "memory"
)

// sets are the shapes that belong together, by name.
var sets = map[string][]Shape{
	// Feature maps of 224×224 images and larger ones, with channels falling as they grow.
	"table": {{7, 7, 384}, {14, 14, 192}, {28, 28, 96}, {56, 56, 48}, {112, 112, 24}, {224, 224, 12}, {448, 448, 6}},
	// Strides 4, 8, 16 and 32 of images of 224×224 and 384×384, with the channels of ConvNeXt-XT.
	"imagenet": append(strides(224, 224), strides(384, 384)...),
	// The same of images 1280 wide and 800 high, as detectors on COCO see them, and 2048 by 512, as segmentation on
	// ADE20K allows.
	"coco":     strides(800, 1280),
	"ade20k":   strides(512, 2048),
	Growth:     {{56, 56, 256}, {112, 112, 64}, {224, 224, 16}, {448, 448, 4}, {896, 896, 1}},
	PeakMemory: {{448, 448, 6}},
}

// strides returns the feature maps of an image after the four stages of ConvNeXt-XT.
func strides(height, width int) (shapes []Shape) {
	for stage, channels := range []int{48, 96, 192, 384} {
		stride := 4 << stage
		shapes = append(shapes, Shape{height / stride, width / stride, channels})
	}
	return shapes
}

// SetNames lists the named sets of shapes.
func SetNames() []string { return append(slices.Sorted(maps.Keys(sets)), AnyLength) }

// Set returns the shapes of a named set.
func Set(name string) ([]Shape, error) {
	shapes, ok := sets[name]
	if !ok {
		return nil, fmt.Errorf("set %q: expected one of %s", name, strings.Join(SetNames(), ", "))
	}
	return shapes, nil
}

// LengthShapes returns a shape for each length from first to last: that long along both axes would take ever more
// elements, so the other axis is as long as keeps their number about the same.
func LengthShapes(first, last int, axis parc.Axis) (shapes []Shape) {
	const pixels, channels = 4096, 16
	for n := first; n <= last; n++ {
		shape := Shape{n, max(2, pixels/n), channels}
		if axis == parc.Width {
			shape.Height, shape.Width = shape.Width, shape.Height
		}
		shapes = append(shapes, shape)
	}
	return shapes
}
