package kernel

// TransformLength returns the length of the transforms of lines: N, or a longer one where N has large prime factors.
func (c CircularFFT) TransformLength() int { return c.plan().n }
