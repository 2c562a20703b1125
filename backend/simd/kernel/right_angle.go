package kernel

// This file convolves lines of lengths with large prime factors by transforms of a longer length M, a line to a complex
// signal, after Crandall's right-angle convolution. Polynomials with the values of a line as coefficients are multiplied
// modulo t^M + i: the values turn with k by -π/(2M) each, so that plain transforms evaluate them where t^M = -i. What a
// product has from t^M on then comes back turned by a right angle, as imaginary parts, where what a circular convolution
// of M numbers mixes stays apart. With M ≥ N that is room for all differences of two indices below N.

// rightAngle takes lines of length n to signals, and the products of their spectra back.
type rightAngle struct {
	n     int
	plan  *fftPlan  // of length M
	turns []float32 // [M, 2], e^(-πi·k/(2M))
}

// rightAngles keeps them by length.
var rightAngles = madeByLength[rightAngle]{create: newRightAngle}

func newRightAngle(n int) *rightAngle {
	a := &rightAngle{n: n, plan: fftPlanOf(paddedLength(n))}
	for k := range a.plan.n {
		re, im := root(k, 4*a.plan.n)
		a.turns = append(a.turns, float32(re), float32(im))
	}
	return a
}

// turn sets z to the signal of lines whose rows are stride floats apart. They may be the real parts of z.
func (a *rightAngle) turn(z complexRows, x []float32, stride int) {
	_ = x[(a.n-1)*stride+lanes-1]
	_, _ = z.re[a.n*lanes-1], z.im[a.n*lanes-1]
	if !turnVector(z, x, a.turns, a.n, stride) {
		for k := range a.n {
			cos, sin := a.turns[2*k], a.turns[2*k+1]
			re, im := z.row(int32(k))
			for l, v := range x[k*stride:][:lanes] {
				re[l], im[l] = v*cos, v*sin
			}
		}
	}
	clear(z.re[a.n*lanes : a.plan.n*lanes])
	clear(z.im[a.n*lanes : a.plan.n*lanes])
}

// turnBack sets lines whose rows are stride floats apart to the circular correlation that z holds on the way back from
// the product of a signal's spectrum with the conjugate of another's: the real parts are the sums of products of numbers
// a non-negative distance apart, and the imaginary parts those of a distance less than zero, M added. They may be the real
// parts of z.
func (a *rightAngle) turnBack(x []float32, stride int, z complexRows) {
	_ = x[(a.n-1)*stride+lanes-1]
	around := a.plan.n - a.n
	if turnBackVector(x, z, a.turns, a.n, stride, around) {
		return
	}
	for k := range a.n {
		cos, sin := a.turns[2*k], a.turns[2*k+1]
		aroundCos, aroundSin := a.turns[2*(k+around)], a.turns[2*(k+around)+1]
		re, im := z.row(int32(k))
		aroundRe, aroundIm := z.row(int32(k + around))
		to := x[k*stride:][:lanes]
		for l := range to {
			to[l] = re[l]*cos + im[l]*sin + aroundIm[l]*aroundCos - aroundRe[l]*aroundSin
		}
	}
}
