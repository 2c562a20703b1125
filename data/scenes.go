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
// Each scene is 48×48 pixels: four figures, one in the middle of each quarter, on a textured background. Their kinds are
// circle, triangle, cross and ring; a scene has two kinds, a and b, and always the same four figures: a large a, a small
// a, a large b and a small b. (All kinds are drawn with the same area; the radius of a circle of that area is 5.8 to 6.4
// pixels for the large and 3.8 to 4.4 for the small.) Colours, angles (±0.25 radians), exact sizes and places
// (within the quarter, at most 4 pixels from its centre) are random and tell nothing.
//
// The class is read from two of the figures, the one at the top left and the one at the bottom right, of which one is
// always large and one small:
//
//	0  same kind, the top left one is larger
//	1  same kind, the bottom right one is larger
//	2  different kinds, the top left one is larger
//	3  different kinds, the bottom right one is larger
//
// The other two figures lie at the top right and bottom left, in either order. Classes are equally frequent: scene i is of
// class i mod 4, and chance is 1/4. What follows from the design:
//
//   - To exchange the two figures that matter always changes the class.
//   - What figures a scene holds says nothing of its class: as a bag, every scene is the same. Nor does any one figure's
//     kind, or the kinds of two figures without their sizes' places, say which of the two is larger.
//   - No single figure tells whether the kinds are the same. At least two quarters must be compared before any averaging over
//     the picture; their centres are 24 pixels apart along an axis, as far as the picture allows when it wraps around.
//   - The quarters' centres are 24 pixels apart and the background wraps around, so a scene moved by half the picture with
//     wrap-around is as probable as before, but its class may differ. A network that does the same everywhere and
//     averages in the end (circular convolution without position embedding, say) can tell same from different at
//     best, which is 1/2. Figures end at least half a pixel inside their quarters, so none is cut by the edge.
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
	Kind  string // circle, triangle, cross or ring
	Large bool
	Box   image.Rectangle // the smallest that holds its pixels in the mask
}

// Places of figures in a scene.
const (
	topLeft = iota
	topRight
	bottomLeft
	bottomRight
	places
)

// Classes describes the four classes.
func (s *Scenes) Classes() []string {
	return []string{
		"same kind, top left larger",
		"same kind, bottom right larger",
		"different kinds, top left larger",
		"different kinds, bottom right larger",
	}
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
	ground := newPalette(random)
	shape.Texture(scene.Image, ground.texture, random)
	for place, content := range arrange(scene.Class, random) {
		figure := content.place(place, random)
		figure.Draw(scene.Image, ground.contrasting(random), scene.Mask, uint8(place+1))
		scene.Figures[place] = Figure{Kind: content.kind.String(), Large: content.large}
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

// content is what distinguishes figures.
type content struct {
	kind  shape.Kind
	large bool
}

// arrange draws which figure goes where in a scene of a class.
func arrange(class int, random *rand.Rand) [places]content {
	a := shape.Kind(random.IntN(shape.Kinds))
	b := (a + 1 + shape.Kind(random.IntN(shape.Kinds-1))) % shape.Kind(shape.Kinds)
	partner := a // of the figure at the top left
	if class >= 2 {
		partner = b
	}
	larger := class%2 == 0
	var scene [places]content
	scene[topLeft], scene[bottomRight] = content{a, larger}, content{partner, !larger}
	// The other two are what is left of the four figures.
	other := a + b - partner
	left := [2]content{{b, larger}, {other, !larger}}
	first := random.IntN(2)
	scene[topRight], scene[bottomLeft] = left[first], left[1-first]
	return scene
}

// place draws size, angle and position within a quarter of the picture.
func (c content) place(place int, random *rand.Rand) shape.Figure {
	const quarter = SceneSize / 2
	figure := shape.Figure{Kind: c.kind, Radius: 3.8 + 0.6*random.Float64(), Angle: random.Float64()/2 - 0.25}
	if c.large {
		figure.Radius += 2
	}
	slack := min(4, quarter/2-0.5-figure.Reach())
	distance, direction := slack*math.Sqrt(random.Float64()), 2*math.Pi*random.Float64()
	figure.X = float64(place%2*quarter+quarter/2) + distance*math.Cos(direction)
	figure.Y = float64(place/2*quarter+quarter/2) + distance*math.Sin(direction)
	return figure
}

// palette is the two colours of a scene's background.
type palette struct {
	texture [2][3]uint8
}

func newPalette(random *rand.Rand) palette {
	var p palette
	for channel := range 3 {
		base := 40 + random.IntN(176)
		for i := range p.texture {
			p.texture[i][channel] = uint8(base + random.IntN(81) - 40)
		}
	}
	return p
}

// contrasting draws a colour that stands out in brightness from the middle of the background.
func (p palette) contrasting(random *rand.Rand) [3]uint8 {
	const least = 75 // grey levels
	middle := (brightness(p.texture[0]) + brightness(p.texture[1])) / 2
	for {
		bits := random.Uint32()
		color := [3]uint8{uint8(bits), uint8(bits >> 8), uint8(bits >> 16)}
		if difference := brightness(color) - middle; difference >= least || difference <= -least {
			return color
		}
	}
}

func brightness(color [3]uint8) int {
	return (299*int(color[0]) + 587*int(color[1]) + 114*int(color[2])) / 1000
}
