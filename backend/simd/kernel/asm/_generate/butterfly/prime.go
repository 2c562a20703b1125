package main

import "math"

// primePart is one part, real or imaginary, of what a transform of prime length n begins with: number 0, and sums and
// differences of the numbers k and n-k, which share cosines and sines, for k from 1 to n/2. Those of number 0 are not used.
type primePart struct {
	first             value
	sums, differences []value
}

func newPrimePart(n int, first value) *primePart {
	return &primePart{first, make([]value, n/2+1), make([]value, n/2+1)}
}

// primeTransform is the one of prime length n.
func (p *program) primeTransform(n int, in func(k int) complexValue, out func(j int, z complexValue)) {
	first := in(0)
	re, im := newPrimePart(n, first.re), newPrimePart(n, first.im)
	for k := 1; k <= n/2; k++ {
		a, b := in(k), in(n-k)
		sum, difference := p.addComplex(a, b), p.subtractComplex(a, b)
		re.sums[k], re.differences[k] = sum.re, difference.im
		im.sums[k], im.differences[k] = sum.im, difference.re
	}
	// All real parts come before the imaginary ones: either need half of the numbers alone.
	reTotal, even, odd := p.primeResults(n, re)
	parts := make([]value, n)
	for j := 1; j <= n/2; j++ {
		parts[j], parts[n-j] = p.add(even[j], odd[j]), p.subtract(even[j], odd[j])
	}
	imTotal, even, odd := p.primeResults(n, im)
	out(0, complexValue{reTotal, imTotal})
	for j := 1; j <= n/2; j++ {
		out(j, complexValue{parts[j], p.subtract(even[j], odd[j])})
		out(n-j, complexValue{parts[n-j], p.add(even[j], odd[j])})
	}
}

// primeResults returns the sum of all numbers and, for j from 1 to n/2, first + Σ_k sums[k]·cos(2π·jk/n) and
// Σ_k differences[k]·sin(2π·jk/n).
func (p *program) primeResults(n int, t *primePart) (total value, even, odd []value) {
	convolved := p.convolves(n / 2)
	if convolved {
		var sum value
		even, sum = p.convolvedCosines(n, t)
		total = p.add(t.first, sum)
	} else {
		even, total = make([]value, n/2+1), t.first
		for _, sum := range t.sums[1:] {
			total = p.add(total, sum)
		}
	}
	odd = make([]value, n/2+1)
	for j := 1; j <= n/2; j++ {
		root := func(k int) (sin, cos float64) { return math.Sincos(2 * math.Pi * float64(j*k%n) / float64(n)) }
		if !convolved {
			even[j] = p.weighted(t.first, t.sums, func(k int) float64 { _, cos := root(k); return cos })
		}
		odd[j] = p.weighted(zero, t.differences, func(k int) float64 { sin, _ := root(k); return sin })
	}
	return total, even, odd
}

// weighted returns first + Σ_k weight(k)·numbers[k] for k from 1 on.
func (p *program) weighted(first value, numbers []value, weight func(k int) float64) value {
	for k := 1; k < len(numbers); k++ {
		if w := p.constant(weight(k)); first == zero {
			first = p.multiply(numbers[k], w)
		} else {
			first = p.multiplyAdd(numbers[k], w, first)
		}
	}
	return first
}

// convolves says whether the cosines are taken as a cyclic convolution. One of odd length saves multiplications for as many
// additions and needs more registers, so that it pays where there are many.
func (p *program) convolves(half int) bool { return half > 2 && (half%2 == 0 || p.oddCyclic) }

// convolvedCosines returns first + Σ_k sums[k]·cos(2π·jk/n) for j from 1 to n/2, and the sum of the sums. In the order of the
// powers of a primitive root it is a cyclic convolution, after Rader, "Discrete Fourier transforms when the number of data samples is
// prime", Proceedings of the IEEE 56, 1968.
func (p *program) convolvedCosines(n int, t *primePart) (even []value, sum value) {
	half, root := n/2, primitiveRoot(n)
	var factors []float64
	var numbers []value
	sum = zero
	for i, power := 0, 1; i < half; i, power = i+1, power*root%n {
		factors = append(factors, math.Cos(2*math.Pi*float64(power)/float64(n)))
		numbers = append(numbers, t.sums[min(power, n-power)])
		sum = p.add(sum, numbers[i])
	}
	even = make([]value, half+1)
	results, power := p.cyclic(factors, numbers, sum, t.first), 1
	for i := range half {
		l := (half - i) % half // the inverse of the power is this one, or its opposite
		even[min(power, n-power)] = results[l]
		power = power * root % n
	}
	return even, sum
}

// cyclic returns base + Σ_i c[(i-l) mod n]·x[i] for each l, where n is the length of c and x. The sum is that of all of x.
func (p *program) cyclic(c []float64, x []value, sum, base value) []value {
	n := len(c)
	y := make([]value, n)
	switch {
	case n == 1:
		y[0] = p.add(base, x[0].times(c[0]))
	case n%2 == 0: // sums and differences of what is half around
		h := n / 2
		sums, differences := make([]value, h), make([]value, h)
		first, second := make([]float64, h), make([]float64, h)
		for i := range h {
			sums[i], differences[i] = p.add(x[i], x[i+h]), p.subtract(x[i], x[i+h])
			first[i], second[i] = (c[i]+c[i+h])/2, (c[i]-c[i+h])/2
		}
		even, odd := p.cyclic(first, sums, sum, base), p.negacyclic(second, differences)
		for l := range h {
			y[l], y[l+h] = p.add(even[l], odd[l]), p.subtract(even[l], odd[l])
		}
	default: // the mean of c takes the sum; what is left of c adds up to 0, so that the last number goes into the others
		mean := 0.0
		for _, c := range c {
			mean += c / float64(n)
		}
		base = p.signed(p.add(base, sum.times(mean)))
		var differences []value
		for i := range n - 1 {
			differences = append(differences, p.subtract(x[i], x[n-1]))
		}
		for l := range y {
			y[l] = base
			for i, d := range differences {
				y[l] = p.add(y[l], d.times(c[(i-l+n)%n]-mean))
			}
		}
	}
	return y
}

// negacyclic returns Σ_i c[i-l]·x[i] for each l, where c[m-n] is -c[m].
func (p *program) negacyclic(c []float64, x []value) []value {
	n := len(c)
	y := make([]value, n)
	if n%2 == 1 && n > 1 { // it is cyclic where every second sign is changed
		changed, numbers, sum := make([]float64, n), make([]value, n), zero
		for i := range n {
			changed[i], numbers[i] = c[i], x[i]
			if i%2 == 1 {
				changed[i], numbers[i] = -c[i], x[i].negated()
			}
			sum = p.add(sum, numbers[i])
		}
		for l, v := range p.cyclic(changed, numbers, sum, zero) {
			if y[l] = v; l%2 == 1 {
				y[l] = v.negated()
			}
		}
		return y
	}
	for l := range y {
		y[l] = zero
		for i := range n {
			if factor := c[(i-l+n)%n]; i < l {
				y[l] = p.add(y[l], x[i].times(-factor))
			} else {
				y[l] = p.add(y[l], x[i].times(factor))
			}
			if i == 0 && n > 1 {
				y[l] = p.signed(y[l])
			}
		}
	}
	return y
}

// primitiveRoot returns the least number whose powers are all numbers but 0, modulo a prime n.
func primitiveRoot(n int) int {
	for root := 2; ; root++ {
		order := 1
		for power := root % n; power != 1; power = power * root % n {
			order++
		}
		if order == n-1 {
			return root
		}
	}
}
