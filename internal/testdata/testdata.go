// Package testdata finds the reference values and images that some tests compare with. They live outside the
// repository, in a folder named shared beside it; FASTPARC_SHARED names another place.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// SharedVariable names the environment variable that says where the shared folder is.
const SharedVariable = "FASTPARC_SHARED"

// Shared returns the path of a file or folder within the shared folder, and skips the test where it is absent.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv(SharedVariable)
	if root == "" {
		root = filepath.Join(repository(t), "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("skipped: needs %s (set %s to the folder that holds it)", filepath.Join(elem...), SharedVariable)
	}
	return path
}

// repository returns the folder of go.mod, above the test's working directory.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("testdata: no go.mod above the working directory")
		}
		dir = parent
	}
}
