package kernel

// FFT is a discrete Fourier transform of length N along the middle axis of [Outer, n, Inner], for any N ≥ 1. Forward
// has the kernel e^(-2πi·jk/N) and no factor; inverse has e^(2πi·jk/N)/N. A real transform has N/2+1 complex numbers on
// its complex side; the imaginary parts of the first and, where N is even, of the last are taken as zero.
//
// A unit is sixteen lines, transformed together. Lines do not affect each other.
type FFT struct {
	Outer, N, Inner int
}

// Units returns the number of independent parts of the transform.
func (f FFT) Units() int { return blocksOf(f.Outer * f.Inner) }

// ScratchSize returns the number of floats that each of the transforms needs.
func (f FFT) ScratchSize() int { return signalSize(fftPlanOf(f.N).rows()) }

// Prepare makes the tables of this length, so that the first transform need not. They are shared by all transforms.
func (f FFT) Prepare() { fftPlanOf(f.N) }

// Forward computes units lo to hi of out from in, both [Outer, N, Inner].
func (f FFT) Forward(out, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := signalIn(scratch, plan.rows())
		f.load(z, in, u, f.N)
		plan.forward(z, z)
		f.store(out, z, plan.slots, u, 1)
	}
}

// Inverse computes units lo to hi of out from in, both [Outer, N, Inner].
func (f FFT) Inverse(out, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := signalIn(scratch, plan.rows())
		f.load(z.exchange(), in, u, f.N) // an inverse is a forward transform with real and imaginary parts exchanged
		plan.forward(z, z)
		f.store(out, z.exchange(), plan.slots, u, f.scale())
	}
}

// ForwardReal computes units lo to hi of out [Outer, N/2+1, Inner] from in [Outer, N, Inner].
func (f FFT) ForwardReal(out []complex64, in []float32, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := signalIn(scratch, plan.rows())
		starts, used := f.lines(u, f.N)
		clear(z.re)
		clear(z.im)
		for k := range f.N {
			for l, start := range starts[:used] {
				z.re[k*lanes+l] = in[start+k*f.Inner]
			}
		}
		plan.forward(z, z)
		f.store(out, z, plan.slots[:f.N/2+1], u, 1)
	}
}

// InverseReal computes units lo to hi of out [Outer, N, Inner] from in [Outer, N/2+1, Inner].
func (f FFT) InverseReal(out []float32, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := signalIn(scratch, plan.rows())
		f.load(z.exchange(), in, u, f.N/2+1)
		clear(z.re[:lanes])
		if f.N%2 == 0 {
			clear(z.re[f.N/2*lanes:][:lanes])
		}
		for k := f.N/2 + 1; k < f.N; k++ {
			copy(z.im[k*lanes:][:lanes], z.im[(f.N-k)*lanes:])
			for l, v := range z.re[(f.N-k)*lanes:][:lanes] {
				z.re[k*lanes+l] = -v
			}
		}
		plan.forward(z, z)
		starts, used := f.lines(u, f.N)
		scale := f.scale()
		for k, row := range plan.slots {
			for l, start := range starts[:used] {
				out[start+k*f.Inner] = z.im[int(row)*lanes+l] * scale
			}
		}
	}
}

func (f *FFT) scale() float32 { return float32(1 / float64(f.N)) }

// lines returns where the lines of a unit begin, in an array with n numbers to a line, and how many there are.
func (f *FFT) lines(unit, n int) (starts [lanes]int, used int) {
	used = usedLanes(f.Outer*f.Inner, unit)
	for l := range used {
		line := unit*lanes + l
		starts[l] = line/f.Inner*n*f.Inner + line%f.Inner
	}
	return starts, used
}

// load takes n numbers of each line of a unit to the first rows of z.
func (f *FFT) load(z complexRows, in []complex64, unit, n int) {
	starts, used := f.lines(unit, n)
	clear(z.re[:n*lanes])
	clear(z.im[:n*lanes])
	for k := range n {
		for l, start := range starts[:used] {
			v := in[start+k*f.Inner]
			z.re[k*lanes+l], z.im[k*lanes+l] = real(v), imag(v)
		}
	}
}

// store takes the given rows of z, multiplied by scale, to the lines of a unit.
func (f *FFT) store(out []complex64, z complexRows, rows []int32, unit int, scale float32) {
	starts, used := f.lines(unit, len(rows))
	for k, row := range rows {
		re, im := z.row(row)
		for l, start := range starts[:used] {
			out[start+k*f.Inner] = complex(re[l]*scale, im[l]*scale)
		}
	}
}
