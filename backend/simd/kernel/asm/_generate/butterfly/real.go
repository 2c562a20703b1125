package main

import "slices"

// Transforms of real numbers, after the split of Sorensen, Jones, Heideman and Burrus, "Real-valued fast Fourier transform
// algorithms", IEEE Transactions on Acoustics, Speech, and Signal Processing 35, 1987. Of two conjugate results one is
// computed, the one that takes the fewest operations.

// realTransform writes the transform of n real numbers: with in(k) for number k it calls out(j, Σ_k in(k)·e^(-2πi·jk/n)) for
// j = 0, for n/2 where n is even, and for one of j and n-j of all others. The first two have no imaginary part.
func (p *program) realTransform(n int, in func(k int) value, out func(j int, z complexValue)) {
	switch factor := oddFactor(n); {
	case n == 1:
		out(0, complexValue{re: in(0)})
	case n == 2:
		a, b := in(0), in(1)
		out(0, complexValue{re: p.add(a, b)})
		out(1, complexValue{re: p.subtract(a, b)})
	case n%4 == 0:
		p.realSplit(n, in, out)
	case factor == n:
		p.realPrime(n, in, out)
	default:
		p.realComposite(factor, n/factor, in, out)
	}
}

// realSplit transforms sums of numbers half of all apart to the even results, and their differences as complex numbers,
// a quarter as many, to results 4m+1, of which results 4m+3 are conjugates.
func (p *program) realSplit(n int, in func(k int) value, out func(j int, z complexValue)) {
	sums, turned := make([]value, n/2), make([]complexValue, n/4)
	for k := range n / 4 {
		a, b, c, d := in(k), in(k+n/2), in(k+n/4), in(k+3*n/4)
		sums[k], sums[k+n/4] = p.add(a, b), p.add(c, d)
		turned[k] = p.turn(complexValue{p.subtract(a, b), p.subtract(d, c)}, k, n)
	}
	p.transform(n/4, func(k int) complexValue { return turned[k] }, func(m int, z complexValue) { out(4*m+1, z) })
	p.realTransform(n/2, func(k int) value { return sums[k] }, func(j int, z complexValue) { out(2*j, z) })
}

func (p *program) realPrime(n int, in func(k int) value, out func(j int, z complexValue)) {
	t := newPrimePart(n, in(0))
	for k := 1; k <= n/2; k++ {
		a, b := in(k), in(n-k)
		t.sums[k], t.differences[k] = p.add(a, b), p.subtract(a, b)
	}
	total, even, odd := p.primeResults(n, unweighted, t)
	out(0, complexValue{re: total})
	for j := 1; j <= n/2; j++ {
		out(n-j, complexValue{even[j], odd[j]})
	}
}

// realComposite is the transform of length a·b, a odd, after Cooley and Tukey.
func (p *program) realComposite(a, b int, in func(k int) value, out func(j int, z complexValue)) {
	first, others := make([]value, b), map[int][]complexValue{}
	for column := range b {
		p.realTransform(a, func(k int) value { return in(b*k + column) }, func(j int, z complexValue) {
			if j == 0 {
				first[column] = z.re
				return
			}
			others[j] = append(others[j], p.turn(z, column*j%(a*b), a*b))
		})
	}
	p.realTransform(b, func(k int) value { return first[k] }, func(j int, z complexValue) { out(a*j, z) })
	for _, j := range realResults(a)[1:] {
		p.transform(b, func(k int) complexValue { return others[j][k] }, func(m int, z complexValue) { out(j+a*m, z) })
	}
}

// realInverse writes the way back of realTransform: it calls out(k, Σ_j Re(in(j)·e^(2πi·jk/n))), where j goes through the
// results that realTransform has.
func (p *program) realInverse(n int, in func(j int) complexValue, out func(k int, v value)) {
	switch factor := oddFactor(n); {
	case n == 1:
		out(0, in(0).re)
	case n == 2:
		a, b := in(0).re, in(1).re
		out(0, p.add(a, b))
		out(1, p.subtract(a, b))
	case n%4 == 0:
		p.realSplitInverse(n, in, out)
	case factor == n:
		p.realPrimeInverse(n, in, out)
	default:
		p.realCompositeInverse(factor, n/factor, in, out)
	}
}

func (p *program) realSplitInverse(n int, in func(j int) complexValue, out func(k int, v value)) {
	sums, turned := make([]value, n/2), make([]complexValue, n/4)
	p.inverse(n/4, func(m int) complexValue { return in(4*m + 1) }, func(k int, z complexValue) { turned[k] = p.turnBack(z, k, n) })
	p.realInverse(n/2, func(j int) complexValue { return in(2 * j) }, func(k int, v value) { sums[k] = v })
	for k := range n / 4 {
		for part, difference := range []value{turned[k].re, turned[k].im.negated()} {
			at := k + part*n/4
			out(at, p.add(sums[at], difference))
			out(at+n/2, p.subtract(sums[at], difference))
		}
	}
}

func (p *program) realPrimeInverse(n int, in func(j int) complexValue, out func(k int, v value)) {
	t := newPrimePart(n, in(0).re)
	for j := 1; j <= n/2; j++ {
		z := in(n - j)
		t.sums[j], t.differences[j] = z.re, z.im
	}
	total, even, odd := p.primeResults(n, unweighted, t)
	out(0, total)
	for k := 1; k <= n/2; k++ {
		out(k, p.add(even[k], odd[k]))
		out(n-k, p.subtract(even[k], odd[k]))
	}
}

func (p *program) realCompositeInverse(a, b int, in func(j int) complexValue, out func(k int, v value)) {
	columns := make([]map[int]complexValue, b)
	for column := range b {
		columns[column] = map[int]complexValue{}
	}
	p.realRowsInverse(a, b, in, func(j, column int, z complexValue) { columns[column][j] = z })
	for column := range b {
		p.realInverse(a, func(j int) complexValue { return columns[column][j] }, func(k int, v value) { out(b*k+column, v) })
	}
}

// realRowsInverse writes what comes before the ways back of the columns of a transform of length a·b, a numbers in each of b columns,
// b even where a is: it calls out(j, column, z) with what realInverse takes for result j of a column.
func (p *program) realRowsInverse(a, b int, in func(j int) complexValue, out func(j, column int, z complexValue)) {
	for _, j := range realResults(a) {
		switch {
		case j == 0:
			p.realInverse(b, func(m int) complexValue { return in(a * m) }, func(column int, v value) { out(0, column, complexValue{re: v}) })
		case 2*j == a:
			p.realOddInverse(b, func(m int) complexValue { return in(j * (4*m + 1)) }, func(column int, v value) { out(j, column, complexValue{re: v}) })
		default:
			p.inverse(b, func(m int) complexValue { return in(j + a*m) }, func(column int, z complexValue) {
				out(j, column, p.turnBack(z, column*j%(a*b), a*b))
			})
		}
	}
}

// realOddInverse writes the way back for n real numbers, n even, that their opposites follow, of whose transform the results of odd
// number alone are not zero: it calls out(k, Σ_m Re(in(m)·e^(2πi·(4m+1)k/2n))). Results 4m+3 would be conjugates.
func (p *program) realOddInverse(n int, in func(m int) complexValue, out func(k int, v value)) {
	p.inverse(n/2, in, func(k int, z complexValue) {
		z = p.turnBack(z, k, 2*n)
		out(k, z.re)
		out(k+n/2, z.im.negated())
	})
}

// inverse writes the transform back, without the factor 1/n. It ends with what transform begins with, so that some of what comes
// of a transform can go all the way back before the rest.
func (p *program) inverse(n int, in func(j int) complexValue, out func(k int, z complexValue)) {
	exchangedIn, exchangedOut := func(j int) complexValue { return in(j).exchanged() }, func(k int, z complexValue) { out(k, z.exchanged()) }
	if a, b := coprimeFactors(n); b > 1 {
		p.coprimeTransform(b, a, exchangedIn, exchangedOut)
		return
	}
	p.transform(n, exchangedIn, exchangedOut)
}

// turnBack returns z·e^(2πi·k/n).
func (p *program) turnBack(z complexValue, k, n int) complexValue {
	return p.turn(z.exchanged(), k, n).exchanged()
}

// realResults returns the numbers of the results that realTransform has: 0, then n/2 where n is even, then the others in
// ascending order.
func realResults(n int) []int {
	var others []int
	scratch := &program{}
	scratch.realTransform(n, func(int) value { return scratch.append(operation{}) }, func(j int, _ complexValue) {
		if j > 0 && 2*j != n {
			others = append(others, j)
		}
	})
	slices.Sort(others)
	if n%2 == 0 {
		return append([]int{0, n / 2}, others...)
	}
	return append([]int{0}, others...)
}

// oddFactor returns the least odd prime factor of n, or 1.
func oddFactor(n int) int {
	for n%2 == 0 {
		n /= 2
	}
	return leastFactor(n)
}
