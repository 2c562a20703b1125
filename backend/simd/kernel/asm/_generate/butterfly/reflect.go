package main

// reflectPairs computes the second of two multiply-adds that multiply the same, and have the same addend, from the first one:
// where that is t = c + a·b, the other, c - a·b, is 2c - t. Each is computed over what it is the last to need, a or b and then
// c, where else c had to be copied: that is an instruction less, and a register less while both are computed. It is for lines
// with AVX2 alone: in blocks it won nothing on a Zen 3, and with AVX-512 at most 1 % on a Zen 4.
func (p *program) reflectPairs() {
	first := map[int]int{} // of the pair, by the second
	for _, pair := range p.pairs() {
		if p.operations[pair[0]].reflects(&p.operations[pair[1]]) {
			first[pair[1]] = pair[0]
		}
	}
	if len(first) == 0 {
		return
	}
	reflected := &program{}
	two := reflected.constant(2).id
	at := make([]int, len(p.operations))
	for i, o := range p.operations {
		o = o.renumbered(at)
		if one, ok := first[i]; ok {
			o = o.reflection(&p.operations[one], two, at[one])
		}
		at[i] = len(reflected.operations)
		reflected.operations = append(reflected.operations, o)
	}
	for c, id := range p.constants {
		reflected.constants[c] = at[id]
	}
	p.operations, p.constants = reflected.operations, reflected.constants
}

// reflects says whether the sum or the difference of two multiply-adds of the same product is twice their addend.
func (o *operation) reflects(other *operation) bool {
	return o.operands[2] == other.operands[2] && o.negative() != other.negative()
}

// negative says whether a multiply-add has one sign turned.
func (o *operation) negative() bool { return o.negateProduct || o.negateAddend }

// reflection returns the multiply-add as what is left of twice its addend when the first of the pair, computed already, is taken
// away, or the other way round.
func (o operation) reflection(first *operation, two, computed int) operation {
	o.operands = []int{o.operands[2], two, computed}
	// c - ab = 2c - (ab + c), and ab + c = 2c - (c - ab); but ab - c = (ab + c) - 2c, and ab + c = (ab - c) + 2c.
	ofDifference := o.negateAddend || first.negateAddend
	o.negateProduct, o.negateAddend = ofDifference && o.negateAddend, !ofDifference
	return o
}
