package simd

import (
	"testing"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// passCase is a computation with what the nodes are, but for parameters, before and after a pass.
type passCase struct {
	name          string
	inputs        [][]int // dimensions of float32 parameters
	names         []string
	build         definition
	before, after string
}

// checkPass applies rules to the recorded graph of each case and looks at the nodes; then runs the computation with all
// passes against the Go backend.
func checkPass(t *testing.T, cases []passCase, rules func(b *Backend) []rule) {
	t.Helper()
	b, reference := open(t, "threads=2"), openGo(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			var parameters []shapes.Shape
			var inputs []tensor
			for _, dims := range c.inputs {
				parameters = append(parameters, float32Shape(dims...))
				inputs = append(inputs, normal(r, dims...))
			}
			g := recorded(t, b, parameters, c.names, c.build)
			g.removeDead()
			if got := listing(g); got != c.before {
				t.Fatalf("the recorded nodes are %q, want %q", got, c.before)
			}
			for _, r := range rules(b) {
				g.rewrite(r)
			}
			if got := listing(g); got != c.after {
				t.Errorf("the pass leaves %q, want %q", got, c.after)
			}
			agree(t, b, reference, inputs, c.build)
		})
	}
}

func TestIdentitiesAndBarriersAreErased(t *testing.T) {
	checkPass(t, []passCase{
		{"one", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Neg(f.one(f.Identity(in[0]))))}
		}, "Identity Neg", "Neg"},
		{"an output", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Identity(in[0]))}
		}, "Identity", ""},
	}, func(*Backend) []rule { return []rule{eraseIdentity} })
}

func TestProductsWithOneAreErased(t *testing.T) {
	checkPass(t, []passCase{
		{"one number", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Exp(f.one(f.Mul(f.constant(1), in[0]))))}
		}, "Constant Mul Exp", "Exp"},
		{"repeated", [][]int{{3, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Exp(f.one(f.Mul(in[0], f.spread(f.constant(1), nil, 3, 2)))))}
		}, "Constant BroadcastInDim Mul Exp", "Exp"},
		{"not where the other is repeated", [][]int{{1, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(in[0], f.spread(f.constant(1), nil, 3, 2)))}
		}, "Constant BroadcastInDim Mul", "Constant BroadcastInDim Mul"},
		{"not another number", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(in[0], f.constant(2)))}
		}, "Constant Mul", "Constant Mul"},
	}, func(*Backend) []rule { return []rule{eraseNeutral} })
}

func TestConstantsAreFolded(t *testing.T) {
	checkPass(t, []passCase{
		{"a chain", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			two := f.one(f.Add(f.constant(1.5), f.constant(0.5)))
			return []compute.Value{f.one(f.Mul(in[0], f.one(f.Sqrt(two))))}
		}, "Constant Constant Add Sqrt Mul", "Constant Mul"},
		{"positions", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(in[0], f.one(f.Iota(float32Shape(3), 0))))}
		}, "Iota Mul", "Constant Mul"},
		{"not what depends on a parameter", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Sqrt(f.one(f.Add(in[0], f.constant(0.5)))))}
		}, "Constant Add Sqrt", "Constant Add Sqrt"},
		{"not what is repeated", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(in[0], f.spread(f.constant(0.5), nil, 3)))}
		}, "Constant BroadcastInDim Add", "Constant BroadcastInDim Add"},
		{"not what is large", [][]int{{3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Iota(float32Shape(maxFolded/4+1), 0))}
		}, "Iota", "Iota"},
	}, func(b *Backend) []rule { return []rule{foldConstants(b)} })
}

func TestEqualOperationsAreComputedOnce(t *testing.T) {
	checkPass(t, []passCase{
		{"twice the same", [][]int{{3, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(f.one(f.Exp(f.one(f.Neg(in[0])))), f.one(f.Exp(f.one(f.Neg(in[0]))))))}
		}, "Neg Exp Neg Exp Add", "Neg Exp Add"},
		{"equal constants", [][]int{{3, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(f.one(f.Mul(in[0], f.constant(2))), f.constant(2)))}
		}, "Constant Mul Constant Add", "Constant Mul Add"},
		{"not with operands exchanged", [][]int{{3, 2}, {3, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(f.one(f.Sub(in[0], in[1])), f.one(f.Sub(in[1], in[0]))))}
		}, "Sub Sub Mul", "Sub Sub Mul"},
		{"not over other axes", [][]int{{2, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(f.one(f.ReduceSum(in[0], 0)), f.one(f.ReduceSum(in[0], 1))))}
		}, "ReduceSum ReduceSum Mul", "ReduceSum ReduceSum Mul"},
		{"not to another type", [][]int{{2, 2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.ConvertDType(in[0], dtypes.Int32)), f.one(f.ConvertDType(in[0], dtypes.Int64))}
		}, "ConvertDType ConvertDType", "ConvertDType ConvertDType"},
		{"not to other dimensions", [][]int{{2, 3}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Reshape(in[0], 3, 2)), f.one(f.Reshape(in[0], 6))}
		}, "Reshape Reshape", "Reshape Reshape"},
	}, func(*Backend) []rule { return []rule{shareCommon()} })
}

func TestRandomNumbersAreNeverShared(t *testing.T) {
	state := shapes.Shape(compute.RNGStateShape)
	g := recorded(t, open(t, ""), []shapes.Shape{state}, nil, func(f *construction, in []compute.Value) []compute.Value {
		var out []compute.Value
		for range 2 {
			state, bits, err := f.RNGBitGenerator(in[0], shapes.Make(dtypes.Uint32, 2))
			out = append(out, f.one(state, err), bits)
		}
		return out
	})
	g.rewrite(shareCommon())
	if got, want := listing(g), "RNGBitGenerator RNGBitGenerator"; got != want {
		t.Errorf("the pass leaves %q, want %q", got, want)
	}
}

func TestBroadcastsThatNoRepetitionDescribesAreMadeExplicit(t *testing.T) {
	add := func(f *construction, in []compute.Value) []compute.Value {
		return []compute.Value{f.one(f.Add(in[0], in[1]))}
	}
	checkPass(t, []passCase{
		{"outer and inner", [][]int{{2, 3, 4}, {1, 3, 1}}, nil, add, "Add", "BroadcastInDim Add"},
		{"both operands", [][]int{{1, 3, 1}, {2, 1, 4}}, nil, add, "Add", "BroadcastInDim Add"},
		{"not in the middle", [][]int{{2, 3, 4}, {2, 1, 4}}, nil, add, "Add", "Add"},
		{"not a scalar", [][]int{{2, 3, 4}, {}}, nil, add, "Add", "Add"},
		{"not over axes of one element", [][]int{{1, 3, 1}, {1, 1, 1}}, nil, add, "Add", "Add"},
	}, func(*Backend) []rule { return []rule{expandBroadcasts} })
}

func TestElementwiseOperationsAreFused(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	for _, c := range []passCase{
		{"a chain", [][]int{{4, 5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Tanh(f.one(f.Mul(f.one(f.Exp(in[0])), f.constant(2)))))}
		}, "", "fused"},
		{"a diamond with two results", [][]int{{4, 5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			e := f.one(f.Exp(in[0]))
			return []compute.Value{e, f.one(f.Add(f.one(f.Neg(e)), f.one(f.Sqrt(e))))}
		}, "", "fused"},
		{"a broadcast row", [][]int{{4, 5}, {5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Neg(f.one(f.Add(in[0], f.spread(in[1], []int{1}, 4, 5)))))}
		}, "", "fused"},
		{"a sum at the end", [][]int{{4, 5}, {4, 5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.ReduceSum(f.one(f.Mul(in[0], in[1])), 1))}
		}, "", "fused"},
		{"a softmax: each sum ends a node", [][]int{{4, 5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			highest := f.spread(f.one(f.ReduceMax(in[0], 1)), []int{0}, 4, 5)
			e := f.one(f.Exp(f.one(f.Sub(in[0], highest))))
			return []compute.Value{f.one(f.Div(e, f.spread(f.one(f.ReduceSum(e, 1)), []int{0}, 4, 5)))}
		}, "", "fused fused fused"},
		{"no cycle through what is not element-wise", [][]int{{4, 4}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			e := f.one(f.Exp(in[0]))
			return []compute.Value{f.one(f.Add(e, f.one(f.Transpose(f.one(f.Neg(e)), 1, 0))))}
		}, "", "fused Transpose fused"},
		{"no cycle through a group with members before and after", [][]int{{6, 6}, {2}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			e := f.one(f.Erf(in[1]))
			left := f.one(f.Neg(f.one(f.Sub(in[0], f.spread(f.one(f.ReduceMax(e, 0)), nil, 6, 6)))))
			right := f.one(f.Exp(in[0]))
			highest := f.spread(f.one(f.ReduceMax(right, 0, 1)), nil, 2)
			return []compute.Value{f.one(f.Max(e, highest)), f.one(f.Mul(right, left))}
		}, "", "fused fused fused"},
		{"not over another number of elements", [][]int{{4, 5}, {5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Exp(in[0])), f.one(f.Exp(in[1]))}
		}, "", "fused fused"},
		{"not integers", [][]int{{4, 5}}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Neg(f.one(f.ConvertDType(in[0], dtypes.Int32))))}
		}, "", "ConvertDType Neg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := normals(r, c.inputs)
			g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
			fuseElementwise(g)
			if got := listingWithout(g, compute.OpTypeConstant, compute.OpTypeBroadcastInDim); got != c.after {
				t.Errorf("fusing leaves %q, want %q", got, c.after)
			}
			agree(t, b, reference, inputs, c.build)
		})
	}
}

// listingWithout leaves operations out of a listing.
func listingWithout(g *graph, ops ...compute.OpType) string {
	kept := &graph{}
	for _, n := range g.nodes {
		skip := false
		for _, op := range ops {
			skip = skip || n.op == op
		}
		if !skip {
			kept.nodes = append(kept.nodes, n)
		}
	}
	return listing(kept)
}

func TestTransformsAreSplitOneForEachAxis(t *testing.T) {
	for _, c := range []struct {
		kind compute.FFTType
		from dtypes.DType
		axes int
		want []compute.FFTType
	}{
		{compute.FFTForward, dtypes.Complex64, 1, []compute.FFTType{compute.FFTForward}},
		{compute.FFTInverse, dtypes.Complex64, 2, []compute.FFTType{compute.FFTInverse, compute.FFTInverse}},
		{compute.FFTForwardReal, dtypes.Float32, 2, []compute.FFTType{compute.FFTForwardReal, compute.FFTForward}},
		{compute.FFTInverseReal, dtypes.Complex64, 3, []compute.FFTType{compute.FFTInverse, compute.FFTInverse, compute.FFTInverseReal}},
	} {
		lengths := []int{4, 5, 6}[3-c.axes:]
		dims := []int{4, 5, 6}
		if c.kind == compute.FFTInverseReal {
			dims[2] = 4
		}
		g := recorded(t, open(t, ""), []shapes.Shape{shapes.Make(c.from, dims...)}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.FFT(in[0], c.kind, lengths))}
		})
		g.rewrite(splitTransforms)
		var got []compute.FFTType
		for _, n := range g.nodes[1:] {
			got = append(got, n.attributes.(transformOf).kind)
		}
		if len(got) != len(c.want) {
			t.Fatalf("%s over %d axes becomes %v, want %v", c.kind, c.axes, got, c.want)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s over %d axes becomes %v, want %v", c.kind, c.axes, got, c.want)
			}
		}
	}
}

func TestEpiloguesMoveIntoProducts(t *testing.T) {
	product := func(f *construction, in []compute.Value) compute.Value {
		return f.one(f.DotGeneral(in[0], []int{1}, nil, in[1], []int{0}, nil, compute.DotGeneralConfig{}))
	}
	row := func(f *construction, v compute.Value) compute.Value { return f.spread(v, []int{1}, 3, 5) }
	gelu := func(f *construction, x, multiplied compute.Value) compute.Value {
		erf := f.one(f.Erf(f.one(f.Mul(x, f.constant(0.70710678)))))
		return f.one(f.Mul(multiplied, f.one(f.Add(f.one(f.Mul(erf, f.constant(0.5))), f.constant(0.5)))))
	}
	hardSwish := func(f *construction, x compute.Value, limit float32) compute.Value {
		line := f.one(f.Add(f.one(f.Mul(x, f.constant(1./6))), f.constant(0.5)))
		return f.one(f.Mul(x, f.one(f.Min(f.one(f.Max(line, f.constant(0))), f.constant(limit)))))
	}
	withVector := [][]int{{3, 4}, {4, 5}, {5}}
	for _, c := range []struct {
		name     string
		inputs   [][]int
		build    definition
		nodes    string // after the pass, without constants, broadcasts and views
		epilogue epilogueOf
	}{
		{"bias", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(product(f, in), row(f, in[2])))}
		}, "product", epilogueOf{bias: true}},
		{"bias first, of one row", [][]int{{3, 4}, {4, 5}, {1, 5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(in[2], product(f, in)))}
		}, "product", epilogueOf{bias: true}},
		{"scale, then bias", [][]int{{3, 4}, {4, 5}, {5}, {5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(f.one(f.Mul(product(f, in), row(f, in[2]))), row(f, in[3])))}
		}, "product", epilogueOf{scale: true, bias: true}},
		{"bias, then scale: the bias is scaled", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(f.one(f.Add(product(f, in), row(f, in[2]))), row(f, in[2])))}
		}, "Mul product", epilogueOf{scale: true, bias: true}},
		{"rectified", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Max(f.one(f.Add(product(f, in), row(f, in[2]))), f.constant(0)))}
		}, "product", epilogueOf{bias: true, activation: kernel.ReLU}},
		{"limited to six", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Min(f.one(f.Max(product(f, in), f.constant(0))), f.constant(6)))}
		}, "product", epilogueOf{activation: kernel.ReLU6}},
		{"limited to another number", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Min(f.one(f.Max(product(f, in), f.constant(0))), f.constant(5)))}
		}, "product Min", epilogueOf{activation: kernel.ReLU}},
		{"limited above alone", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Min(product(f, in), f.constant(6)))}
		}, "product Min", epilogueOf{}},
		{"GELU", withVector, func(f *construction, in []compute.Value) []compute.Value {
			x := f.one(f.Add(product(f, in), row(f, in[2])))
			return []compute.Value{gelu(f, x, x)}
		}, "product", epilogueOf{bias: true, activation: kernel.GELU}},
		{"SiLU", withVector, func(f *construction, in []compute.Value) []compute.Value {
			x := f.one(f.Add(product(f, in), row(f, in[2])))
			return []compute.Value{f.one(f.Mul(f.one(f.Logistic(x)), x))}
		}, "product", epilogueOf{bias: true, activation: kernel.SiLU}},
		{"hard swish", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{hardSwish(f, f.one(f.Add(product(f, in), row(f, in[2]))), 1)}
		}, "product", epilogueOf{bias: true, activation: kernel.HardSwish}},
		{"not a hard swish with another limit", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{hardSwish(f, product(f, in), 2)}
		}, "product Mul Add Max Min Mul", epilogueOf{}},
		{"not a SiLU of what is needed elsewhere", withVector, func(f *construction, in []compute.Value) []compute.Value {
			x := product(f, in)
			return []compute.Value{f.one(f.Mul(f.one(f.Logistic(x)), x)), f.one(f.Neg(x))}
		}, "product Logistic Mul Neg", epilogueOf{}},
		{"residual", [][]int{{3, 4}, {4, 5}, {5}, {3, 5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(in[3], f.one(f.Add(product(f, in), row(f, in[2])))))}
		}, "product", epilogueOf{bias: true, residual: true}},
		{"through a view", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(f.one(f.Reshape(product(f, in), 1, 3, 5)), f.spread(in[2], []int{2}, 1, 3, 5)))}
		}, "product", epilogueOf{bias: true}},
		{"not a GELU of another value", [][]int{{3, 4}, {4, 5}, {3, 5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{gelu(f, product(f, in), in[2])}
		}, "product Mul Erf Mul Add Mul", epilogueOf{}},
		{"not the maximum with one", withVector, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Max(product(f, in), f.constant(1)))}
		}, "product Max", epilogueOf{}},
		{"not a product that is used twice", withVector, func(f *construction, in []compute.Value) []compute.Value {
			p := product(f, in)
			return []compute.Value{f.one(f.Add(p, row(f, in[2]))), f.one(f.Exp(p))}
		}, "product Add Exp", epilogueOf{}},
		{"not a product that is an output", withVector, func(f *construction, in []compute.Value) []compute.Value {
			p := product(f, in)
			return []compute.Value{p, f.one(f.Add(p, row(f, in[2])))}
		}, "product Add", epilogueOf{}},
		{"not a product that is repeated", [][]int{{1, 4}, {4, 5}, {3, 5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Add(product(f, in), in[2]))}
		}, "product Add", epilogueOf{}},
		{"not a vector down the columns", [][]int{{5, 4}, {4, 5}, {5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(product(f, in), f.spread(in[2], []int{0}, 5, 5)))}
		}, "product Mul", epilogueOf{}},
		{"not a bias after the activation", withVector, func(f *construction, in []compute.Value) []compute.Value {
			rectified := f.one(f.Max(product(f, in), f.constant(0)))
			return []compute.Value{f.one(f.Add(rectified, row(f, in[2])))}
		}, "product Add", epilogueOf{activation: kernel.ReLU}},
		{"not the product itself as its residual", withVector, func(f *construction, in []compute.Value) []compute.Value {
			p := product(f, in)
			return []compute.Value{f.one(f.Add(p, p))}
		}, "product Add", epilogueOf{}},
		{"not an activation after the residual", [][]int{{3, 4}, {4, 5}, {3, 5}}, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Max(f.one(f.Add(product(f, in), in[2])), f.constant(0)))}
		}, "product Max", epilogueOf{residual: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, reference, r := open(t, "threads=2"), openGo(t), seeded(t)
			inputs := normals(r, c.inputs)
			g := recorded(t, b, shapesOfTensors(inputs), nil, c.build)
			g.rewrite(lowerProducts)
			g.rewrite(fuseEpilogue)
			if got := listingWithout(g, compute.OpTypeConstant, compute.OpTypeBroadcastInDim, compute.OpTypeReshape); got != c.nodes {
				t.Errorf("the pass leaves %q, want %q", got, c.nodes)
			}
			for _, n := range g.nodes {
				if a, ok := n.attributes.(*productOf); ok && a.epilogueOf != c.epilogue {
					t.Errorf("the product's epilogue is %+v, want %+v", a.epilogueOf, c.epilogue)
				}
			}
			agree(t, b, reference, inputs, c.build)
		})
	}
}

func TestProductsOfEveryLayoutBecomeMatrixProducts(t *testing.T) {
	b, reference := open(t, "threads=2"), openGo(t)
	for _, c := range []struct {
		name                                       string
		lhs, rhs                                   []int
		lhsContract, lhsBatch, rhsContract, rhsBat []int
		names                                      []string
		nodes                                      string
	}{
		{"A·B", []int{3, 4}, []int{4, 5}, []int{1}, nil, []int{0}, nil, nil, "product"},
		{"A·W packed once", []int{3, 4}, []int{4, 5}, []int{1}, nil, []int{0}, nil, []string{"x", "/w"}, "packed product"},
		{"A·Bᵀ", []int{3, 4}, []int{5, 4}, []int{1}, nil, []int{1}, nil, nil, "packed product"},
		{"Aᵀ·B", []int{4, 3}, []int{4, 5}, []int{0}, nil, []int{0}, nil, nil, "product"},
		{"Aᵀ·Bᵀ", []int{4, 3}, []int{5, 4}, []int{0}, nil, []int{1}, nil, nil, "packed product"},
		{"vectors", []int{7}, []int{7}, []int{0}, nil, []int{0}, nil, nil, "product"},
		{"outer", []int{3}, []int{4}, nil, nil, nil, nil, nil, "product"},
		{"batches", []int{2, 3, 4}, []int{2, 4, 5}, []int{2}, []int{0}, []int{1}, []int{0}, nil, "product"},
		{"batches last", []int{3, 4, 2}, []int{4, 5, 2}, []int{1}, []int{2}, []int{0}, []int{2}, nil, "packed product"},
		{"attention: heads between", []int{2, 6, 3, 4}, []int{2, 7, 3, 4}, []int{3}, []int{0, 2}, []int{3}, []int{0, 2}, nil, "Transpose Transpose product"},
		{"two contracted in one order", []int{3, 4, 5}, []int{4, 5, 6}, []int{1, 2}, nil, []int{0, 1}, nil, nil, "product"},
		{"two contracted in the other order", []int{3, 4, 5}, []int{5, 4, 6}, []int{1, 2}, nil, []int{1, 0}, nil, nil, "Transpose product"},
		{"split rows", []int{3, 4, 5}, []int{4, 6}, []int{1}, nil, []int{0}, nil, nil, "Transpose product"},
		{"axes of one element", []int{1, 4, 1}, []int{1, 4, 6}, []int{1}, []int{0}, []int{1}, []int{0}, nil, "product"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(t)
			inputs := []tensor{normal(r, c.lhs...), normal(r, c.rhs...)}
			build := func(f *construction, in []compute.Value) []compute.Value {
				return []compute.Value{f.one(f.DotGeneral(in[0], c.lhsContract, c.lhsBatch, in[1], c.rhsContract, c.rhsBat, compute.DotGeneralConfig{}))}
			}
			g := recorded(t, b, shapesOfTensors(inputs), c.names, build)
			g.rewrite(lowerProducts)
			if got := listingWithout(g, compute.OpTypeReshape); got != c.nodes {
				t.Errorf("the pass leaves %q, want %q", got, c.nodes)
			}
			agree(t, b, reference, inputs, build)
		})
	}
}

func TestWeightsThatScaleADepthwiseConvolutionMoveIntoItsKernel(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		nodes string
	}{
		{"weights", []string{"x", "/kernel", "/scale", "/shift"}, "Mul packedDepthwise depthwise"},
		{"other values", []string{"x", "/kernel", "scale", "/shift"}, "packedDepthwise depthwise Mul Add"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, reference, r := open(t, "threads=2"), openGo(t), seeded(t)
			inputs := []tensor{normal(r, 2, 5, 6, 20), normal(r, 3, 3, 1, 20), normal(r, 20), normal(r, 20)}
			build := func(f *construction, in []compute.Value) []compute.Value {
				y := f.one(f.ConvGeneral(in[0], in[1], compute.ConvolveAxesConfig{
					InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3,
					KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
					OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
				}, nil, [][2]int{{1, 1}, {1, 1}}, nil, nil, 20, 1))
				row := func(v compute.Value) compute.Value { return f.spread(v, []int{3}, 2, 5, 6, 20) }
				return []compute.Value{f.one(f.Add(f.one(f.Mul(y, row(in[2]))), row(in[3])))}
			}
			g := recorded(t, b, shapesOfTensors(inputs), c.names, build)
			g.rewrite(lowerConvolutions)
			g.rewrite(fuseEpilogue)
			if got := listingWithout(g, compute.OpTypeBroadcastInDim, compute.OpTypeReshape); got != c.nodes {
				t.Errorf("the pass leaves %q, want %q", got, c.nodes)
			}
			executable := compile(t, b, shapesOfTensors(inputs), c.names, build)
			defer executable.Finalize()
			buffers, err := executable.Execute(upload(t, b, inputs...), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "output", download(t, buffers)[0], execute(t, reference, inputs, build)[0], 2e-5)
		})
	}
}
