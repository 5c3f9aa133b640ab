// Package droptest deploys a program under load and counts what was lost.
//
//	result, err := droptest.New(droptest.Config{}).Roll(t.Context(), v1, v2)
//	require.NoError(t, err)
//	require.NoError(t, result.Err())
//
// Processes, connections and signals are real; the balancer is a layer-4 one or a proxy:
//
//	load ──► balancer ──── RTT ────► n processes of v1, replaced one by one by v2
//
//	+0      SIGTERM to a v1; its replacement is in rotation
//	+Lag    the balancer learns of it; until then it goes on sending
//	+RTT/2  after the process closed a connection, the other side learns of that
//
// Each request is sent once, at its time, whether or not earlier ones have been
// answered. net/http's Transport would send a GET again when its kept connection
// turns out to be closed, and hide the loss. A failure has a kind that points at
// its cause: see [Failure].
//
// The program has to listen where it is told; to answer GET and POST on Config.Path,
// and late on Config.SlowPath, with a status below 400; and /readyz, with 200 when it
// may have traffic. X-Version in its responses tells versions apart.
//
// Not done: HTTP/2, TLS, Windows (which has no SIGTERM).
package droptest
