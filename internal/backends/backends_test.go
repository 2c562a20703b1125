package backends_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
)

func TestBackendIsChosenByConfigurationThenEnvironment(t *testing.T) {
	const goName = "Go Backend"
	for _, c := range []struct{ config, env, want string }{
		{"go", "", goName}, {"go", "nonsense", goName}, {"", "go:ops_sequential", goName}, {"simd", "go", simd.BackendName}, {"", "", simd.BackendName},
	} {
		t.Setenv(compute.ConfigEnvVar, c.env)
		backend, err := backends.Open(c.config)
		if err != nil {
			t.Errorf("configuration %q, environment %q: %v", c.config, c.env, err)
			continue
		}
		if backend.Name() != c.want {
			t.Errorf("configuration %q, environment %q: backend %q, want %q", c.config, c.env, backend.Name(), c.want)
		}
		backend.Finalize()
	}
	_, err := backends.Open("abacus:beads")
	if err == nil || !strings.Contains(err.Error(), `"abacus"`) || !strings.Contains(err.Error(), "go, simd") {
		t.Errorf("an unknown backend gives %v, want an error with its name and those available", err)
	}
}

// The mode is not in the interface of backends: it is read from the field.
func TestGoBackendRunsOneOperationAfterTheOtherUnlessToldOtherwise(t *testing.T) {
	mode := func(config string) int64 {
		backend, err := backends.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		defer backend.Finalize()
		return reflect.ValueOf(backend).Elem().FieldByName("OpsExecutionType").Int()
	}
	sequential, parallel := mode("go:ops_sequential"), mode("go:ops_parallel")
	if got := mode("go"); got != sequential || got == parallel {
		t.Errorf("mode %d without options, want %d", got, sequential)
	}
}
