// Package simd is a GoMLX backend for convolutional networks on processors: pure Go and Go assembly, nothing to
// install. Importing it makes it GoMLX's default:
//
//	import _ "github.com/fastparc/fastparc/backend/simd"
//
// A computation goes through four steps. Function records every operation with its shape (record); passes rewrite the
// recorded graph (pass); a plan chooses a kernel for each node, lays all temporaries out in one arena and splits the
// work (plan); an executable runs the plan, on any number of goroutines at a time (run). An operation without a kernel
// of its own runs on GoMLX's Go backend, so every GoMLX program works here.
//
// Results are the same from run to run and for any number of threads.
package simd

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/pkg/errors"
)

// BackendName is the backend's name for GOMLX_BACKEND and compute.NewWithConfig.
const BackendName = "simd"

func init() {
	compute.Register(BackendName, New)
	compute.DefaultConfig = BackendName
}

// Backend implements compute.Backend.
type Backend struct {
	threads   int
	workers   *workers
	fallback  compute.Backend
	reporter  *reporter // nil where nobody asked
	buffers   bufferPool
	finalized atomic.Bool
}

var _ compute.Backend = (*Backend)(nil)

// New returns the backend. The configuration is empty or a list with commas between of "threads=N", N ≥ 1 being the
// number of threads that one call may use, by default as many as GOMAXPROCS says; and "verbose", by which it is said on
// stderr, once for each kind of operation and data type, what has no kernel here and runs on GoMLX's Go backend.
func New(config string) (compute.Backend, error) {
	b := &Backend{threads: runtime.GOMAXPROCS(0)}
	if config != "" {
		for option := range strings.SplitSeq(config, ",") {
			if err := b.configure(option); err != nil {
				return nil, err
			}
		}
	}
	fallback, err := gobackend.New("ops_sequential")
	if err != nil {
		return nil, errors.WithMessage(err, "simd: opening the Go backend for operations without a kernel")
	}
	b.fallback, b.workers = fallback, newWorkers(b.threads-1)
	return b, nil
}

// configure applies one option of the configuration.
func (b *Backend) configure(option string) error {
	key, value, _ := strings.Cut(option, "=")
	n, err := strconv.Atoi(value)
	switch {
	case option == "verbose":
		b.reporter = &reporter{out: os.Stderr, said: map[string]bool{}}
	case key == "threads" && err == nil && n >= 1:
		b.threads = n
	default:
		return errors.Errorf("simd: configuration %q: want \"threads=N\" with N ≥ 1 or \"verbose\"", option)
	}
	return nil
}

// Name implements compute.Backend.
func (b *Backend) Name() string { return BackendName }

// String implements compute.Backend.
func (b *Backend) String() string { return BackendName }

// Description implements compute.Backend.
func (b *Backend) Description() string {
	return fmt.Sprintf("fastparc simd backend (%s, %d threads)", kernel.CurrentLevel(), b.threads)
}

// NumDevices implements compute.Backend: the processor is the one device.
func (b *Backend) NumDevices() int { return 1 }

// DeviceDescription implements compute.Backend.
func (b *Backend) DeviceDescription(compute.DeviceNum) string { return "cpu" }

// Capabilities implements compute.Backend: what the Go backend has, less the fused operations but layer
// normalisation, which GoMLX decomposes, and with Fourier transforms, complex numbers, batch normalisation and dynamic slices. Shapes are static.
func (b *Backend) Capabilities() compute.Capabilities {
	capabilities := b.fallback.Capabilities().Clone()
	capabilities.DynamicAxes = false
	for op := range capabilities.Operations {
		if strings.Contains(op.String(), "Fused") || strings.Contains(op.String(), "Quantized") || isDynamicShape(op) {
			delete(capabilities.Operations, op)
		}
	}
	for _, op := range []compute.OpType{
		compute.OpTypeFFT, compute.OpTypeComplex, compute.OpTypeReal, compute.OpTypeImag, compute.OpTypeConj,
		compute.OpTypeBatchNormForInference, compute.OpTypeBatchNormForTraining, compute.OpTypeBatchNormGradient,
		compute.OpTypeDynamicSlice, compute.OpTypeDynamicUpdateSlice, compute.OpTypeAllReduce, compute.OpTypeFusedLayerNorm,
		compute.OpTypeFusedSoftmax,
	} {
		capabilities.Operations[op] = true
	}
	capabilities.DTypes[dtypes.Complex64] = true
	return capabilities
}

func isDynamicShape(op compute.OpType) bool {
	return op == compute.OpTypeDynamicReshape || op == compute.OpTypeDynamicDimensionSize || op == compute.OpTypeDynamicShape
}

// Builder implements compute.Backend.
func (b *Backend) Builder(name string) compute.Builder { return newBuilder(b, name) }

// Finalize implements compute.Backend.
func (b *Backend) Finalize() {
	if b.finalized.CompareAndSwap(false, true) {
		b.workers.stop()
		b.fallback.Finalize()
	}
}

// IsFinalized implements compute.Backend.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }
