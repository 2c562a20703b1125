package main

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// calculation is a program, the numbers that it reads, and those that it stores, both by where they are in memory.
type calculation struct {
	program
	reads, stores map[int]float64
}

// firstStore is where stores begin, beyond all reads.
const firstStore = 1000

func newCalculation() *calculation { return &calculation{reads: map[int]float64{}} }

func (c *calculation) number(v float64) value {
	at := len(c.reads)
	c.reads[at] = v
	return c.memory(Mem{Disp: at})
}

func (c *calculation) result(v value, at int) { c.storeIn(v, Mem{Disp: firstStore + at}) }

// run carries the program out in some order.
func (c *calculation) run(t *testing.T, order []int) {
	t.Helper()
	values, done := make([]float64, len(c.operations)), make([]bool, len(c.operations))
	for constant, id := range c.constants {
		values[id], done[id] = constant, true
	}
	for i := range c.operations {
		if o := &c.operations[i]; o.kind == memory {
			values[i], done[i] = c.reads[o.place.Disp], true
		}
	}
	c.stores = map[int]float64{}
	for _, i := range order {
		o := &c.operations[i]
		var v [3]float64
		for k, from := range o.operands {
			if !done[from] {
				t.Fatalf("operation %d comes before operation %d, which it needs", i, from)
			}
			v[k] = values[from]
		}
		switch o.kind {
		case add:
			values[i] = v[0] + v[1]
		case subtract:
			values[i] = v[0] - v[1]
		case multiply:
			values[i] = v[0] * v[1]
		case multiplyAdd:
			product, addend := v[0]*v[1], v[2]
			if o.negateProduct {
				product = -product
			}
			if o.negateAddend {
				addend = -addend
			}
			values[i] = product + addend
		case store:
			c.stores[o.place.Disp-firstStore] = v[0]
		default:
			t.Fatalf("operation %d is of kind %d", i, o.kind)
		}
		done[i] = true
	}
}

// check compares what the program stores with what it should, in each order that the generator begins with, with pairs of
// multiply-adds as they are, reflected, and taken apart. Nothing may be multiplied by 1.
func (c *calculation) check(t *testing.T, want map[int]float64) {
	t.Helper()
	if _, multiplied := c.constants[1]; multiplied {
		t.Error("there are multiplications by 1")
	}
	c.checkOrders(t, "as it is", want)
	reflected := *c
	reflected.reflectPairs()
	reflected.checkOrders(t, "pairs reflected", want)
	for _, share := range []float64{0.5, 1} {
		c.partPairs(share)
		c.checkOrders(t, fmt.Sprintf("%g of the pairs apart", share), want)
	}
}

func (c *calculation) checkOrders(t *testing.T, pairs string, want map[int]float64) {
	t.Helper()
	d := c.dependences()
	for name, order := range map[string][]int{"as written": d.asWritten(), "halved": d.halved()} {
		c.run(t, order)
		for at, w := range want {
			if got, ok := c.stores[at]; !ok || math.Abs(got-w) > 1e-5*float64(len(want)) {
				t.Fatalf("%s, %s: number %d is %g, want %g", name, pairs, at, got, w)
			}
		}
	}
}

// TestTransforms compares transforms both ways, plain ones and those that divide frequencies by a weight, with their definition.
func TestTransforms(t *testing.T) {
	for _, n := range blockRadices {
		for way := range 8 {
			back, oddCyclic, weighted := way&1 > 0, way&2 > 0, way&4 > 0
			t.Run(fmt.Sprintf("%d, back %t, odd cyclic %t, weighted %t", n, back, oddCyclic, weighted), func(t *testing.T) {
				source := rand.New(rand.NewPCG(1, uint64(n)))
				c := newCalculation()
				c.oddCyclic = oddCyclic
				weight := complex128(1)
				if weighted {
					weight = complex(weightOf(n), 0)
				}
				var x []complex128
				var in []complexValue
				for k := range n {
					z := complex(source.NormFloat64(), source.NormFloat64())
					in = append(in, complexValue{c.number(real(z)), c.number(imag(z))})
					if back && k > 0 {
						z /= weight
					}
					x = append(x, z)
				}
				write, sign := c.transform, -1.0
				switch {
				case back && weighted:
					write, sign = c.weightedInverse, 1
				case back:
					write, sign = c.inverse, 1
				case weighted:
					write = c.weightedTransform
				}
				write(n, func(k int) complexValue { return in[k] }, func(j int, z complexValue) {
					c.result(z.re, 2*j)
					c.result(z.im, 2*j+1)
				})
				want := map[int]float64{}
				for j := range n {
					sum := complex128(0)
					for k, z := range x {
						sum += z * cmplx.Rect(1, sign*2*math.Pi*float64(j*k%n)/float64(n))
					}
					if !back && j > 0 {
						sum /= weight
					}
					want[2*j], want[2*j+1] = real(sum), imag(sum)
				}
				c.check(t, want)
			})
		}
	}
}

func TestRealTransforms(t *testing.T) {
	for _, n := range realRadices {
		results := realResults(n)
		isReal := func(j int) bool { return j == 0 || 2*j == n }
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			source := rand.New(rand.NewPCG(2, uint64(n)))
			c := newCalculation()
			var x []float64
			var in []value
			for range n {
				x = append(x, source.NormFloat64())
				in = append(in, c.number(x[len(x)-1]))
			}
			want := map[int]float64{}
			c.realTransform(n, func(k int) value { return in[k] }, func(j int, z complexValue) {
				c.result(z.re, 2*j)
				if !isReal(j) {
					c.result(z.im, 2*j+1)
				}
			})
			for _, j := range results {
				sum := complex128(0)
				for k, v := range x {
					sum += complex(v, 0) * cmplx.Rect(1, -2*math.Pi*float64(j*k%n)/float64(n))
				}
				want[2*j] = real(sum)
				if !isReal(j) {
					want[2*j+1] = imag(sum)
				}
			}
			c.check(t, want)
		})
		t.Run(fmt.Sprintf("%d, back", n), func(t *testing.T) {
			c := newCalculation()
			in, want := c.realResults(3, n)
			c.realInverse(n, in, func(k int, v value) { c.result(v, k) })
			c.check(t, want)
		})
	}
}

func TestRealTransformsGoBackInColumns(t *testing.T) {
	for _, size := range [][2]int{{3, 3}, {3, 5}, {4, 2}, {4, 4}, {4, 16}, {8, 8}} {
		a, b := size[0], size[1]
		t.Run(fmt.Sprintf("%d columns of %d", b, a), func(t *testing.T) {
			c := newCalculation()
			in, want := c.realResults(4, a*b)
			c.realCompositeInverse(a, b, in, func(k int, v value) { c.result(v, k) })
			c.check(t, want)
		})
	}
}

// realResults returns what realInverse takes for n numbers, by chance, and what comes of it.
func (c *calculation) realResults(seed uint64, n int) (in func(j int) complexValue, want map[int]float64) {
	source := rand.New(rand.NewPCG(seed, uint64(n)))
	results := map[int]complexValue{}
	want = map[int]float64{}
	for _, j := range realResults(n) {
		z := complex(source.NormFloat64(), source.NormFloat64())
		if j == 0 || 2*j == n {
			z = complex(real(z), 0)
		}
		results[j] = complexValue{c.number(real(z)), c.number(imag(z))}
		for k := range n {
			want[k] += real(z * cmplx.Rect(1, 2*math.Pi*float64(j*k%n)/float64(n)))
		}
	}
	return func(j int) complexValue { return results[j] }, want
}

func TestLastingConstantsKeepTheirRegisters(t *testing.T) {
	programs := map[string]*calculation{"factors that are not needed again": newCalculation()}
	c := programs["factors that are not needed again"]
	x, y := c.load(nil), c.load(nil)
	for at, factor := range []float64{0.25, 0.75} { // of which each is used once, while all else is needed again
		c.result(c.multiplyAdd(x, c.constant(factor), y), at)
	}
	for _, n := range []int{3, 5, 7, 8} {
		c := newCalculation()
		c.realTransform(n, func(k int) value { return c.number(float64(k)) }, func(j int, z complexValue) {
			c.result(z.re, 2*j)
			if z.im != zero {
				c.result(z.im, 2*j+1)
			}
		})
		programs[fmt.Sprintf("radix %d", n)] = c
	}
	for name, c := range programs {
		a := c.cheapest(ymm)
		if len(a.lasting) == 0 || a.slots > 0 {
			t.Errorf("%s: %d constants last, and %d values go to the stack, want some and none", name, len(a.lasting), a.slots)
		}
		for _, v := range a.lasting {
			for at, in := range a.trace {
				if in.to == a.register[v] {
					t.Errorf("%s: instruction %d writes to the register of constant %d", name, at, v)
				}
			}
		}
	}
}

// TestReflectedPairs holds that the second of a pair is computed from the first, whatever their signs, and that others are not.
func TestReflectedPairs(t *testing.T) {
	const a, b, c, other = 2.0, 3, 5, 7
	for name, test := range map[string]struct {
		signs   [2][2]float64 // of the product and of the addend, for each of two multiply-adds
		addend  float64       // of the second
		reflect bool
	}{
		"sum, difference":          {[2][2]float64{{1, 1}, {-1, 1}}, c, true},
		"difference, sum":          {[2][2]float64{{-1, 1}, {1, 1}}, c, true},
		"sum, opposite difference": {[2][2]float64{{1, 1}, {1, -1}}, c, true},
		"opposite difference, sum": {[2][2]float64{{1, -1}, {1, 1}}, c, true},
		"the same":                 {[2][2]float64{{1, 1}, {1, 1}}, c, false},
		"opposites of each other":  {[2][2]float64{{-1, 1}, {1, -1}}, c, false},
		"another addend":           {[2][2]float64{{1, 1}, {-1, 1}}, other, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newCalculation()
			x, y, numbers := p.number(a), p.number(b), map[float64]value{c: p.number(c), other: p.number(other)}
			want := map[int]float64{}
			for i, addend := range []float64{c, test.addend} {
				s := test.signs[i]
				p.result(p.multiplyAdd(x.times(s[0]), y, numbers[addend].times(s[1])), i)
				want[i] = s[0]*a*b + s[1]*addend
			}
			p.reflectPairs()
			if _, reflected := p.constants[2]; reflected != test.reflect {
				t.Errorf("a pair is reflected: %t, want %t", reflected, test.reflect)
			}
			p.checkOrders(t, name, want)
		})
	}
}

// TestFetchesComeEvenlyFromSomePlaceOn counts the operations that come before each fetch.
func TestFetchesComeEvenlyFromSomePlaceOn(t *testing.T) {
	TEXT("fetches", 0, "func()")
	for _, c := range []struct {
		count int
		from  float64
	}{{0, 0}, {1, 0}, {7, 0}, {7, 0.5}, {100, 0.25}} {
		const stores = 20
		p, done, fetched := &program{inOrder: true}, 0, 0
		zero := p.load(func() Mem { return Mem{Base: reg.RAX} })
		for range stores {
			p.store(zero, func() Mem {
				done++
				return Mem{Base: reg.RAX}
			})
		}
		p.fetches = []fetches{{count: c.count, from: c.from, emit: func(i int) {
			after, all := done+1-int(c.from*(stores+1)), stores+1-int(c.from*(stores+1)) // operations after the place
			if i != fetched || i*all >= c.count*after || i*all < c.count*(after-1) {
				t.Errorf("%d from %g on: fetch %d comes as number %d after %d stores", c.count, c.from, i, fetched, done)
			}
			fetched++
		}}}
		p.prepare(zmm)()
		if fetched != c.count || done < stores {
			t.Errorf("%d from %g on: %d were fetched, and %d stored", c.count, c.from, fetched, done)
		}
	}
}
