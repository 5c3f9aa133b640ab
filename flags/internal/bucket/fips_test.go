package bucket_test

import (
	"crypto/fips140"
	"crypto/md5"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
)

// The mode is read at the start of a process, so this one starts another.
func TestUnderFIPS(t *testing.T) {
	if fips140.Enforced() {
		md5IsAnException(t)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.v",
		"-test.run=^(TestMD5IsWhatTheShellSays|TestV1IsWhatTheShellSays|TestFlagdV2IsMurmur3|TestUnderFIPS)$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "the exception was in force")
	require.Contains(t, string(out), "--- PASS: TestMD5IsWhatTheShellSays")
}

// Many goroutines at once, and for each the rule is in force again when Place returns.
func md5IsAnException(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if place := bucket.MD5.Place("new-checkout-flow", "1", 100_000); place != 86_852 {
					t.Errorf("user 1 is at %d", place)
				}
				if !fips140.Enforced() {
					t.Error("not enforced any more")
				}
			}
		})
	}
	all.Wait()
	require.Panics(t, func() { md5.Sum([]byte("new-checkout-flow1")) }, "the exception is ours alone")

	// Who has made an exception already keeps it.
	fips140.WithoutEnforcement(func() {
		require.EqualValues(t, 86, bucket.MD5.Place("new-checkout-flow", "1", 100))
		require.False(t, fips140.Enforced())
	})
	t.Log("the exception was in force")
}
