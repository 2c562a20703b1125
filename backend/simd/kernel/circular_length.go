package kernel

// TransformLength returns the length of the transforms: N, or a longer one where N has large prime factors.
func (c CircularFFT) TransformLength() int { return c.transformed() }

// LinesTogether returns how many lines a transform is of: two, or one where it is longer than they are.
func (c CircularFFT) LinesTogether() int {
	l := c.lineVectors(nil, c.InStride)
	return l.together
}
