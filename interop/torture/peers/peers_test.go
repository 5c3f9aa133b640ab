//go:build unix

package peers_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
	"github.com/handover-go/handover/interop/torture/internal/tally"
)

// What is lost in the torture must have been lost by the stop.
func TestPeersAnswerEverythingUntilTheyAreStoppedAndExitWellWithNothingInFlight(t *testing.T) {
	taken := map[string]bool{}
	for _, program := range programs(t) {
		for _, tls := range []bool{false, true} {
			at := addresses(t, taken)
			t.Run(fmt.Sprintf("%s, TLS %v", filepath.Base(program), tls), func(t *testing.T) {
				t.Parallel()
				visit(t, program, at, tls)
			})
		}
	}
}

// addresses are free, and not those that somebody else has got and not yet taken.
func addresses(t *testing.T, taken map[string]bool) fleet.Addresses {
	t.Helper()
	for {
		at, err := fleet.FreeAddresses("")
		require.NoError(t, err)
		some := taken[at.API] || taken[at.Admin] || taken[at.RPC]
		taken[at.API], taken[at.Admin], taken[at.RPC] = true, true, true
		if !some {
			return at
		}
	}
}

// programs compiles the peers.
func programs(t *testing.T) []string {
	t.Helper()
	sources, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.Len(t, sources, 6)
	for _, source := range append(sources, "internal/serve/serve.go", "go.sum") {
		_, err := os.ReadFile(source) // else the test's cache would not know that they matter
		require.NoError(t, err)
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator), "./...")
	build.Env = append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	var paths []string
	for _, source := range sources {
		paths = append(paths, filepath.Join(dir, filepath.Dir(source)))
	}
	return paths
}

func visit(t *testing.T, program string, at fleet.Addresses, tls bool) {
	t.Helper()
	p, err := fleet.Start(program, "-addr", at.API, "-admin", at.Admin, "-grpc", at.RPC, fmt.Sprintf("-tls=%v", tls))
	require.NoError(t, err)
	defer p.Kill()
	require.NoError(t, p.Await(t.Context(), func() bool { return ready(t, at) }))

	total := tortured(t, p, at, tls)
	require.Zero(t, total.Lost+total.Cut, total.Reasons())

	require.NoError(t, p.Signal(syscall.SIGTERM))
	select {
	case <-p.Exited():
	case <-t.Context().Done():
	}
	require.Equal(t, "exit status 0", p.State(), p.Output())
}

// ready is what a balancer asks, and that the other two are there.
func ready(t *testing.T, at fleet.Addresses) bool {
	t.Helper()
	for _, address := range []string{at.API, at.RPC} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		require.NoError(t, c.Close())
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.Admin+"/readyz", nil)
	require.NoError(t, err)
	r.Close = true
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return false
	}
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode == http.StatusOK
}

// tortured sends everything until all of it has come, and stops nothing.
func tortured(t *testing.T, p *fleet.Process, at fleet.Addresses, tls bool) (total tally.Counts) {
	t.Helper()
	dial := func(ctx context.Context, port load.Port) (net.Conn, error) {
		address := at.API
		if port == load.RPC {
			address = at.RPC
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	results, enough := tally.New(nil), make(chan struct{})
	var loads sync.WaitGroup
	for _, protocol := range load.Protocols() { // each its own load: a mix is a matter of luck
		loads.Go(func() {
			load.Run(t.Context(), enough, load.Config{
				Dial: dial, TLS: tls, KeepAlive: true, Rate: 2, Streams: 1, Protocols: []string{protocol}, Tally: results,
			})
		})
	}
	err := p.Await(t.Context(), func() bool {
		counts, streams := results.Counts(), 0
		for _, c := range counts {
			if c.Messages >= 2 {
				streams++
			}
		}
		return len(counts) == len(load.Protocols()) && streams == 5
	})
	close(enough)
	loads.Wait()
	for _, counts := range results.Counts() {
		total.Add(counts)
	}
	require.NoError(t, err, total.Reasons())
	return total
}
