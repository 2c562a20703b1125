package main

import "math"

// transform writes the discrete Fourier transform of length n: with in(k) for number k it calls out(j, Σ_k in(k)·e^(-2πi·jk/n)).
func (p *program) transform(n int, in func(k int) complexValue, out func(j int, z complexValue)) {
	switch factor := leastFactor(n); {
	case n == 1:
		out(0, in(0))
	case n == 2:
		a, b := in(0), in(1)
		out(0, p.addComplex(a, b))
		out(1, p.subtractComplex(a, b))
	case factor == n:
		p.primeTransform(n, unweighted, in, out)
	case n == 16:
		p.compositeTransform(4, 4, in, out)
	default:
		if a, b := coprimeFactors(n); b > 1 {
			p.coprimeTransform(a, b, in, out)
			return
		}
		p.compositeTransform(factor, n/factor, in, out)
	}
}

// coprimeTransform is the one of length a·b after Good and Thomas, a and b without a common factor: nothing is turned.
func (p *program) coprimeTransform(a, b int, in func(k int) complexValue, out func(j int, z complexValue)) {
	n := a * b
	columns := make([][]complexValue, b)
	for column := range b {
		columns[column] = make([]complexValue, a)
		p.transform(a, func(k int) complexValue { return in((b*k + a*column) % n) }, func(j int, z complexValue) { columns[column][j] = z })
	}
	for row := range a {
		p.transform(b, func(k int) complexValue { return columns[k][row] }, func(j int, z complexValue) {
			for j%a != row {
				j += b
			}
			out(j, z)
		})
	}
}

// coprimeFactors returns the power of n's least prime factor that divides n, and what is left.
func coprimeFactors(n int) (power, rest int) {
	power, rest = 1, n
	for factor := leastFactor(n); rest > 1 && rest%factor == 0; rest /= factor {
		power *= factor
	}
	return power, rest
}

// compositeTransform is the one of length a·b after Cooley and Tukey.
func (p *program) compositeTransform(a, b int, in func(k int) complexValue, out func(j int, z complexValue)) {
	columns := make([][]complexValue, b)
	for column := range b {
		columns[column] = make([]complexValue, a)
		p.transform(a, func(k int) complexValue { return in(b*k + column) }, func(j int, z complexValue) {
			columns[column][j] = p.turn(z, column*j, a*b)
		})
	}
	for row := range a {
		p.transform(b, func(k int) complexValue { return columns[k][row] }, func(j int, z complexValue) { out(row+a*j, z) })
	}
}

// turn returns z·e^(-2πi·k/n), with the greater of cosine and sine as the factor that its parts have in common: an addition
// takes that along, so that a turn costs no more than two operations.
func (p *program) turn(z complexValue, k, n int) complexValue {
	for ; n%4 == 0 && 4*k >= n; k -= n / 4 {
		z = complexValue{z.im, z.re.negated()}
	}
	sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
	switch {
	case k == 0:
		return z
	case 8*k == n:
		return p.addComplex(z, complexValue{z.im, z.re.negated()}).times(math.Sqrt2 / 2)
	case math.Abs(cos) > sin:
		tan := p.constant(sin / cos)
		return complexValue{p.multiplyAdd(z.im, tan, z.re), p.multiplyAdd(z.re.negated(), tan, z.im)}.times(cos)
	default:
		cot := p.constant(cos / sin)
		return complexValue{p.multiplyAdd(z.re, cot, z.im), p.multiplyAdd(z.im, cot, z.re.negated())}.times(sin)
	}
}

// leastFactor returns the least prime factor of n, or 1.
func leastFactor(n int) int {
	for f := 2; f <= n; f++ {
		if n%f == 0 {
			return f
		}
	}
	return 1
}
