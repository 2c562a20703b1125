package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const repository = "../.."

func TestReadmeCommandsExist(t *testing.T) {
	commands := 0
	for _, block := range readmeBlocks(t, "sh") {
		for line := range strings.Lines(block) {
			args, isParc := strings.CutPrefix(strings.TrimSpace(line), "parc ")
			if !isParc {
				args, isParc = strings.CutPrefix(strings.TrimSpace(line), "go run ./cmd/parc ")
			}
			if !isParc {
				continue
			}
			commands++
			if err := parse(strings.Fields(args)); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
	if commands == 0 {
		t.Error("the README has no command: the test does not find them")
	}
}

func TestHelpExamplesExist(t *testing.T) {
	for _, verb := range newRootCommand().Commands() {
		for line := range strings.Lines(examples(verb)) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			if err := parse(words[1:]); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

// examples returns the examples of a command and of those below it.
func examples(command *cobra.Command) string {
	all := command.Example + "\n"
	for _, verb := range command.Commands() {
		all += examples(verb)
	}
	return all
}

func TestReadmeProgramsRun(t *testing.T) {
	programs := slices.DeleteFunc(readmeBlocks(t, "go"), func(block string) bool { return !strings.HasPrefix(block, "package main") })
	if len(programs) == 0 {
		t.Error("the README has no program: the test does not find them")
	}
	for _, program := range programs {
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command("go", "run", file)
		command.Dir = repository
		if output, err := command.CombinedOutput(); err != nil || len(output) == 0 {
			t.Errorf("a program of the README ends with %v and prints %q", err, output)
		}
	}
}

// parse checks a command line without running it: the verb and its flags exist, and what is required is there.
func parse(args []string) error {
	root := newRootCommand()
	doNothing(root)
	root.SetArgs(args)
	return root.Execute()
}

// doNothing takes its action from each command below one.
func doNothing(command *cobra.Command) {
	for _, verb := range command.Commands() {
		if verb.RunE != nil {
			verb.RunE = func(*cobra.Command, []string) error { return nil }
		}
		doNothing(verb)
	}
}

// readmeBlocks returns the code blocks of a language in the README.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```").FindAllStringSubmatch(string(readme), -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}
