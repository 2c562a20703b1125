package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pythonVariable names the environment variable that says which Python has the packages of requirements.txt.
const pythonVariable = "FASTPARC_PYTHON"

// peer is another runtime with a model open, in a process of its own: see peers.py for what is said to it.
type peer struct {
	name, version string
	requests      io.WriteCloser
	answers       *bufio.Reader
}

// answer is what a peer may answer; each call fills its part.
type answer struct {
	Error        string
	Version      string
	Logits       [][]float32
	Milliseconds []float64
}

// openPeer starts a peer on files of weights and images. Where Python or its packages are missing it returns nil and
// says how to install them.
func openPeer(t testing.TB, name, weightFile, inputFile string, threads int) *peer {
	t.Helper()
	python := os.Getenv(pythonVariable)
	if python == "" {
		python = filepath.Join("..", ".venv", "bin", "python")
	}
	command := exec.Command(python, "-B", "peers.py")
	requests, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Logf("%s is left out: %v (bench/README.md says how to install it)", name, err)
		return nil
	}
	t.Cleanup(func() {
		requests.Close()
		_ = command.Wait()
	})
	p := &peer{name: name, requests: requests, answers: bufio.NewReader(answers)}
	opened, err := p.call(map[string]any{"call": "open", "peer": name, "weights": weightFile, "input": inputFile, "threads": threads})
	if errors.Is(err, io.EOF) {
		t.Logf("%s is left out: %s ended at once, so it lacks packages (bench/README.md says how to install them)", name, python)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	p.version = opened.Version
	return p
}

// call sends one request and reads its answer.
func (p *peer) call(request map[string]any) (result answer, err error) {
	line, err := json.Marshal(request)
	if err != nil {
		return result, err
	}
	if _, err := p.requests.Write(append(line, '\n')); err != nil {
		return result, fmt.Errorf("%s: %w", p.name, err)
	}
	if line, err = p.answers.ReadBytes('\n'); err != nil {
		return result, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := json.Unmarshal(line, &result); err != nil {
		return result, fmt.Errorf("%s: %w", p.name, err)
	}
	if result.Error != "" {
		return result, fmt.Errorf("%s: %s", p.name, result.Error)
	}
	return result, nil
}

// logits implements contender.
func (p *peer) logits() ([]float32, error) {
	result, err := p.call(map[string]any{"call": "logits"})
	var flat []float32
	for _, row := range result.Logits {
		flat = append(flat, row...)
	}
	return flat, err
}

// milliseconds implements contender.
func (p *peer) milliseconds(runs int) ([]float64, error) {
	result, err := p.call(map[string]any{"call": "time", "runs": runs})
	return result.Milliseconds, err
}
