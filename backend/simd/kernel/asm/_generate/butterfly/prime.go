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

// weighting says which way a transform goes that divides all frequencies but the first by a sine: after it, or before it on the way
// back. In each sum of sines one factor is 1 then, which saves more multiplications than that of the first number, or sum, takes.
type weighting int

const (
	unweighted weighting = iota
	toWeighted
	fromWeighted
)

// weightOf returns the weight of the frequencies of a prime length, 1 of others.
func weightOf(n int) float64 {
	if n < 3 || leastFactor(n) != n {
		return 1
	}
	return math.Sin(2 * math.Pi * float64((n+2)/4) / float64(n)) // the greatest
}

// weightedTransform is a transform to weighted frequencies.
func (p *program) weightedTransform(n int, in func(k int) complexValue, out func(j int, z complexValue)) {
	if weightOf(n) == 1 {
		p.transform(n, in, out)
		return
	}
	p.primeTransform(n, toWeighted, in, out)
}

// weightedInverse is the way back from weighted frequencies.
func (p *program) weightedInverse(n int, in func(j int) complexValue, out func(k int, z complexValue)) {
	if weightOf(n) == 1 {
		p.inverse(n, in, out)
		return
	}
	p.primeTransform(n, fromWeighted, func(j int) complexValue { return in(j).exchanged() }, func(k int, z complexValue) { out(k, z.exchanged()) })
}

// primeTransform is the one of prime length n.
func (p *program) primeTransform(n int, way weighting, in func(k int) complexValue, out func(j int, z complexValue)) {
	first := in(0)
	re, im := newPrimePart(n, first.re), newPrimePart(n, first.im)
	for k := 1; k <= n/2; k++ {
		a, b := in(k), in(n-k)
		sum, difference := p.addComplex(a, b), p.subtractComplex(a, b)
		re.sums[k], re.differences[k] = sum.re, difference.im
		im.sums[k], im.differences[k] = sum.im, difference.re
	}
	// All real parts come before the imaginary ones: either need half of the numbers alone.
	reTotal, even, odd := p.primeResults(n, way, re)
	parts := make([]value, n)
	for j := 1; j <= n/2; j++ {
		parts[j], parts[n-j] = p.add(even[j], odd[j]), p.subtract(even[j], odd[j])
	}
	imTotal, even, odd := p.primeResults(n, way, im)
	out(0, complexValue{reTotal, imTotal})
	for j := 1; j <= n/2; j++ {
		out(j, complexValue{parts[j], p.subtract(even[j], odd[j])})
		out(n-j, complexValue{parts[n-j], p.add(even[j], odd[j])})
	}
}

// primeResults returns the sum of all numbers and, for j from 1 to n/2, first + Σ_k sums[k]·cos(2π·jk/n) and
// Σ_k differences[k]·sin(2π·jk/n), or these as they are weighted.
func (p *program) primeResults(n int, way weighting, t *primePart) (total value, even, odd []value) {
	unit, first, sums := 1.0, t.first, t.sums[1:]
	if way != unweighted {
		unit = 1 / weightOf(n)
	}
	if way == toWeighted {
		first = p.signed(first.times(unit))
	}
	convolved := p.convolves(n / 2)
	if convolved {
		var sum value
		even, sum = p.convolvedCosines(n, unit, first, t.sums)
		sums = []value{sum}
	} else {
		even = make([]value, n/2+1)
	}
	total = t.first
	for _, sum := range sums {
		if way == fromWeighted {
			sum = sum.times(unit)
		}
		total = p.add(total, sum)
	}
	odd = make([]value, n/2+1)
	for j := 1; j <= n/2; j++ {
		root := func(k int) (sin, cos float64) { return math.Sincos(2 * math.Pi * float64(j*k%n) / float64(n)) }
		if !convolved {
			even[j] = p.weighted(first, t.sums, func(k int) float64 { _, cos := root(k); return unit * cos })
		}
		odd[j] = p.weighted(zero, t.differences, func(k int) float64 { sin, _ := root(k); return unit * sin })
	}
	return total, even, odd
}

// weighted returns first + Σ_k weight(k)·numbers[k] for k from 1 on. Without first, it begins with a number whose weight is 1 or -1
// where there is one.
func (p *program) weighted(first value, numbers []value, weight func(k int) float64) value {
	begun := 0
	for k := 1; k < len(numbers) && first == zero; k++ {
		if w := weight(k); math.Abs(math.Abs(w)-1) < 1e-12 {
			first, begun = numbers[k].times(math.Copysign(1, w)), k
		}
	}
	for k := 1; k < len(numbers); k++ {
		switch w := weight(k); {
		case k == begun:
		case first == zero:
			first = p.multiply(numbers[k], p.constant(w))
		default:
			first = p.multiplyAdd(numbers[k], p.constant(w), first)
		}
	}
	return first
}

// convolves says whether the cosines are taken as a cyclic convolution. One of odd length saves multiplications for as many
// additions and needs more registers, so that it pays where there are many.
func (p *program) convolves(half int) bool { return half > 2 && (half%2 == 0 || p.oddCyclic) }

// convolvedCosines returns first + Σ_k sums[k]·unit·cos(2π·jk/n) for j from 1 to n/2, and the sum of the sums. In the order of
// the powers of a primitive root it is a cyclic convolution, after Rader, "Discrete Fourier transforms when the number of data samples
// is prime", Proceedings of the IEEE 56, 1968.
func (p *program) convolvedCosines(n int, unit float64, first value, sums []value) (even []value, sum value) {
	half, root := n/2, primitiveRoot(n)
	var factors []float64
	var numbers []value
	sum = zero
	for i, power := 0, 1; i < half; i, power = i+1, power*root%n {
		factors = append(factors, unit*math.Cos(2*math.Pi*float64(power)/float64(n)))
		numbers = append(numbers, sums[min(power, n-power)])
		sum = p.add(sum, numbers[i])
	}
	even = make([]value, half+1)
	results, power := p.cyclic(factors, numbers, sum, first), 1
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
			if l == 1 && n == 3 && p.oddCyclic {
				continue
			}
			y[l] = base
			for i, d := range differences {
				y[l] = p.add(y[l], d.times(c[(i-l+n)%n]-mean))
			}
		}
		if n == 3 && p.oddCyclic { // all results add up to that many times the base, which takes an addition for a multiplication
			y[1] = p.subtract(p.multiplyAdd(base, p.constant(float64(n)), y[0].negated()), y[2])
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
