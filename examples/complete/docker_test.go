//go:build unix

package main_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// instruction is the text behind a word at the beginning of a line of the Dockerfile.
func instruction(t *testing.T, word string) string {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^` + word + ` (.*)$`).FindStringSubmatch(string(text))
	require.NotNil(t, found, word)
	return found[1]
}

func TestTheImageRunsWhatItSays(t *testing.T) {
	t.Parallel()
	var entry, args []string
	require.NoError(t, json.Unmarshal([]byte(instruction(t, "ENTRYPOINT")), &entry), "in brackets")
	require.NoError(t, json.Unmarshal([]byte(instruction(t, "CMD")), &args), "in brackets")
	require.Equal(t, []string{"/complete", "-listen=:8080", "-admin=:8081"}, entry)
	s := start(t, prepared(t, pg.Database(t)), args...).ready(t) // the lists of a short grace period fit
	s.end(t, syscall.SIGTERM)
}

func TestTheImageIsBuiltByTheGoOfTheModule(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	image, _, _ := strings.Cut(instruction(t, "FROM"), " ")
	require.Contains(t, string(module), "\ngo "+strings.TrimPrefix(image, "golang:")+"\n")
	require.Contains(t, instruction(t, "RUN CGO_ENABLED=0"), "./examples/complete", "static, for an image without libc")
}
