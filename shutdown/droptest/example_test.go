package droptest_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest"
)

// A user's test: that a deployment of ./cmd/api loses nothing behind an
// AWS-like load balancer.
func Example() {
	_ = func(t *testing.T) {
		binary := t.TempDir() + "/api"
		out, err := exec.Command("go", "build", "-o", binary, "./cmd/api").CombinedOutput()
		require.NoError(t, err, "%s", out)

		api := droptest.Version{Name: "v1", Command: func(a droptest.Addresses) *exec.Cmd {
			return exec.Command(binary, "-listen", a.API, "-admin", a.Probes)
		}}
		fleet := droptest.New(droptest.Config{
			Kind: droptest.Proxy,
			Lag:  3 * time.Second,
			RTT:  20 * time.Millisecond,
		})
		result, err := fleet.Roll(t.Context(), api, api)
		require.NoError(t, err)
		require.NoError(t, result.Err())
	}
}
