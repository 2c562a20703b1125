package simd

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestWhatHasNoKernelIsSaidOnceWhereAsked(t *testing.T) {
	var said strings.Builder
	b := open(t, "threads=1,verbose")
	b.reporter.out = &said
	square := func(dtype dtypes.DType) {
		compile(t, b, []shapes.Shape{shapes.Make(dtype, 3)}, nil, func(f *construction, in []compute.Value) []compute.Value {
			return []compute.Value{f.one(f.Mul(f.one(f.Mul(in[0], in[0])), in[0]))}
		}).Finalize()
	}
	square(dtypes.Float32)
	if said.Len() > 0 {
		t.Errorf("of float32 it says %q, want nothing", said.String())
	}
	square(dtypes.Float64)
	square(dtypes.Float64)
	square(dtypes.BFloat16)
	want := "simd: Mul of (Float64)[3], (Float64)[3] runs on GoMLX's Go backend: no kernel for Float64\n" +
		"simd: Mul of (BFloat16)[3], (BFloat16)[3] runs on GoMLX's Go backend: no kernel for BFloat16\n"
	if said.String() != want {
		t.Errorf("it says %q, want %q", said.String(), want)
	}
	quiet := open(t, "")
	if quiet.reporter != nil {
		t.Error("it is verbose without being asked")
	}
}

func TestBadConfigurationsAreNamed(t *testing.T) {
	for _, config := range []string{"threads=0", "threads", "loud", "verbose,threads=two", "verbose,"} {
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), "want \"threads=N\"") {
			t.Errorf("%q: error %v", config, err)
		}
	}
}
