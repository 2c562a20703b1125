package simd

import (
	"testing"

	"github.com/gomlx/compute"
	gomlx "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// BenchmarkCall is what a call of one operation on 16 numbers costs: the engine's own part, and with GoMLX around it.
func BenchmarkCall(b *testing.B) {
	backend := open(b, "threads=2")
	x := tensor{make([]float32, 16), []int{16}}
	b.Run("engine", func(b *testing.B) {
		executable := compile(b, backend, shapesOfTensors([]tensor{x}), nil, negation)
		inputs := upload(b, backend, x)
		b.ReportAllocs()
		for b.Loop() {
			outputs, err := executable.Execute(inputs, nil, 0)
			if err != nil {
				b.Fatal(err)
			}
			if err := outputs[0].Finalize(); err != nil {
				b.Fatal(err)
			}
		}
	})
	input := tensors.FromFlatDataAndDimensions(x.floats(), x.dims...)
	b.Run("graph", func(b *testing.B) {
		exec := gomlx.MustNewExec(backend, gomlx.Neg)
		benchmarkExec(b, func() *tensors.Tensor { return exec.MustCall1(input) })
	})
	b.Run("model", func(b *testing.B) {
		exec := model.MustNewExec(backend, model.NewStore(), func(_ *model.Scope, x *gomlx.Node) *gomlx.Node { return gomlx.Neg(x) })
		benchmarkExec(b, func() *tensors.Tensor { return exec.MustCall(input)[0] })
	})
}

func benchmarkExec(b *testing.B, call func() *tensors.Tensor) {
	b.ReportAllocs()
	for b.Loop() {
		if err := call().FinalizeAll(); err != nil {
			b.Fatal(err)
		}
	}
}

func negation(f *construction, in []compute.Value) []compute.Value {
	return []compute.Value{f.one(f.Neg(in[0]))}
}
