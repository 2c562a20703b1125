package main

import "slices"

// partPairs takes some of the pairs of multiply-adds apart that multiply the same, into a multiplication and two additions: a
// share of them, the last ones. On AMD's Zen 4, additions have pipes of their own, and a vector cannot be stored while a
// multiply-add is being given its three operands: where many results are stored, the two in turns take longer than the
// addition.
func (p *program) partPairs(share float64) {
	pairs := p.pairs()
	first := map[int]int{} // of the pair of each operation that is taken apart
	for _, pair := range pairs[len(pairs)-int(share*float64(len(pairs))+0.5):] {
		first[pair[0]], first[pair[1]] = pair[0], pair[0]
	}
	var parted []operation
	at, products := make([]int, len(p.operations)), map[int]int{}
	for i, o := range p.operations {
		o = o.renumbered(at)
		if one, ok := first[i]; ok {
			if one == i {
				products[i] = len(parted)
				parted = append(parted, operation{kind: multiply, operands: o.operands[:2:2]})
			}
			o = o.sum(products[one])
		}
		at[i] = len(parted)
		parted = append(parted, o)
	}
	for c, id := range p.constants {
		p.constants[c] = at[id]
	}
	p.operations = parted
}

// pairs returns the pairs of multiply-adds that multiply the same two values, in the order of the second ones.
func (p *program) pairs() (pairs [][2]int) {
	needed, products := p.needed(), map[[2]int][]int{}
	for i := range p.operations {
		o := &p.operations[i]
		if !needed[i] || o.kind != multiplyAdd || o.negateProduct && o.negateAddend {
			continue
		}
		product := [2]int{min(o.operands[0], o.operands[1]), max(o.operands[0], o.operands[1])}
		if products[product] = append(products[product], i); len(products[product])%2 == 0 {
			pairs = append(pairs, [2]int(products[product][len(products[product])-2:]))
		}
	}
	return pairs
}

// sum returns the addition that is left of a multiply-add, where its product is computed apart.
func (o *operation) sum(product int) operation {
	switch addend := o.operands[2]; {
	case o.negateProduct:
		return operation{kind: subtract, operands: []int{addend, product}}
	case o.negateAddend:
		return operation{kind: subtract, operands: []int{product, addend}}
	default:
		return operation{kind: add, operands: []int{addend, product}}
	}
}

// renumbered returns the operation with operands that are elsewhere in the program.
func (o operation) renumbered(at []int) operation {
	o.operands = slices.Clone(o.operands)
	for k, v := range o.operands {
		o.operands[k] = at[v]
	}
	return o
}
