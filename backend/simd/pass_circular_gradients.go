package simd

import (
	"slices"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// joinGradients lets a circular convolution of v, which is the gradient by the input where v is that of the output, take the
// kernel's gradient along, and with it the sum of v over all lines: v is read and transformed once then. Where that takes longer
// than to compute them directly, or this was asked for, they stay apart.
func joinGradients(g *graph) {
	joined := false
	for _, convolution := range slices.Clone(g.nodes) {
		a, ok := convolution.attributes.(circularPartsOf)
		if !ok {
			continue
		}
		parts := slices.Clone(a.parts)
		for i := range parts {
			j := joiner{convolution: convolution, index: i, part: &parts[i], v: convolution.inputs[2*i], packed: convolution.inputs[2*i+1]}
			if j.find(g) {
				convolution.attributes, joined = circularPartsOf{parts}, true
				j.join(g)
			}
		}
	}
	if joined {
		g.sort()
	}
}

// joiner is a part of a convolution and what it may take along.
type joiner struct {
	convolution *node
	index       int // of the part
	part        *circularPart
	v, packed   *value
	gradient    *node   // of the kernel
	sum         []*node // of v over all lines
	kernelShape shapes.Shape
}

// find looks for the gradient of a kernel that has the same v, and for sums of it.
func (j *joiner) find(g *graph) bool {
	convolution := j.part.shape
	if !j.packed.node.attributes.(packedCircularOf).reversed {
		return false
	}
	for _, n := range g.nodes {
		sums, ok := n.attributes.(circularSumsOf)
		if !ok || len(n.inputs) > 2 || n.inputs[0] != j.v || sums.v != j.part.from {
			continue
		}
		shape := sums.shape
		if shape.OutStride != convolution.InStride {
			continue
		}
		stride := shape.InStride
		shape.InStride, shape.OutStride = convolution.InStride, convolution.OutStride
		if shape != convolution || dependsOn(n, j.convolution) || dependsOn(j.convolution, n) {
			continue
		}
		shape.InStride, shape.OutStride = stride, convolution.InStride
		j.gradient, j.kernelShape = n, n.outputs[0].shape
		gradients := joinedGradients(shape, convolution.OutStride)
		if !j.together(g, &sums, gradients.CircularFFT) {
			continue
		}
		j.part.gradients = &circularGradients{form: gradients, x: sums.x}
		if _, ok := j.part.form.(kernel.CircularFFT); !ok {
			j.part.form = kernel.CircularFFT{Circular: convolution}
		}
		j.findSums(g)
		return true
	}
	return false
}

// together says whether what was found is computed in one.
func (j *joiner) together(g *graph, sums *circularSumsOf, form kernel.CircularFFT) bool {
	_, convolution := j.part.form.(kernel.CircularFFT)
	_, gradient := sums.form.(kernel.CircularFFTGradient)
	switch {
	case convolution && gradient:
		return true
	case j.part.asked == directly || sums.asked == directly:
		return false
	}
	return gradientsTogether(form.Circular, j.laidOut(g, form) == nil)
}

// findSums looks for sums of v over all lines.
func (j *joiner) findSums(g *graph) {
	other := 3 - alongAxis(j.part.shape.Axis)
	for _, n := range g.nodes {
		a, ok := n.attributes.(reduceOf)
		if !ok || n.op != compute.OpTypeReduceSum || n.inputs[0].shape.Rank() != 4 || !slices.Equal(slices.Sorted(slices.Values(a.axes)), []int{0, other}) {
			continue
		}
		from := inPlaceChannels(j.part.shape, n.inputs[0])
		channels := n.inputs[0].shape.Dimensions[3]
		if from.whole == j.v && from.first == j.part.from && channels == j.part.shape.C && !dependsOn(j.convolution, n) && !dependsOn(j.gradient, n) {
			j.sum = append(j.sum, n)
		}
	}
}

// join makes the gradient and the sums outputs of the convolution. It takes the kernel as it is laid out for the convolution that
// the gradients are of, where that is there.
func (j *joiner) join(g *graph) {
	c := j.convolution
	c.inputs = slices.Clone(c.inputs)
	c.inputs[2*j.index+1] = j.packedAs(g, j.part.gradients.form.CircularFFT)
	c.inputs = append(c.inputs, j.gradient.inputs[1])
	output := func() *value {
		v := &value{node: c, index: len(c.outputs), shape: shapes.Make(dtypes.Float32, j.kernelShape.Dimensions...)}
		c.outputs = append(c.outputs, v)
		return v
	}
	g.replace(j.gradient.outputs[0], output())
	sum := output()
	for _, n := range j.sum {
		g.replace(n.outputs[0], sum)
	}
}

// laidOut returns the kernel as it is laid out for a form, whatever it adds, where that needs nothing of what is joined; nil where
// it is not.
func (j *joiner) laidOut(g *graph, form kernel.CircularFFT) *value {
	joined := append([]*node{j.convolution, j.gradient}, j.sum...)
	for _, n := range g.nodes {
		if isLaidOut(n, j.kernel(), form) && !slices.ContainsFunc(joined, func(other *node) bool { return dependsOn(n, other) }) {
			return n.outputs[0]
		}
	}
	return nil
}

// kernel returns the kernel of the convolution that the gradients are of.
func (j *joiner) kernel() *value { return j.packed.node.inputs[0] }

// packedAs returns the kernel laid out for a form.
func (j *joiner) packedAs(g *graph, form kernel.CircularFFT) *value {
	if packed := j.laidOut(g, form); packed != nil {
		return packed
	}
	n := &node{op: compute.OpTypeInvalid, attributes: packedCircularOf{form: form}, inputs: []*value{j.kernel()}}
	n.outputs = []*value{{node: n, shape: shapes.Make(dtypes.Float32, form.PackedSize())}}
	g.nodes = append(g.nodes, n)
	return n.outputs[0]
}

// replace lets all that reads a value read another one of the same size.
func (g *graph) replace(old, by *value) {
	by.shape = old.shape
	for _, n := range g.nodes {
		for i, input := range n.inputs {
			if input == old {
				n.inputs[i] = by
			}
		}
	}
	for i, output := range g.outputs {
		if output == old {
			g.outputs[i] = by
		}
	}
}

// dependsOn says whether what a node reads is made of what another one makes.
func dependsOn(n, on *node) bool {
	seen := map[*node]bool{}
	var reaches func(n *node) bool
	reaches = func(n *node) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		return slices.ContainsFunc(n.inputs, func(input *value) bool { return input.node == on || reaches(input.node) })
	}
	return reaches(n)
}
