package bench

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// PythonVariable names the environment variable that says which Python has the packages of requirements.txt.
const PythonVariable = "FASTPARC_PYTHON"

// Libraries lists the peers that there is a helper for.
func Libraries() []string { return []string{"torch", "onnxruntime", "openvino", "jax"} }

//go:embed *.py
var helpers embed.FS

// errNotInstalled says that a library is not there to be measured.
var errNotInstalled = errors.New("not installed")

// process is a Python process with one other library: see peers.py for what is said to it. Each library has one of its
// own, so that their threads do not share a pool.
type process struct {
	library, version string
	dir              string // of the helpers and the files that are exchanged
	command          *exec.Cmd
	requests         io.WriteCloser
	answers          *bufio.Reader
	complaints       bytes.Buffer
}

// answer is what a process may answer; each call fills its part.
type answer struct {
	Error        string
	Missing      bool
	Version      string
	Methods      []struct{ Name, Task string }
	Milliseconds []float64
}

// openProcess starts a process with a library that may use a number of threads. The error is errNotInstalled where
// Python or the library is missing.
func openProcess(ctx context.Context, library string, threads int) (p *process, err error) {
	dir, err := os.MkdirTemp("", "fastparc-bench-")
	if err != nil {
		return nil, err
	}
	p = &process{library: library, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := os.CopyFS(dir, helpers); err != nil {
		return p, err
	}
	p.command = exec.CommandContext(ctx, python(), "-B", filepath.Join(dir, "peers.py"))
	p.command.Stderr = &p.complaints
	if p.requests, err = p.command.StdinPipe(); err != nil {
		return p, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return p, err
	}
	p.answers = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return p, fmt.Errorf("%w: %w", errNotInstalled, err)
	}
	loaded, err := p.call(map[string]any{"call": "load", "library": library, "threads": threads})
	if loaded.Missing || errors.Is(err, io.EOF) { // it ends at once where it lacks the packages that it needs for itself
		return p, fmt.Errorf("%w: %w", errNotInstalled, err)
	}
	p.version = loaded.Version
	return p, err
}

// python returns the interpreter: the one that the environment names, one in a virtual environment at the root of the
// checkout, or that of the path.
func python() string {
	if named := os.Getenv(PythonVariable); named != "" {
		return named
	}
	for dir := "."; ; dir = filepath.Join("..", dir) {
		local := filepath.Join(dir, ".venv", "bin", "python")
		if _, err := os.Stat(local); err == nil {
			return local
		}
		if absolute, err := filepath.Abs(dir); err != nil || filepath.Dir(absolute) == absolute {
			return "python3"
		}
	}
}

// call sends one request and reads its answer.
func (p *process) call(request map[string]any) (result answer, err error) {
	line, err := json.Marshal(request)
	if err != nil {
		return result, err
	}
	_, err = p.requests.Write(append(line, '\n'))
	if err == nil {
		line, err = p.answers.ReadBytes('\n')
	}
	if err != nil { // EOF, or a pipe that broke just before
		return result, fmt.Errorf("%s: the helper ended: %w: %s", p.library, err, p.lastComplaint())
	}
	if err := json.Unmarshal(line, &result); err != nil {
		return result, fmt.Errorf("%s: %w", p.library, err)
	}
	if result.Error != "" {
		return result, fmt.Errorf("%s: %s", p.library, result.Error)
	}
	return result, nil
}

// lastComplaint waits for the process to end and returns the last line that it wrote to its standard error.
func (p *process) lastComplaint() string {
	_ = p.command.Wait() // how it ended does not matter
	lines := strings.Split(strings.TrimSpace(p.complaints.String()), "\n")
	return lines[len(lines)-1]
}

// prepare gives the process the operands of a work and returns the ways in which it can compute it.
func (p *process) prepare(w Work, operands []operand) (entrants []entrant, err error) {
	file := filepath.Join(p.dir, "operands.safetensors")
	if err := save(file, operands); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	prepared, err := p.call(map[string]any{"call": "prepare_circular", "axis": w.Axis, "training": w.Training, "tensors": file})
	for _, method := range prepared.Methods {
		entrants = append(entrants, entrant{&peer{p, method.Name}, p.library, method.Name, task(method.Task)})
	}
	return entrants, err
}

// close ends the process and removes its files.
func (p *process) close() error {
	if p.requests != nil {
		p.requests.Close()
	}
	if p.command != nil && p.command.Process != nil {
		_ = p.command.Wait()
	}
	return os.RemoveAll(p.dir)
}

// peer is a method of a process as a contender.
type peer struct {
	*process
	method string
}

// compute implements contender.
func (p *peer) compute() (results, error) {
	file := filepath.Join(p.dir, "results.safetensors")
	if _, err := p.call(map[string]any{"call": "compute", "method": p.method, "output": file}); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	return readResults(file)
}

// burst implements contender.
func (p *peer) burst(b burst) ([]float64, error) {
	result, err := p.call(map[string]any{"call": "time", "method": p.method, "lead": b.Lead, "span": b.Span, "calls": b.Calls})
	return result.Milliseconds, err
}
