package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"

	_ "github.com/fastparc/fastparc/backend/simd"
)

// backend opens the engine that --backend names, else GOMLX_BACKEND, else fastparc's own. The caller finalizes it.
func (a *app) backend() (compute.Backend, error) {
	config := cmp.Or(a.backendConfig, os.Getenv(compute.ConfigEnvVar), compute.DefaultConfig)
	name, _, _ := strings.Cut(config, ":")
	if !slices.Contains(compute.List(), name) { // NewWithConfig would panic
		return nil, fmt.Errorf("unknown backend %q: expected one of %s", name, backendNames())
	}
	backend, err := compute.NewWithConfig(config)
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", config, err)
	}
	return backend, nil
}

// backendNames lists the engines compiled into this program.
func backendNames() string {
	return strings.Join(slices.Sorted(slices.Values(compute.List())), ", ")
}
