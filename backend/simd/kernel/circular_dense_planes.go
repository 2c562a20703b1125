package kernel

import (
	"math"
	"sync"
)

// planeMatrices are the transforms of lines of length N to the planes of CircularDenseDFT and back. All are made of
// rows; they are never changed once made.
type planeMatrices struct {
	image                  []float32 // [planes, N]: to a+b, a and b
	kernel, reversedKernel []float32 // [planes, N]: to c, d-c and c+d of the conjugate spectrum
	back                   []float32 // [N, planes]: from the three products
}

// planesOf returns the number of planes of lines of length n.
func planesOf(n int) int { return 1 + (n-1)/2*3 + (n+1)%2 }

// planeMatricesByLength keeps the matrices.
var planeMatricesByLength sync.Map // int to *planeMatrices

// planeMatricesOf returns the matrices of length n, made once.
func planeMatricesOf(n int) *planeMatrices {
	if m, found := planeMatricesByLength.Load(n); found {
		return m.(*planeMatrices)
	}
	m, _ := planeMatricesByLength.LoadOrStore(n, newPlaneMatrices(n))
	return m.(*planeMatrices)
}

func newPlaneMatrices(n int) *planeMatrices {
	planes := planesOf(n)
	m := &planeMatrices{}
	for _, matrix := range []*[]float32{&m.image, &m.kernel, &m.reversedKernel, &m.back} {
		*matrix = make([]float32, planes*n)
	}
	for i := range n {
		plane := 0
		set := func(image, kernel, reversed, back float64) {
			m.image[plane*n+i], m.kernel[plane*n+i], m.reversedKernel[plane*n+i] = float32(image), float32(kernel), float32(reversed)
			m.back[i*planes+plane] = float32(back / float64(n))
			plane++
		}
		for f := range n/2 + 1 {
			sin, cos := math.Sincos(2 * math.Pi * float64(f*i%n) / float64(n))
			if f == 0 || 2*f == n {
				set(cos, cos, cos, cos)
				continue
			}
			set(cos-sin, cos, cos, 2*(cos-sin))
			set(cos, sin-cos, -sin-cos, -2*sin)
			set(-sin, cos+sin, cos-sin, -2*cos)
		}
	}
	return m
}
