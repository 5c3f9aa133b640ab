//go:build unix

package balance_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/torture/internal/balance"
	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
)

// endpoint answers with its name.
func endpoint(t *testing.T, name string) fleet.Addresses {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	t.Cleanup(srv.Close)
	address := srv.Listener.Addr().String()
	return fleet.Addresses{Name: name, API: address, Admin: address, RPC: address}
}

// ask sends one request on its own connection and says whose answer came, or
// which status, or that there was none.
func ask(t *testing.T, b balance.Balancer) string {
	t.Helper()
	conn, err := b.Dial(t.Context(), load.HTTP1)
	if err != nil {
		return "nobody"
	}
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: torture\r\nConnection: close\r\n\r\n")
	if err != nil {
		return "nobody"
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "nobody"
	}
	defer func() { require.NoError(t, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return "nobody"
	}
	name, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(name)
}

func TestWhoIsInRotationIsAskedAndNobodyElse(t *testing.T) {
	for _, kind := range balance.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if err := kind.Missing(); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			b := kind.New(t.TempDir())
			defer b.Stop()
			require.NoError(t, b.Start(t.Context()))
			a, c := endpoint(t, "a"), endpoint(t, "c")
			seen := func() map[string]bool {
				all := map[string]bool{}
				for range 6 {
					all[ask(t, b)] = true
				}
				return all
			}
			require.Equal(t, map[string]bool{"nobody": true}, seen())
			require.NoError(t, b.Add(t.Context(), a))
			require.Equal(t, map[string]bool{"a": true}, seen())
			require.NoError(t, b.Add(t.Context(), c))
			require.Equal(t, map[string]bool{"a": true, "c": true}, seen())
			require.NoError(t, b.Remove(t.Context(), a))
			require.Equal(t, map[string]bool{"c": true}, seen())
			require.NoError(t, b.Remove(t.Context(), c))
			require.Equal(t, map[string]bool{"nobody": true}, seen())
		})
	}
}

// The promise of every row: who has failed is asked again, and nobody else is
// asked instead.
func TestNobodyHidesALoss(t *testing.T) {
	for _, kind := range balance.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if kind.Missing() != nil {
				t.Skip("see above")
			}
			b := kind.New(t.TempDir())
			defer b.Stop()
			require.NoError(t, b.Start(t.Context()))
			dead, err := fleet.FreeAddresses("dead")
			require.NoError(t, err)
			require.NoError(t, b.Add(t.Context(), dead))
			require.NoError(t, b.Add(t.Context(), endpoint(t, "a")))
			answers := map[string]int{}
			for range 20 {
				answers[ask(t, b)]++
			}
			require.Equal(t, map[string]int{"a": 10, "nobody": 10}, answers)
		})
	}
}
