package kernel

import "math"

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
func (f FFT) ScratchSize() int { return 4 * lanes * fftPlanOf(f.N).size() }

// Prepare makes the tables of this length, so that the first transform need not. They are shared by all transforms.
func (f FFT) Prepare() { fftPlanOf(f.N) }

// Forward computes units lo to hi of out from in, both [Outer, N, Inner].
func (f FFT) Forward(out, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := plan.buffers(scratch)
		f.load(z.re, z.im, in, u, f.N)
		z = plan.transform(z)
		f.store(out, z.re, z.im, u, f.N, 1)
	}
}

// Inverse computes units lo to hi of out from in, both [Outer, N, Inner].
func (f FFT) Inverse(out, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := plan.buffers(scratch)
		f.load(z.im, z.re, in, u, f.N) // an inverse is a forward transform with real and imaginary parts exchanged
		z = plan.transform(z)
		f.store(out, z.im, z.re, u, f.N, f.scale())
	}
}

// ForwardReal computes units lo to hi of out [Outer, N/2+1, Inner] from in [Outer, N, Inner].
func (f FFT) ForwardReal(out []complex64, in []float32, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := plan.buffers(scratch)
		starts, used := f.lines(u, f.N)
		clear(z.re)
		clear(z.im)
		for k := range f.N {
			for l, start := range starts[:used] {
				z.re[k*lanes+l] = in[start+k*f.Inner]
			}
		}
		z = plan.transform(z)
		f.store(out, z.re, z.im, u, f.N/2+1, 1)
	}
}

// InverseReal computes units lo to hi of out [Outer, N, Inner] from in [Outer, N/2+1, Inner].
func (f FFT) InverseReal(out []float32, in []complex64, lo, hi int, scratch []float32) {
	plan := fftPlanOf(f.N)
	for u := lo; u < hi; u++ {
		z := plan.buffers(scratch)
		f.load(z.im, z.re, in, u, f.N/2+1)
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
		z = plan.transform(z)
		starts, used := f.lines(u, f.N)
		scale := f.scale()
		for k := range f.N {
			for l, start := range starts[:used] {
				out[start+k*f.Inner] = z.im[k*lanes+l] * scale
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

// load takes n numbers of each line of a unit to vectors.
func (f *FFT) load(re, im []float32, in []complex64, unit, n int) {
	starts, used := f.lines(unit, n)
	clear(re[:n*lanes])
	clear(im[:n*lanes])
	for k := range n {
		for l, start := range starts[:used] {
			v := in[start+k*f.Inner]
			re[k*lanes+l], im[k*lanes+l] = real(v), imag(v)
		}
	}
}

// store is the way back, and multiplies by scale.
func (f *FFT) store(out []complex64, re, im []float32, unit, n int, scale float32) {
	starts, used := f.lines(unit, n)
	for k := range n {
		for l, start := range starts[:used] {
			out[start+k*f.Inner] = complex(re[k*lanes+l]*scale, im[k*lanes+l]*scale)
		}
	}
}

// spectrum is n complex numbers of each of sixteen lines, and as much room again to work in.
type spectrum struct {
	re, im, otherRe, otherIm []float32
}

// swap exchanges the numbers and the room.
func (z spectrum) swap() spectrum { return spectrum{z.otherRe, z.otherIm, z.re, z.im} }

// exchange exchanges real and imaginary parts.
func (z spectrum) exchange() spectrum { return spectrum{z.im, z.re, z.otherIm, z.otherRe} }

// buffers cuts scratch up.
func (p *fftPlan) buffers(scratch []float32) spectrum {
	n := p.size() * lanes
	return spectrum{scratch[:n], scratch[n : 2*n], scratch[2*n : 3*n], scratch[3*n : 4*n]}
}

// root returns e^(-2πi·k/n).
func root(k, n int) (re, im float64) {
	im, re = math.Sincos(-2 * math.Pi * float64(k%n) / float64(n))
	return re, im
}
