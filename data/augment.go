package data

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Augmentation is how training pictures are varied. What is drawn for a sample depends on the loader's seed, the epoch
// and the sample's index alone. The zero value varies nothing.
type Augmentation struct {
	// Flip is the probability of mirroring left and right.
	Flip float64 `json:"flip,omitempty"`
	// Padding, if not 0, pads the prepared picture on all sides by that many black pixels and cuts a random crop of its
	// size; 4 is usual for 32×32.
	Padding int `json:"padding,omitempty"`
	// Scale, if not 0, is the smallest and largest part of the picture's area that a random resized crop takes; it
	// replaces resizing and centre crop, and excludes Padding. [0.08, 1] is usual for ImageNet. The crop's aspect
	// ratio (width/height) lies between 3/4 and 4/3, uniform in its logarithm.
	Scale [2]float64 `json:"scale,omitzero"`
}

func (a Augmentation) check() error {
	if !(a.Flip >= 0 && a.Flip <= 1) {
		return fmt.Errorf("data: flip probability %v: want one between 0 and 1", a.Flip)
	}
	if a.Padding < 0 {
		return fmt.Errorf("data: padding %d: want 0 or more pixels", a.Padding)
	}
	if a.Scale == [2]float64{} {
		return nil
	}
	if !(a.Scale[0] > 0 && a.Scale[0] <= a.Scale[1] && a.Scale[1] <= 1) {
		return fmt.Errorf("data: scale %v: want a smallest and a largest part of the area, between 0 and 1", a.Scale)
	}
	if a.Padding > 0 {
		return fmt.Errorf("data: padding %d with scale %v: want one of the two", a.Padding, a.Scale)
	}
	return nil
}

// apply makes a network's input from a picture with choices drawn from random.
func (a Augmentation) apply(p *pipeline, picture *rgb.Image, random *rand.Rand, out []float32) {
	var prepared *rgb.Image
	if a.Scale != [2]float64{} {
		prepared = p.resize(a.resizedCrop(picture, random), p.width, p.height, image.Rect(0, 0, p.width, p.height))
	} else {
		prepared = p.centre(picture)
		if a.Padding > 0 {
			x, y := random.IntN(2*a.Padding+1)-a.Padding, random.IntN(2*a.Padding+1)-a.Padding
			prepared = prepared.Window(x, y, p.width, p.height)
		}
	}
	p.normalise(prepared, a.Flip > 0 && random.Float64() < a.Flip, out)
}

// resizedCrop draws a part of the picture by area and aspect ratio. After ten draws that do not fit it takes the
// largest centred part of an allowed ratio, as torchvision's RandomResizedCrop does.
func (a Augmentation) resizedCrop(picture *rgb.Image, random *rand.Rand) *rgb.Image {
	const narrowest, widest = 3.0 / 4, 4.0 / 3
	area := float64(picture.Width) * float64(picture.Height)
	for range 10 {
		target := area * (a.Scale[0] + random.Float64()*(a.Scale[1]-a.Scale[0]))
		ratio := math.Exp(math.Log(narrowest) + random.Float64()*math.Log(widest/narrowest))
		width, height := int(math.RoundToEven(math.Sqrt(target*ratio))), int(math.RoundToEven(math.Sqrt(target/ratio)))
		if width > 0 && width <= picture.Width && height > 0 && height <= picture.Height {
			return picture.Sub(random.IntN(picture.Width-width+1), random.IntN(picture.Height-height+1), width, height)
		}
	}
	width, height := picture.Width, picture.Height
	switch ratio := float64(width) / float64(height); {
	case ratio < narrowest:
		height = int(math.RoundToEven(float64(width) / narrowest))
	case ratio > widest:
		width = int(math.RoundToEven(float64(height) * widest))
	}
	return picture.Sub((picture.Width-width)/2, (picture.Height-height)/2, width, height)
}

// stream is the random numbers that belong to a seed and a place, independent of all others.
func stream(seed uint64, place ...uint64) *rand.Rand {
	state := mix(seed)
	for _, value := range place {
		state = mix(state ^ mix(value))
	}
	return rand.New(rand.NewPCG(state, mix(state)))
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
