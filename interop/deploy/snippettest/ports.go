package snippettest

import (
	"regexp"
	"strconv"
	"testing"
)

// APIPort is where the program of the README serves.
func APIPort(t testing.TB) int { return port(t, "api") }

// AdminPort is where it answers probes.
func AdminPort(t testing.TB) int { return port(t, "admin") }

func port(t testing.TB, variable string) int {
	t.Helper()
	return first(t, Read(t, "../minimal/main.go"), variable+` := .*Addr: ":(\d+)"`)
}

// first is the number that a pattern finds first.
func first(t testing.TB, text, pattern string) int {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("there is no %s in %s", pattern, text)
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
