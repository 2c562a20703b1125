// Package rgb is the picture that the rest of data passes around: 8-bit RGB, rows from the top.
package rgb

// Image is a picture of 8-bit RGB pixels: pixel (x, y) begins at Pix[y*Stride+3*x]. A sub-image shares its pixels.
type Image struct {
	Width, Height int
	Stride        int // bytes from one row to the next, at least 3·Width
	Pix           []uint8
}

// New returns a black image.
func New(width, height int) *Image {
	return &Image{Width: width, Height: height, Stride: 3 * width, Pix: make([]uint8, 3*width*height)}
}

// Row returns the pixels of row y, 3·Width bytes.
func (m *Image) Row(y int) []uint8 {
	return m.Pix[y*m.Stride : y*m.Stride+3*m.Width]
}

// Sub returns the width×height part whose top left pixel is (x, y). It must lie within the image, and shares its pixels.
func (m *Image) Sub(x, y, width, height int) *Image {
	first := y*m.Stride + 3*x
	last := (y+height-1)*m.Stride + 3*(x+width)
	return &Image{Width: width, Height: height, Stride: m.Stride, Pix: m.Pix[first:last:last]}
}

// Window returns the width×height part whose top left pixel is (x, y), which may lie outside the image: what is
// outside is black. It shares the image's pixels where it lies within.
func (m *Image) Window(x, y, width, height int) *Image {
	if x >= 0 && y >= 0 && x+width <= m.Width && y+height <= m.Height {
		return m.Sub(x, y, width, height)
	}
	window := New(width, height)
	left, right := max(x, 0), min(x+width, m.Width)
	if left >= right {
		return window
	}
	for row := max(y, 0); row < min(y+height, m.Height); row++ {
		copy(window.Row(row - y)[3*(left-x):], m.Row(row)[3*left:3*right])
	}
	return window
}
