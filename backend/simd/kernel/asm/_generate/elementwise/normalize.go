package main

import (
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// place is one vector of a row: all of it, or the lanes of a mask.
type place struct {
	m     machine
	index reg.Register
	disp  int
	k     mask
}

func (p place) at(base reg.Register) Mem {
	return Mem{Base: base, Index: p.index, Scale: 1, Disp: p.disp}
}

// load reads the vector, with zeros beyond the row.
func (p place) load(base reg.Register) reg.VecVirtual {
	if p.k == nil {
		return p.m.copy(p.at(base))
	}
	return p.m.loadMasked(p.k, p.at(base))
}

func (p place) store(v, base reg.Register) {
	if p.k == nil {
		VMOVUPS(v, p.at(base))
	} else {
		p.m.storeMasked(p.k, v, p.at(base))
	}
}

// keep gives v inside the row and other beyond it.
func (p place) keep(v reg.VecVirtual, other Mem) reg.VecVirtual {
	if p.k == nil {
		return v
	}
	return p.m.choose(p.k, v, p.m.copy(other))
}

// alongRow writes the loop over a row of n floats, unroll vectors at a time; body is told which of the accumulators to
// use.
func (m machine) alongRow(name string, n reg.Register, unroll int, body func(lane int, p place)) {
	index, left := GP64(), GP64()
	XORQ(index, index)
	MOVQ(n, left)
	for _, vectors := range slices.Compact([]int{unroll, 1}) {
		loop, next := name+"By"+string(rune('0'+vectors)), name+"After"+string(rune('0'+vectors))
		Label(loop)
		CMPQ(left, U8(vectors*m.width))
		JL(LabelRef(next))
		for lane := range vectors {
			body(lane, place{m, index, 4 * m.width * lane, nil})
		}
		ADDQ(I32(4*vectors*m.width), index)
		SUBQ(U8(vectors*m.width), left)
		JMP(LabelRef(loop))
		Label(next)
	}
	TESTQ(left, left)
	JZ(LabelRef(name + "End"))
	body(0, place{m, index, 0, m.tailMask(left)})
	Label(name + "End")
}

func (m machine) accumulators(n int, r reduction) []reg.VecVirtual {
	acc := make([]reg.VecVirtual, n)
	for i := range acc {
		acc[i] = m.copy(constant(r.identity))
	}
	return acc
}

// everywhere joins accumulators and lanes and spreads the result over all lanes.
func (m machine) everywhere(r reduction, acc []reg.VecVirtual) reg.VecVirtual {
	for ; len(acc) > 1; acc = acc[1:] {
		acc[1] = r.join(m, acc[0], acc[1])
	}
	v := m.register()
	VBROADCASTSS(m.horizontal(r, acc[0]).AsX(), v)
	return v
}

func (m machine) parameter(name string) reg.VecVirtual {
	x, v := XMM(), m.register()
	Load(Param(name), x)
	VBROADCASTSS(x, v)
	return v
}

// eachRow writes the loop over rows; the pointers move on by a row of n floats each.
func eachRow(rows, n reg.Register, pointers []reg.Register, body func()) {
	bytes := GP64()
	MOVQ(n, bytes)
	SHLQ(U8(2), bytes)
	Label("row")
	body()
	for _, p := range pointers {
		ADDQ(bytes, p)
	}
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func pointer(name string) reg.Register { return Load(Param(name), GP64()) }

// layerNorm writes the normalisation of rows: mean, variance about it, scale and shift.
func (m machine) layerNorm() {
	TEXT("LayerNorm"+m.suffix, attr.NOSPLIT, "func(dst, x, gamma, beta, mean, invStd *float32, rows, columns int, scale, epsilon float32)")
	Pragma("noescape")
	Doc(
		"LayerNorm"+m.suffix+" sets, for each row, mean = scale·Σ x, invStd = 1/√(scale·Σ (x-mean)² + epsilon) and",
		"dst = (x-mean)·invStd·gamma + beta; scale is 1/columns.",
	)
	dst, x, gamma, beta := pointer("dst"), pointer("x"), pointer("gamma"), pointer("beta")
	means, invStds := pointer("mean"), pointer("invStd")
	rows, n := pointer("rows"), pointer("columns")
	scale, epsilon, sum := m.parameter("scale"), m.parameter("epsilon"), reductions[0]
	eachRow(rows, n, []reg.Register{dst, x}, func() {
		acc := m.accumulators(4, sum)
		m.alongRow("mean", n, 4, func(lane int, p place) { m.update(sum, acc[lane], p.load(x)) })
		mean := m.mul(m.everywhere(sum, acc), scale)
		acc = m.accumulators(4, sum)
		m.alongRow("variance", n, 4, func(lane int, p place) {
			d := p.keep(m.sub(p.load(x), mean), constant(0))
			VFMADD231PS(d, d, acc[lane])
		})
		invStd := m.div(m.copy(constant(1)), m.sqrt(m.mulAdd(m.everywhere(sum, acc), scale, epsilon)))
		VMOVSS(mean.AsX(), Mem{Base: means})
		VMOVSS(invStd.AsX(), Mem{Base: invStds})
		ADDQ(U8(4), means)
		ADDQ(U8(4), invStds)
		m.alongRow("write", n, 2, func(lane int, p place) {
			y := m.mul(m.sub(p.load(x), mean), invStd)
			p.store(m.mulAdd(y, p.load(gamma), p.load(beta)), dst)
		})
	})
}

// layerNormGradient writes the gradient of layerNorm.
func (m machine) layerNormGradient() {
	TEXT("LayerNormGradient"+m.suffix, attr.NOSPLIT, "func(dx, dGamma, dBeta, dy, x, gamma, mean, invStd *float32, rows, columns int, scale float32)")
	Pragma("noescape")
	Doc(
		"LayerNormGradient"+m.suffix+" adds Σ dy·h to dGamma and Σ dy to dBeta over the rows, with h = (x-mean)·invStd, and sets",
		"dx = invStd·(g - scale·Σ g - h·scale·Σ g·h), with g = dy·gamma; scale is 1/columns.",
	)
	dx, dGamma, dBeta := pointer("dx"), pointer("dGamma"), pointer("dBeta")
	dy, x, gamma := pointer("dy"), pointer("x"), pointer("gamma")
	means, invStds := pointer("mean"), pointer("invStd")
	n := pointer("columns")
	sum := reductions[0]
	rows := NewParamAddr("rows", 64)
	Label("row")
	mean, invStd := m.register(), m.register()
	VBROADCASTSS(Mem{Base: means}, mean)
	VBROADCASTSS(Mem{Base: invStds}, invStd)
	sums, products := m.accumulators(1, sum), m.accumulators(1, sum)
	m.alongRow("sums", n, 1, func(lane int, p place) {
		h, v := m.mul(m.sub(p.load(x), mean), invStd), p.load(dy)
		p.store(m.mulAdd(v, h, p.load(dGamma)), dGamma)
		p.store(m.add(v, p.load(dBeta)), dBeta)
		g := m.mul(v, p.load(gamma))
		VADDPS(g, sums[0], sums[0])
		VFMADD231PS(p.keep(h, constant(0)), g, products[0])
	})
	scale := m.parameter("scale")
	g0, h0 := m.mul(m.everywhere(sum, sums), scale), m.mul(m.everywhere(sum, products), scale)
	m.alongRow("write", n, 1, func(lane int, p place) {
		h := m.mul(m.sub(p.load(x), mean), invStd)
		g := m.mulSub(p.load(dy), p.load(gamma), g0)
		p.store(m.mul(m.subMul(g, h, h0), invStd), dx)
	})
	for _, p := range []reg.Register{dx, dy, x} {
		LEAQ(Mem{Base: p, Index: n, Scale: 4}, p)
	}
	ADDQ(U8(4), means)
	ADDQ(U8(4), invStds)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// softmax writes eˣ over its sum along each row, or the logarithm of that, with the row's maximum taken off first.
func (m machine) softmax(logarithm bool) {
	name, doc := "Softmax", " sets dst = e^(x-max x) / Σ e^(x-max x) along each row."
	if logarithm {
		name, doc = "LogSoftmax", " sets dst = x - max x - ln Σ e^(x-max x) along each row."
	}
	TEXT(name+m.suffix, attr.NOSPLIT, "func(dst, x *float32, rows, columns int)")
	Pragma("noescape")
	Doc(name + m.suffix + doc)
	dst, x, rows, n := pointer("dst"), pointer("x"), pointer("rows"), pointer("columns")
	sum, maximum := reductions[0], reductions[1]
	eachRow(rows, n, []reg.Register{dst, x}, func() {
		acc := m.accumulators(4, maximum)
		m.alongRow("max", n, 4, func(lane int, p place) {
			m.update(maximum, acc[lane], p.keep(p.load(x), constant(maximum.identity)))
		})
		top := m.everywhere(maximum, acc)
		acc = m.accumulators(1, sum)
		m.alongRow("sum", n, 1, func(lane int, p place) {
			e := p.keep(m.exp(m.sub(p.load(x), top)), constant(0))
			if !logarithm {
				p.store(e, dst)
			}
			VADDPS(e, acc[0], acc[0])
		})
		total := m.everywhere(sum, acc)
		if logarithm {
			total = m.log(total)
			m.alongRow("write", n, 2, func(lane int, p place) { p.store(m.sub(m.sub(p.load(x), top), total), dst) })
			return
		}
		total = m.div(m.copy(constant(1)), total)
		m.alongRow("write", n, 2, func(lane int, p place) { p.store(m.mul(p.load(dst), total), dst) })
	})
}

// squaredDeviations writes the sum down the columns of squared distances from a row of means.
func (m machine) squaredDeviations() {
	TEXT("SquaredDeviations"+m.suffix, attr.NOSPLIT, "func(dst, x, mean *float32, rows, columns int)")
	Pragma("noescape")
	Doc("SquaredDeviations" + m.suffix + " sets dst[column] = Σ (x[row·columns+column] - mean[column])² over the rows.")
	dst, x, mean, rows, n := pointer("dst"), pointer("x"), pointer("mean"), pointer("rows"), pointer("columns")
	stride, left, from := GP64(), GP64(), GP64()
	MOVQ(n, stride)
	SHLQ(U8(2), stride)
	next := 0
	m.alongRow("columns", n, 1, func(lane int, p place) {
		next++
		loop := "rows" + string(rune('0'+next))
		center := p.load(mean)
		acc := m.accumulators(1, reductions[0])[0]
		MOVQ(x, from)
		MOVQ(rows, left)
		Label(loop)
		d := m.sub(p.load(from), center)
		VFMADD231PS(d, d, acc)
		ADDQ(stride, from)
		DECQ(left)
		JNZ(LabelRef(loop))
		p.store(acc, dst)
	})
	VZEROUPPER()
	RET()
}
