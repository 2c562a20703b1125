// Package backends opens GoMLX backends by name, for the command line and for tests.
package backends

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// Open opens the backend that the configuration names, as in "simd", "simd:threads=2" or "go"; without one, that of
// GOMLX_BACKEND, and without that GoMLX's default. The caller finalizes it.
//
// The error about an unknown name lists those that the program has.
func Open(config string) (compute.Backend, error) {
	config = cmp.Or(config, os.Getenv(compute.ConfigEnvVar), compute.DefaultConfig)
	name, options, _ := strings.Cut(config, ":")
	if !slices.Contains(compute.List(), name) { // NewWithConfig would panic
		return nil, fmt.Errorf("unknown backend %q: expected one of %s", name, strings.Join(Names(), ", "))
	}
	if name == gobackend.BackendName && options == "" {
		// By itself it runs independent operations at the same time. Each holds a worker of the pool and may then wait
		// for more of them: two large products wait for each other's for ever.
		config = gobackend.BackendName + ":ops_sequential"
	}
	backend, err := compute.NewWithConfig(config)
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", config, err)
	}
	return backend, nil
}

// Names lists the backends that the program has, sorted.
func Names() []string {
	return slices.Sorted(slices.Values(compute.List()))
}
