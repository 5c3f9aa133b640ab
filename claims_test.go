package handover_test

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
)

// What a Markdown file leads to: links and pictures, programs and targets of make.
var (
	linked    = regexp.MustCompile(`\]\(([^)#: ]+)(?:#[^)]*)?\)|(?:src|href|srcset)="([^":#]+)"`)
	goRun     = regexp.MustCompile(`go run \./([a-z0-9/-]+)`)
	makeRun   = regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)")
	makeRules = regexp.MustCompile(`(?m)^([a-z-]+):.*## `)
)

// deadEnds returns what the Markdown of a repository leads to that is not there.
func deadEnds(t *testing.T, root fs.FS) (violations []string) {
	t.Helper()
	there := func(name string) bool { _, err := fs.Stat(root, path.Clean(name)); return err == nil }
	makefile, err := fs.ReadFile(root, "Makefile")
	require.NoError(t, err)
	var targets []string
	for _, rule := range makeRules.FindAllSubmatch(makefile, -1) {
		targets = append(targets, string(rule[1]))
	}
	for _, name := range files(t, root) {
		if path.Ext(name) != ".md" {
			continue
		}
		text, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		for _, m := range linked.FindAllStringSubmatch(string(text), -1) {
			if to := m[1] + m[2]; !there(path.Join(path.Dir(name), to)) {
				violations = append(violations, fmt.Sprintf("%s: %s: there is no such file", name, to))
			}
		}
		for _, m := range goRun.FindAllStringSubmatch(string(text), -1) {
			if !there(m[1]) && !there("interop/"+m[1]) { // which is a module of its own
				violations = append(violations, fmt.Sprintf("%s: go run ./%s: there is no such program", name, m[1]))
			}
		}
		for _, m := range makeRun.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(targets, m[1]) {
				violations = append(violations, fmt.Sprintf("%s: make %s: there is no such target", name, m[1]))
			}
		}
	}
	return violations
}

func TestMarkdownLeadsSomewhere(t *testing.T) {
	for _, violation := range deadEnds(t, repository()) {
		t.Error(violation)
	}
}

func TestDeadEnds(t *testing.T) {
	for sentence, tc := range map[string]struct{ text, want string }{
		"a link":             {"[a](docs/b.md)", "README.md: docs/b.md: there is no such file"},
		"a picture":          {`<img src="docs/b.svg">`, "README.md: docs/b.svg: there is no such file"},
		"a program":          {"    go run ./examples/b -quick", "README.md: go run ./examples/b: there is no such program"},
		"a target":           {"    make all", "README.md: make all: there is no such target"},
		"what is there":      {"[a](examples/a), [b](https://example.org), `make test`, `go run ./examples/a`, [here](#the-map)", ""},
		"what somebody says": {"make it so", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			found := deadEnds(t, tree(map[string]string{
				"README.md": tc.text, "Makefile": "test: lint ## everything\n", "examples/a/main.go": "package main",
			}))
			require.Equal(t, tc.want, strings.Join(found, "\n"))
		})
	}
}

// excerpt returns the first line of a part that the whole does not have, or not in this
// order. Comments do not count.
func excerpt(part, whole string) (missing string) {
	left := bare(whole)
	for _, line := range bare(part) {
		at := slices.Index(left, line)
		if at < 0 {
			return line
		}
		left = left[at+1:]
	}
	return ""
}

func bare(yaml string) (all []string) {
	for line := range strings.Lines(yaml) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimRight(line, " \n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func TestTheREADMEShowsTheManifestThatIsTested(t *testing.T) {
	readme, manifest := text(t, "README.md"), text(t, "examples/deploy/kubernetes/deployment.yaml")
	_, shown, found := strings.Cut(readme, "```yaml\n")
	require.True(t, found)
	shown, _, _ = strings.Cut(shown, "```")
	require.Empty(t, excerpt(shown, manifest))
	require.Equal(t, "maxSurge: 2", excerpt("a: b\nmaxSurge: 2\n", "a: b # why\nmaxSurge: 1\n"), "a line that is another")
	require.Equal(t, "a: b", excerpt("c: d\na: b\n", "a: b\nc: d\n"), "another order")
}

// The moments in the README's table are those of its program.
func TestTheTimelineOfTheREADME(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: nothing},
		lifecycle.Component{Name: "admin", Start: nothing, Run: nothing, Stop: nothing},
		lifecycle.Component{Name: "api", Start: nothing, Run: nothing, Stop: nothing},
		lifecycle.Component{Name: "ready", Start: nothing, Stop: nothing},
	)
	plan, err := app.Plan()
	require.NoError(t, err)
	at := map[string]time.Duration{}
	for _, place := range plan.Places {
		at[place.Components[0]] = place.Deadline
	}
	var delay time.Duration
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, probes.New(probes.Config{}).Drain(t.Context()))
		delay = time.Since(began)
	})
	readme := text(t, "README.md")
	for _, row := range []string{
		fmt.Sprintf("| .. %.0f s | `ready` | the shutdown delay", delay.Seconds()),
		fmt.Sprintf("| %.0f s | `api` | still accepts", delay.Seconds()),
		fmt.Sprintf("| before %.0f s | `api` | the last call", at["api"].Seconds()),
		fmt.Sprintf("| %.0f s at the latest | `api` | what has not finished is cut", at["api"].Seconds()),
		fmt.Sprintf("| .. %.0f s | `admin`, `checks` |", at["checks"].Seconds()),
		fmt.Sprintf("| %.0f s | | SIGKILL", plan.GracePeriod.Seconds()),
	} {
		require.Contains(t, readme, row)
	}
	require.Contains(t, text(t, "examples/minimal/main.go"), "GracePeriod: 30 * time.Second", "the program of which this is the plan")
}

func text(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(repository(), name)
	require.NoError(t, err)
	return string(text)
}

// What is said of a picture to those who do not see it is what it says itself.
func TestThePicturesOfTheREADMEAreDescribed(t *testing.T) {
	pictures := regexp.MustCompile(`<img src="([^"]+\.svg)"[^>]* alt="([^"]+)">`).FindAllStringSubmatch(text(t, "README.md"), -1)
	require.Len(t, pictures, 2)
	for _, p := range pictures {
		_, title, _ := strings.Cut(text(t, p[1]), "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		require.Contains(t, p[2], strings.TrimPrefix(title, "Rolling: "), p[1])
	}
}
