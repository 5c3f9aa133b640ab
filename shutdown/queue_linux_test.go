package shutdown_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// soReusePort is missing in package syscall.
const soReusePort = 15

// Two processes that share a port have a queue each, and what is in that of the one
// that closes goes to nobody. The kernel gives to the other one what comes later.
// Between its last look and its close it may still be given a connection; that is
// what net.ipv4.tcp_migrate_req=1 is for (Linux 5.14).
func TestWhoSharesAPortServesItsQueueAndLeavesTheRestToTheOther(t *testing.T) {
	const queued = 20
	old := gated(t, listenWith(t, 100, 0, soReusePort))
	old.queue(queued)
	require.Len(t, old.waiting, queued)

	next := serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	})}, shutdown.Config{Listener: listenWith(t, 100, old.port(), soReusePort), LingerMax: -1})
	old.drain()

	for range queued {
		c, err := net.Dial("tcp", old.Addr().String())
		require.NoError(t, err)
		require.Equal(t, "202", newClient(t, c).get("/"))
		require.NoError(t, c.Close())
	}
	require.NoError(t, next.Shutdown(t.Context()))
	require.NoError(t, <-next.served)
}
