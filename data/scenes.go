package data

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/fastparc/fastparc/data/internal/rgb"
	"github.com/fastparc/fastparc/data/internal/shape"
)

// SceneSize is the width and height of a generated scene, in pixels.
const SceneSize = 48

// Scenes is a Source of generated pictures, made to ask whether a network can see where things are and relate things
// that are far apart.
//
// Each scene is 48×48 pixels: four figures, one in the middle of each quarter, on a grey textured background. Three of
// the figures are of one family of colours, warm (reds) or cool (blues), and one is of the other: the odd one. The class
// is the place of the odd one:
//
//	0  top left
//	1  top right
//	2  bottom left
//	3  bottom right
//
// Everything else is random and tells nothing: whether the odd one is the warm or the cool one, the kinds of the figures
// (circle, triangle, cross, ring), their sizes (as large as a circle with a radius of 4 to 6.4 pixels), angles (±0.25
// radians), places within the quarter (at most 4 pixels from its centre) and exact colours. Classes are equally
// frequent: scene i is of class i mod 4, and chance is 1/4. What follows from the design:
//
//   - Any one figure, however well its place is known, says nothing of the class: whichever colour it has, it is the odd
//     one in a quarter of the scenes. It must be compared with others, and the centres of the quarters are 24 pixels
//     apart along an axis, as far as the picture allows when it wraps around. No sum of evidence from one place each
//     (local features averaged over the picture) decides a scene either: the odd one is warm as often as cool.
//   - What figures a scene holds says nothing of its class: every class holds the same bags of figures.
//   - A scene moved by half the picture with wrap-around is as probable as before, and is of another class. A network that
//     does the same everywhere and averages in the end (circular convolution without position embedding, say) is left
//     with chance. Figures end at least half a pixel inside their quarters, so none is cut by the edge.
//     (Zero padding breaks this symmetry from the edges inward: it is a way to know places, too.)
//
// A scene depends on the seed and its index alone. Scenes of another seed are unseen ones.
type Scenes struct {
	count int
	seed  uint64
}

// NewScenes describes a set of count scenes. They are drawn when asked for.
func NewScenes(count int, seed uint64) (*Scenes, error) {
	if count < 1 {
		return nil, fmt.Errorf("data: %d scenes: want at least 1", count)
	}
	return &Scenes{count, seed}, nil
}

// Scene is a generated picture and what is in it.
type Scene struct {
	Image   *Image
	Class   int
	Figures [4]Figure // top left, top right, bottom left, bottom right
	// Mask says for each pixel, by rows, which figure covers at least half of it: its place in Figures plus one, or 0.
	Mask []uint8
}

// Figure is a thing in a scene.
type Figure struct {
	Kind string          // circle, triangle, cross or ring
	Warm bool            // of the family of reds; else of the blues
	Box  image.Rectangle // the smallest that holds its pixels in the mask
}

// Places of figures in a scene.
const (
	topLeft = iota
	topRight
	bottomLeft
	bottomRight
	places
)

// Classes names the places of the odd one.
func (s *Scenes) Classes() []string {
	return []string{"top left", "top right", "bottom left", "bottom right"}
}

// Len is the number of scenes.
func (s *Scenes) Len() int { return s.count }

// Name gives a scene's seed and index.
func (s *Scenes) Name(index int) string { return fmt.Sprintf("scene %d of seed %d", index, s.seed) }

// Label is a scene's class.
func (s *Scenes) Label(index int) int { return index % len(s.Classes()) }

// Image draws a scene.
func (s *Scenes) Image(index int) (*Image, error) { return s.Scene(index).Image, nil }

// Scene draws a scene and says what is in it.
func (s *Scenes) Scene(index int) *Scene {
	random := stream(s.seed, uint64(index))
	scene := &Scene{
		Image: rgb.New(SceneSize, SceneSize),
		Class: s.Label(index),
		Mask:  make([]uint8, SceneSize*SceneSize),
	}
	shape.Texture(scene.Image, greys(random), random)
	for place, warm := range arrange(scene.Class, random) {
		figure := placed(place, random)
		figure.Draw(scene.Image, paint(warm, random), scene.Mask, uint8(place+1))
		scene.Figures[place] = Figure{Kind: figure.Kind.String(), Warm: warm}
	}
	scene.measure()
	return scene
}

// measure finds the figures' boxes in the mask.
func (s *Scene) measure() {
	for i, label := range s.Mask {
		if label > 0 {
			x, y := i%SceneSize, i/SceneSize
			box := &s.Figures[label-1].Box
			*box = box.Union(image.Rect(x, y, x+1, y+1))
		}
	}
}

// arrange draws which figures of a scene of a class are warm.
func arrange(class int, random *rand.Rand) (warm [places]bool) {
	oddIsWarm := random.IntN(2) == 0
	for place := range warm {
		warm[place] = (place == class) == oddIsWarm
	}
	return warm
}

// placed draws a figure's kind, size, angle and position within a quarter of the picture.
func placed(place int, random *rand.Rand) shape.Figure {
	const quarter = SceneSize / 2
	figure := shape.Figure{
		Kind: shape.Kind(random.IntN(shape.Kinds)), Radius: 4 + 2.4*random.Float64(), Angle: random.Float64()/2 - 0.25,
	}
	slack := min(4, quarter/2-0.5-figure.Reach())
	distance, direction := slack*math.Sqrt(random.Float64()), 2*math.Pi*random.Float64()
	figure.X = float64(place%2*quarter+quarter/2) + distance*math.Cos(direction)
	figure.Y = float64(place/2*quarter+quarter/2) + distance*math.Sin(direction)
	return figure
}

// greys draws the two colours of a background, with a slight tint.
func greys(random *rand.Rand) (colors [2][3]uint8) {
	base := 80 + random.IntN(96)
	for i := range colors {
		level := base + random.IntN(61) - 30
		for channel := range colors[i] {
			colors[i][channel] = uint8(level + random.IntN(21) - 10)
		}
	}
	return colors
}

// paint draws a red, orange or pink; a cool one is the same with red and blue exchanged.
func paint(warm bool, random *rand.Rand) [3]uint8 {
	strong, weak := uint8(190+random.IntN(66)), uint8(random.IntN(90))
	green := uint8(40 + random.IntN(121))
	if warm {
		return [3]uint8{strong, green, weak}
	}
	return [3]uint8{weak, green, strong}
}
