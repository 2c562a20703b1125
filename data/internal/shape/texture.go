package shape

import (
	"math"
	"math/rand/v2"

	"github.com/fastparc/fastparc/data/internal/rgb"
)

// Texture fills a square picture with a random pattern between two colours: a few waves and fine noise. The pattern
// has no place: as it wraps around at the edges, moved by any distance it is as probable as before.
func Texture(picture *rgb.Image, colors [2][3]uint8, random *rand.Rand) {
	const (
		waves     = 3
		highest   = 5  // cycles across the picture
		noise     = 12 // grey levels either way
		amplitude = 128 / waves
	)
	side := picture.Width
	tables := [waves][]int32{}
	steps := [waves][2]int{}
	for wave := range tables {
		phase := 2 * math.Pi * random.Float64()
		tables[wave] = make([]int32, side)
		for i := range tables[wave] {
			tables[wave][i] = int32(amplitude * math.Cos(phase+2*math.Pi*float64(i)/float64(side)))
		}
		steps[wave] = [2]int{random.IntN(highest + 1), random.IntN(2*highest+1) - highest + side}
	}
	var bits uint64
	for y := range picture.Height {
		row := picture.Row(y)
		for x := range side {
			level := int32(128)
			for wave, table := range tables {
				level += table[(x*steps[wave][0]+y*steps[wave][1])%side]
			}
			if x%8 == 0 {
				bits = random.Uint64()
			}
			grain := int32(bits&0xff)*(2*noise+1)>>8 - noise
			bits >>= 8
			for channel := range 3 {
				from, to := int32(colors[0][channel]), int32(colors[1][channel])
				row[3*x+channel] = uint8(min(max(from+(to-from)*level>>8+grain, 0), 255))
			}
		}
	}
}
