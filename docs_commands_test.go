package touchmark_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// A command of ours with what follows it, in a block of code or a sentence, as
	// far as that can be told without a shell.
	commandLine = regexp.MustCompile("(?m)(?:^[ \\t]*|[`|(] *|; |&& )touchmark ([^\\n`|>;&#)]+)")
	commandWord = regexp.MustCompile(`^[a-z]+$`)
	flagWord    = regexp.MustCompile(`^--[a-z-]+`)
)

// What a page tells people to type is a command of the program, with its flags.
func TestCommandsThatDocumentsName(t *testing.T) {
	watchTree(t)
	p := buildProgram(t)
	named := 0
	for _, page := range pages(t) {
		if page == "CHANGELOG.md" {
			continue // it tells of versions that were
		}
		for _, found := range commandLine.FindAllStringSubmatch(read(t, page), -1) {
			named++
			command, flags := splitCommand(strings.Fields(found[1]))
			help, ok := p.help(t, command)
			if !ok {
				t.Errorf("%s names touchmark %s, and there is no such command", page, command)
				continue
			}
			for _, flag := range flags {
				if flag != "--help" && !strings.Contains(help, flag+" ") {
					t.Errorf("%s gives touchmark %s the flag %s, which it does not have", page, command, flag)
				}
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d commands were found in the documents; does this test still see them?", named)
	}
}

// splitCommand returns the words that may name a command, and the flags.
func splitCommand(words []string) (command string, flags []string) {
	var path []string
	for i, word := range words {
		if flagWord.MatchString(word) {
			flags = append(flags, flagWord.FindString(word))
		} else if len(path) == i && i < 2 && commandWord.MatchString(word) {
			path = append(path, word)
		}
	}
	return strings.Join(path, " "), flags
}

// program is the program, and what it said of its commands.
type program struct {
	path  string
	helps map[string]string // by command; "" where there is none
}

func buildProgram(t *testing.T) *program {
	t.Helper()
	p := &program{path: filepath.Join(t.TempDir(), "touchmark"), helps: map[string]string{}}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "./cmd/touchmark")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return p
}

// help returns the help of a command. Its second word may be an argument of the
// first, as in quickstart lab.
func (p *program) help(t *testing.T, command string) (string, bool) {
	t.Helper()
	help, asked := p.helps[command]
	if !asked {
		out, err := exec.CommandContext(t.Context(), p.path, append([]string{"help"}, strings.Fields(command)...)...).Output()
		if err == nil {
			help = string(out)
		}
		p.helps[command] = help
	}
	if first, _, two := strings.Cut(command, " "); help == "" && two {
		help, _ = p.help(t, first)
		return help, help != "" && !strings.Contains(help, "Available Commands:")
	}
	return help, help != ""
}
