// Package rooms holds the order of fastparc's packages and the test that keeps it.
package rooms

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module     = "github.com/fastparc/fastparc"
	repository = "../.."
)

// rooms lists the packages from top to bottom: each may import those below it. A folder belongs to the nearest room at
// or above it in the tree. Helpers under internal are in no room: they stand as high as the highest room they import.
var rooms = []string{
	"cmd/parc",
	"bench",
	"train",
	"data",
	"convert",
	"weights",
	"models",
	"nn",
	"parc",
	"backend/simd",
	"backend/simd/kernel",
	"backend/simd/kernel/asm",
}

func TestPackagesImportOnlyFromBelow(t *testing.T) {
	imports := readImports(t)
	edges := 0
	for from, folders := range imports {
		edges += len(folders)
		if isHelper(from) {
			continue
		}
		if room(from) < 0 {
			t.Errorf("%s is in no room; the rooms are %s", from, strings.Join(rooms, ", "))
			continue
		}
		for _, to := range folders {
			if height(imports, to) < room(from) {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
	}
	if edges == 0 {
		t.Error("no package imports another: the test looks in the wrong place")
	}
}

// readImports returns which of the module's folders each folder imports, on any platform, tests left out.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	err := filepath.WalkDir(repository, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != repository && strings.ContainsAny(name[:1], "._") { // ignored by the go command
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(repository, filepath.Dir(file))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		imports[folder] = append(imports[folder], []string{}...)
		for _, spec := range tree.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				imports[folder] = append(imports[folder], to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// height returns the place in rooms where a folder stands: its room's, or for a helper that of the highest room that
// it imports.
func height(imports map[string][]string, folder string) int {
	if !isHelper(folder) {
		return room(folder)
	}
	highest := len(rooms)
	for _, to := range imports[folder] {
		highest = min(highest, height(imports, to))
	}
	return highest
}

// isHelper says whether a folder is under the repository's internal.
func isHelper(folder string) bool {
	return strings.HasPrefix(folder, "internal/")
}

// room returns the place in rooms of the nearest room at or above the folder, -1 for none.
func room(folder string) int {
	for folder != "." {
		if place := slices.Index(rooms, folder); place >= 0 {
			return place
		}
		folder = path.Dir(folder)
	}
	return -1
}
