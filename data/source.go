package data

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/fastparc/fastparc/data/internal/decode"
	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Image is a picture of 8-bit RGB pixels: pixel (x, y) begins at Pix[y*Stride+3*x].
type Image = rgb.Image

// Decode reads a JPEG, PNG, GIF (its first frame), BMP, WebP or TIFF picture as 8-bit RGB. A broken one, and one of more
// than 90 million pixels, is an error.
func Decode(r io.ReadSeeker) (*Image, error) {
	return decode.Decode(r)
}

// Source is a set of labelled pictures. All methods may be called from several goroutines at once, and give the same
// answer each time.
type Source interface {
	// Classes are the names of the classes; labels index them.
	Classes() []string
	// Len is the number of samples.
	Len() int
	// Name says in messages which sample is meant, for instance a file's path.
	Name(index int) string
	// Label is the sample's class.
	Label(index int) int
	// Image gives the sample's picture. It must not be written to.
	Image(index int) (*Image, error)
}

// Split divides a source in two, class by class: the last part of each class, in the source's order, is held out. A
// fraction of 0.1 holds out the last tenth of each class, rounded to the nearest number of samples, but at least one and
// never all. Errors: a fraction outside (0, 1), a class with fewer than two samples.
func Split(source Source, fraction float64) (train, held Source, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("data: fraction %v to hold out: want one between 0 and 1", fraction)
	}
	classes := source.Classes()
	members := make([][]int, len(classes))
	for i := range source.Len() {
		members[source.Label(i)] = append(members[source.Label(i)], i)
	}
	var first, last []int
	for class, indices := range members {
		if len(indices) < 2 {
			return nil, nil, fmt.Errorf("data: class %q has %d images: want at least 2 to hold out a part", classes[class], len(indices))
		}
		count := int(math.Round(fraction * float64(len(indices))))
		cut := len(indices) - min(max(count, 1), len(indices)-1)
		first = append(first, indices[:cut]...)
		last = append(last, indices[cut:]...)
	}
	slices.Sort(first)
	slices.Sort(last)
	return &subset{source, first}, &subset{source, last}, nil
}

// subset is some of a source's samples.
type subset struct {
	Source
	indices []int
}

func (s *subset) Len() int                    { return len(s.indices) }
func (s *subset) Name(i int) string           { return s.Source.Name(s.indices[i]) }
func (s *subset) Label(i int) int             { return s.Source.Label(s.indices[i]) }
func (s *subset) Image(i int) (*Image, error) { return s.Source.Image(s.indices[i]) }

// WithClasses numbers a source's labels by another list of classes, for instance the one that a network was trained
// on. A class of the source that is not on the list is an error; the list may have more.
func WithClasses(source Source, classes []string) (Source, error) {
	labels := make([]int, 0, len(classes))
	for _, class := range source.Classes() {
		label := slices.Index(classes, class)
		if label < 0 {
			return nil, fmt.Errorf("data: class %q is not one of the %d expected: %s", class, len(classes), abridged(classes))
		}
		labels = append(labels, label)
	}
	return &relabelled{source, classes, labels}, nil
}

type relabelled struct {
	Source
	classes []string
	labels  []int // of the source's classes
}

func (r *relabelled) Classes() []string { return r.classes }
func (r *relabelled) Label(i int) int   { return r.labels[r.Source.Label(i)] }

// abridged lists names, the first few of many.
func abridged(names []string) string {
	const most = 10
	if len(names) <= most {
		return fmt.Sprintf("%q", names)
	}
	return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
}
