package simd

import (
	"math"
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// fuseElementwise puts element-wise operations that feed each other, the broadcasts that feed them and the reductions
// that they feed into one node, which becomes one pass over memory.
func fuseElementwise(g *graph) {
	f := &fuser{index: map[*node]int{}, groups: map[*node]*group{}, last: sequence(len(g.nodes))}
	for i, n := range g.nodes {
		f.index[n] = i
	}
	for _, n := range g.nodes {
		if elements, columns, ok := fusible(n); ok {
			f.place(n, elements, columns)
		}
	}
	f.build(g)
}

// fusedOf is what a fused node computes: its members in order.
type fusedOf struct {
	elements int
	members  []*node
	operands map[*value]int     // which input of the node a member's operand is
	patterns []kernel.Broadcast // how each input repeats
	results  []*value           // the members' values that are the node's outputs
}

// group is a fused node in the making.
type group struct {
	elements int
	columns  int // of its reductions; 0 where there are none
	first    int // index of its first member
	members  []*node
}

type fuser struct {
	index  map[*node]int
	groups map[*node]*group
	last   []int // by a node's index: that of the last member of its group
}

// place puts a node into the groups that feed it, or into one of its own.
func (f *fuser) place(n *node, elements, columns int) {
	own := &group{elements: elements, columns: columns, first: f.index[n], members: []*node{n}}
	f.groups[n] = own
	for _, input := range n.inputs {
		feeding := f.groups[root(input).node]
		if feeding == nil || feeding == own || !f.mayJoin(feeding, own) || isReduction(root(input).node) {
			continue
		}
		merged := append(slices.Clone(feeding.members), own.members...)
		slices.SortFunc(merged, func(a, b *node) int { return f.index[a] - f.index[b] })
		if f.cyclic(merged, min(own.first, feeding.first)) {
			continue
		}
		own.members = merged
		own.first = min(own.first, feeding.first)
		own.columns = max(own.columns, feeding.columns)
		for _, member := range merged {
			f.groups[member] = own
			f.last[f.index[member]] = f.index[merged[len(merged)-1]]
		}
	}
}

// maxMembers keeps a group's operands within what a kernel program takes.
const maxMembers = 48

func (f *fuser) mayJoin(a, b *group) bool {
	return a.elements == b.elements && (a.columns == b.columns || a.columns == 0 || b.columns == 0) &&
		len(a.members)+len(b.members) <= maxMembers
}

// cyclic says whether the members, taken as one node, would depend on themselves through nodes outside.
func (f *fuser) cyclic(members []*node, first int) bool {
	inside := make(map[*node]bool, len(members))
	for _, member := range members {
		inside[member] = true
	}
	first = f.earliest(first)
	seen := map[*node]bool{}
	var reaches func(n *node) bool
	reaches = func(n *node) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		if inside[n] {
			return true
		}
		if f.index[n] < first {
			return false
		}
		around := []*node{n}
		if g := f.groups[n]; g != nil {
			around = g.members
		}
		for _, member := range around {
			seen[member] = true
			for _, input := range member.inputs {
				if reaches(input.node) {
					return true
				}
			}
		}
		return false
	}
	for _, member := range members {
		for _, input := range member.inputs {
			if !inside[input.node] && reaches(input.node) {
				return true
			}
		}
	}
	return false
}

// earliest returns the index of the first node that may depend on the one at index first or on a later one: a node
// depends on what stands after it where it is in a group with later members.
func (f *fuser) earliest(first int) int {
	for i := first - 1; i >= 0; i-- {
		if f.last[i] >= first {
			first = i
		}
	}
	return first
}

// build replaces the groups by fused nodes and sorts the graph anew.
func (f *fuser) build(g *graph) {
	users := map[*value][]*node{}
	for _, n := range g.nodes {
		for _, input := range n.inputs {
			users[input] = append(users[input], n)
		}
	}
	replaced := map[*value]*value{}
	var fused []*node
	done := map[*group]bool{}
	for _, n := range g.nodes {
		own := f.groups[n]
		if own == nil {
			fused = append(fused, n)
			continue
		}
		if !done[own] {
			done[own] = true
			fused = append(fused, f.node(g, own, users, replaced))
		}
	}
	for _, n := range fused {
		for i, input := range n.inputs {
			if target, ok := replaced[input]; ok {
				n.inputs[i] = target
			}
		}
	}
	for i, output := range g.outputs {
		if target, ok := replaced[output]; ok {
			g.outputs[i] = target
		}
	}
	g.nodes = fused
	g.sort()
}

// node makes the fused node of a group and notes which values its outputs replace.
func (f *fuser) node(g *graph, own *group, users map[*value][]*node, replaced map[*value]*value) *node {
	a := &fusedOf{elements: own.elements, members: own.members, operands: map[*value]int{}}
	n := &node{op: compute.OpTypeInvalid, attributes: a}
	inside := map[*node]bool{}
	for _, member := range own.members {
		inside[member] = true
	}
	for _, member := range own.members {
		for _, operand := range member.inputs {
			if _, known := a.operands[operand]; !known && !inside[root(operand).node] && !isScalarConstant(operand) {
				a.addOperand(n, operand, elementwiseDimensions(member))
			}
		}
		result := member.outputs[0]
		if slices.Contains(g.outputs, result) || slices.ContainsFunc(users[result], func(user *node) bool { return !inside[user] }) {
			output := &value{node: n, index: len(n.outputs), shape: result.shape}
			n.outputs = append(n.outputs, output)
			a.results = append(a.results, result)
			replaced[result] = output
		}
	}
	return n
}

// addOperand makes an operand of a member an input of the fused node.
func (a *fusedOf) addOperand(n *node, operand *value, dimensions []int) {
	source, pattern := operandPattern(operand, dimensions)
	for i, input := range n.inputs {
		if input == source && a.patterns[i] == pattern {
			a.operands[operand] = i
			return
		}
	}
	a.operands[operand] = len(n.inputs)
	n.inputs = append(n.inputs, source)
	a.patterns = append(a.patterns, pattern)
}

// elementwiseDimensions are the dimensions that a member's operands repeat to.
func elementwiseDimensions(n *node) []int {
	if isReduction(n) {
		return n.inputs[0].shape.Dimensions
	}
	return n.outputs[0].shape.Dimensions
}

// operandPattern returns where an operand's values come from and how they repeat, looking through reshapes and
// broadcasts.
func operandPattern(operand *value, dimensions []int) (*value, kernel.Broadcast) {
	pattern, _ := repeatPattern(operand.shape.Dimensions, dimensions)
	for {
		switch n := operand.node; n.op {
		case compute.OpTypeReshape:
			operand = n.inputs[0]
			continue
		case compute.OpTypeBroadcastInDim:
			inner, ok := broadcastPattern(n)
			if ok && pattern.Repeat == 1 {
				operand, pattern = n.inputs[0], inner
				continue
			}
			if ok && n.inputs[0].shape.Size() == 1 {
				operand, pattern = n.inputs[0], kernel.Broadcast{Outer: 1, Repeat: pattern.Len() * pattern.Repeat, Inner: 1}
				continue
			}
		}
		return operand, pattern
	}
}

// broadcastPattern returns how the operand of a BroadcastInDim repeats, and whether a single repetition describes it.
func broadcastPattern(n *node) (kernel.Broadcast, bool) {
	from := slices.Repeat([]int{1}, n.outputs[0].shape.Rank())
	for i, axis := range n.attributes.(broadcastOf).axes {
		if i > 0 && axis < n.attributes.(broadcastOf).axes[i-1] {
			return kernel.Broadcast{}, false
		}
		from[axis] = n.inputs[0].shape.Dimensions[i]
	}
	return repeatPattern(from, n.outputs[0].shape.Dimensions)
}

// repeatPattern returns how a tensor of dimensions from, which are 1 where they repeat, fills one of dimensions to,
// and whether the repeated axes stand together, so that a single repetition describes it.
func repeatPattern(from, to []int) (kernel.Broadcast, bool) {
	b := kernel.Broadcast{Outer: 1, Repeat: 1, Inner: 1}
	if len(from) == 0 {
		b.Repeat = shapes.Make(dtypes.Float32, to...).Size()
		return b, true
	}
	for axis, size := range to {
		switch {
		case size == 1:
		case from[axis] == 1 && b.Inner > 1:
			return b, false
		case from[axis] == 1:
			b.Repeat *= size
		case b.Repeat > 1:
			b.Inner *= size
		default:
			b.Outer *= size
		}
	}
	return b, true
}

// isScalarConstant says whether a value is one number known when the plan is made.
func isScalarConstant(v *value) bool {
	_, constant := scalarConstant(v)
	return constant
}

// scalarConstant returns the float32 that every element of v is known to be.
func scalarConstant(v *value) (float32, bool) {
	for v.node.op == compute.OpTypeReshape || v.node.op == compute.OpTypeBroadcastInDim {
		v = v.node.inputs[0]
	}
	a, ok := v.node.attributes.(constantOf)
	if !ok || v.shape.DType != dtypes.Float32 || len(a.data) != 4 {
		return 0, false
	}
	return flatView(dtypes.Float32, a.data, 1).([]float32)[0], true
}

func isReduction(n *node) bool {
	_, ok := n.attributes.(reduceOf)
	return ok
}

// maxReducedColumns is the longest row that is reduced along the way. Longer ones have a kernel of their own, which
// splits them.
const maxReducedColumns = 1 << 14

// fusible says whether a node may be a member of a fused node, over how many elements it works, and the number of
// columns where it is a reduction.
func fusible(n *node) (elements, columns int, ok bool) {
	if len(n.outputs) != 1 || n.outputs[0].shape.Size() == 0 {
		return 0, 0, false
	}
	for _, v := range append(slices.Clone(n.inputs), n.outputs...) {
		if v.shape.DType != dtypes.Float32 && v.shape.DType != dtypes.Bool || v.shape.Size() == 0 {
			return 0, 0, false
		}
	}
	if isReduction(n) {
		columns, _, ok := reducedColumns(n)
		return n.inputs[0].shape.Size(), columns, ok
	}
	if _, known := elementwise[n.op]; !known {
		return 0, 0, false
	}
	for _, input := range n.inputs {
		if _, ok := repeatPattern(input.shape.Dimensions, n.outputs[0].shape.Dimensions); !ok {
			return 0, 0, false
		}
	}
	return n.outputs[0].shape.Size(), 0, true
}

// reducedColumns describes a reduction as one of a matrix: the number of columns, and whether it goes along the rows.
func reducedColumns(n *node) (columns int, alongRows, ok bool) {
	if _, known := reductions[n.op]; !known {
		return 0, false, false
	}
	reduced := n.attributes.(reduceOf).axes
	columns = 1
	leading, trailing := true, true
	rank := n.inputs[0].shape.Rank()
	for i, axis := range reduced {
		leading = leading && axis == i
		trailing = trailing && axis == rank-len(reduced)+i
	}
	for axis, size := range n.inputs[0].shape.Dimensions {
		if slices.Contains(reduced, axis) == trailing {
			columns *= size
		}
	}
	return columns, trailing, (leading || trailing) && columns <= maxReducedColumns
}

var reductions = map[compute.OpType]kernel.Reduction{
	compute.OpTypeReduceSum: kernel.ReduceSum, compute.OpTypeReduceMax: kernel.ReduceMax,
	compute.OpTypeReduceMin: kernel.ReduceMin, compute.OpTypeReduceProduct: kernel.ReduceProduct,
}

// elementwise says how a kernel program computes an operation. Truth values are 1 and 0.
var elementwise = map[compute.OpType]func(b *kernel.ProgramBuilder, in []kernel.Value) kernel.Value{
	compute.OpTypeAbs: apply(kernel.OpAbs), compute.OpTypeCeil: apply(kernel.OpCeil), compute.OpTypeCos: apply(kernel.OpCos),
	compute.OpTypeErf: apply(kernel.OpErf), compute.OpTypeExp: apply(kernel.OpExp), compute.OpTypeExpm1: apply(kernel.OpExpm1),
	compute.OpTypeFloor: apply(kernel.OpFloor), compute.OpTypeLog: apply(kernel.OpLog), compute.OpTypeLog1p: apply(kernel.OpLog1p),
	compute.OpTypeLogistic: apply(kernel.OpLogistic), compute.OpTypeNeg: apply(kernel.OpNeg), compute.OpTypeRound: apply(kernel.OpRound),
	compute.OpTypeRsqrt: apply(kernel.OpRsqrt), compute.OpTypeSign: apply(kernel.OpSign), compute.OpTypeSin: apply(kernel.OpSin),
	compute.OpTypeSqrt: apply(kernel.OpSqrt), compute.OpTypeTanh: apply(kernel.OpTanh), compute.OpTypeAdd: apply(kernel.OpAdd),
	compute.OpTypeSub: apply(kernel.OpSub), compute.OpTypeMul: apply(kernel.OpMul), compute.OpTypeDiv: apply(kernel.OpDiv),
	compute.OpTypeMax: apply(kernel.OpMax), compute.OpTypeMin: apply(kernel.OpMin), compute.OpTypePow: apply(kernel.OpPow),
	compute.OpTypeRem: apply(kernel.OpRem), compute.OpTypeEqual: apply(kernel.OpEqual), compute.OpTypeNotEqual: apply(kernel.OpNotEqual),
	compute.OpTypeLessThan: apply(kernel.OpLess), compute.OpTypeLessOrEqual: apply(kernel.OpLessOrEqual),
	compute.OpTypeGreaterThan: apply(kernel.OpGreater), compute.OpTypeGreaterOrEqual: apply(kernel.OpGreaterOrEqual),
	compute.OpTypeWhere: apply(kernel.OpSelect), compute.OpTypeLogicalAnd: apply(kernel.OpMul), compute.OpTypeLogicalOr: apply(kernel.OpMax),
	compute.OpTypeLogicalXor: apply(kernel.OpNotEqual),
	compute.OpTypeLogicalNot: func(b *kernel.ProgramBuilder, in []kernel.Value) kernel.Value {
		return b.Apply(kernel.OpEqual, in[0], b.Constant(0))
	},
	compute.OpTypeIsNaN: func(b *kernel.ProgramBuilder, in []kernel.Value) kernel.Value {
		return b.Apply(kernel.OpNotEqual, in[0], in[0])
	},
	compute.OpTypeIsFinite: func(b *kernel.ProgramBuilder, in []kernel.Value) kernel.Value {
		return b.Apply(kernel.OpLess, b.Apply(kernel.OpAbs, in[0]), b.Constant(float32(math.Inf(1))))
	},
}

func apply(op kernel.Op) func(*kernel.ProgramBuilder, []kernel.Value) kernel.Value {
	return func(b *kernel.ProgramBuilder, in []kernel.Value) kernel.Value { return b.Apply(op, in...) }
}
