package train

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDiskVariable, if set, names the directory in which the test below plays the program on a full disk.
const fullDiskVariable = "FASTPARC_TEST_FULL_DISK"

// TestACheckpointSurvivesAFullDisk trains on in a process of its own that may write no file above 64 KiB.
func TestACheckpointSurvivesAFullDisk(t *testing.T) {
	if dir := os.Getenv(fullDiskVariable); dir != "" {
		trainOnFullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	if _, err := newTraining(t, dir, func(r *Recipe) { r.Epochs = 1 }).Fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := map[string][]byte{}
	for _, name := range []string{weightsFile, cardFile, stateFile, trainingFile} {
		before[name] = read(t, filepath.Join(dir, lastName, name))
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestACheckpointSurvivesAFullDisk$")
	child.Env = append(os.Environ(), fullDiskVariable+"="+dir)
	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for name, content := range before {
		if !bytes.Equal(content, read(t, filepath.Join(dir, lastName, name))) {
			t.Errorf("%s is not what it was", name)
		}
	}
	wantContents(t, dir, "best/", "last/")
}

func trainOnFullDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	_, err := newTraining(t, dir, func(r *Recipe) { r.Epochs = 1 }).Fit(t.Context())
	if err == nil || !strings.Contains(err.Error(), "file too large") || !strings.Contains(err.Error(), weightsFile) {
		t.Errorf("training on a full disk ends with %v, want an error that names the file", err)
	}
}
