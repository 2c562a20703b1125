// Package shape draws anti-aliased plane figures.
package shape

import (
	"math"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Kind is a figure.
type Kind int

// The figures. All have the area of a circle of the same radius, so that size does not tell one from another.
const (
	Circle Kind = iota
	Triangle
	Cross
	Ring
	Kinds int = iota
)

var names = [Kinds]string{"circle", "triangle", "cross", "ring"}

// String is the figure's name.
func (k Kind) String() string { return names[k] }

// Figure is a figure in a place. Lengths are in pixels; the centre of the top left pixel is (0.5, 0.5).
type Figure struct {
	Kind   Kind
	X, Y   float64 // centre
	Radius float64 // of the circle of the same area
	Angle  float64 // clockwise, in radians
}

// Reach is the distance from the centre to the farthest point.
func (f Figure) Reach() float64 { return f.Radius * reach[f.Kind] }

// Draw paints the figure over a picture, and sets mask (one byte a pixel, by rows) to label where it covers at least
// half of a pixel. What lies outside the picture is left out.
func (f Figure) Draw(picture *rgb.Image, color [3]uint8, mask []uint8, label uint8) {
	span := f.Reach() + 1
	left, right := max(int(f.X-span), 0), min(int(f.X+span)+1, picture.Width)
	top, bottom := max(int(f.Y-span), 0), min(int(f.Y+span)+1, picture.Height)
	sin, cos := math.Sincos(f.Angle)
	distance := distances[f.Kind]
	for y := top; y < bottom; y++ {
		row := picture.Row(y)
		dy := float64(y) + 0.5 - f.Y
		for x := left; x < right; x++ {
			dx := float64(x) + 0.5 - f.X
			u, v := (dx*cos+dy*sin)/f.Radius, (dy*cos-dx*sin)/f.Radius
			coverage := 0.5 - distance(u, v)*f.Radius
			if coverage <= 0 {
				continue
			}
			if coverage >= 0.5 {
				mask[y*picture.Width+x] = label
			}
			weight := int(256 * min(coverage, 1))
			for channel, value := range color {
				old := int(row[3*x+channel])
				row[3*x+channel] = uint8(old + (int(value)-old)*weight>>8)
			}
		}
	}
}

// Dimensions of figures of the area π.
var (
	triangleInner = math.Sqrt(math.Pi / (3 * math.Sqrt(3)))  // radius of the inscribed circle
	crossWidth    = math.Sqrt(math.Pi / (8*crossLength - 4)) // half the width of a bar
	ringOuter     = 1 / math.Sqrt(1-ringHole*ringHole)
)

const (
	crossLength = 2.6  // length of a bar, in widths
	ringHole    = 0.55 // radius of the hole, in outer radii
)

var reach = [Kinds]float64{
	Circle:   1,
	Triangle: 2 * triangleInner,
	Cross:    crossWidth * math.Hypot(1, crossLength),
	Ring:     ringOuter,
}

// distances give the distance from the edge of a figure of the area π, negative inside. Off the corners it is smaller
// than the true one.
var distances = [Kinds]func(x, y float64) float64{
	Circle: func(x, y float64) float64 { return math.Sqrt(x*x+y*y) - 1 },
	Triangle: func(x, y float64) float64 {
		return max(y, math.Abs(x)*(math.Sqrt(3)/2)-y/2) - triangleInner
	},
	Cross: func(x, y float64) float64 {
		x, y = math.Abs(x), math.Abs(y)
		return max(max(x, y)-crossWidth*crossLength, min(x, y)-crossWidth)
	},
	Ring: func(x, y float64) float64 {
		radius := math.Sqrt(x*x + y*y)
		return max(radius-ringOuter, ringOuter*ringHole-radius)
	},
}
