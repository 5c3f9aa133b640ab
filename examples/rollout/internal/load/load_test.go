package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ran sends to a service until it has been asked so often.
func ran(t *testing.T, service http.HandlerFunc) *load.Load {
	t.Helper()
	var asked atomic.Int64
	enough := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 150 {
			close(enough)
		}
		w.Header().Set("X-Version", "v1")
		service(w, r)
	}))
	t.Cleanup(srv.Close)
	l := load.New(load.Config{Address: srv.Listener.Addr().String(), Rate: 200, NewShare: 0.5, Seed: 1, Users: 2})
	l.Run(t.Context(), enough)
	return l
}

func TestWhatIsCounted(t *testing.T) {
	for name, tc := range map[string]struct {
		service http.HandlerFunc
		kind    string // of all that fail
		failed  bool
		stale   bool
		lost    int
	}{
		"a service that refuses":              {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "status 503", true, false, 0},
		"a service that ends in the middle":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no answer", true, false, 0},
		"a service that forgets all the time": {forgetful, "", false, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := ran(t, tc.service)
			c := l.Counts()
			require.GreaterOrEqual(t, c.Requests, 150)
			if tc.failed {
				require.Equal(t, map[string]int{tc.kind: c.Requests}, c.Kinds)
			} else {
				require.Empty(t, c.Kinds)
			}
			require.Equal(t, tc.failed, c.Failed == c.Requests)
			require.Equal(t, tc.stale, c.Stale > 0)
			require.Equal(t, tc.lost, l.LostWrites(map[int64]string{1: "user-1-1", 2: "user-2-1"}))
		})
	}
}

// forgetful acknowledges each name, and keeps the first.
func forgetful(w http.ResponseWriter, r *http.Request) {
	var id int64
	_, _ = fmt.Sscanf(r.URL.Path, "/users/%d", &id)
	fmt.Fprintf(w, `{"display_name":"user-%d-1"}`, id)
}
