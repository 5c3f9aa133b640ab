package report_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

var outcome = regexp.MustCompile(`^Rolling: ([0-9,]+) of [0-9]+,[0-9]{3} requests failed$`)

// What the README shows comes out of a deployment, and shows what the README says.
// make pictures draws it.
func TestThePicturesOfTheREADME(t *testing.T) {
	lost := func(name, how string) int {
		text, err := os.ReadFile("../../../../docs/pictures/" + name)
		require.NoError(t, err)
		all := parsed(t, string(text))
		require.Regexp(t, inside, string(text))
		require.LessOrEqual(t, len(text), 40_000)
		require.Subset(t, texts(all, "text"), []string{how, "v1", "v2", "v1-1", "v1-3", "v2-4", "v2-6", "ready", "signalled"})
		words := outcome.FindStringSubmatch(texts(all, "title")[0])
		require.Len(t, words, 2, texts(all, "title")[0])
		n, err := strconv.Atoi(words[1])
		require.NoError(t, err)
		require.Contains(t, texts(all, "text"), "Failures ("+words[1]+"), per second")
		return n
	}
	require.Zero(t, lost("rolling.svg", "service: handover"))
	require.Positive(t, lost("naive.svg", "naive: http.Server.Shutdown at the signal"))
}
