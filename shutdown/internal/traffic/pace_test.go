package traffic_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// The expected value is how many have been closed at each look.
func TestIdleConnectionsGoAFewAtATime(t *testing.T) {
	for name, tc := range map[string]struct {
		idle   int
		over   time.Duration
		looks  []int // milliseconds from the first on
		closed []int
	}{
		"a few go at once":                            {idle: 10, over: 2 * time.Second, looks: []int{0}, closed: []int{10}},
		"a thousand a second":                         {idle: 200, over: 2 * time.Second, looks: []int{0, 20, 40, 100}, closed: []int{10, 30, 50, 110}},
		"as many as it takes":                         {idle: 4000, over: 3 * time.Second, looks: []int{0, 20, 100}, closed: []int{10, 50, 210}},
		"over a second, though there is less":         {idle: 2000, over: 100 * time.Millisecond, looks: []int{0, 20, 100}, closed: []int{10, 50, 210}},
		"a look that comes late is no burst":          {idle: 2000, over: time.Minute, looks: []int{0, 5000}, closed: []int{10, 110}},
		"all at once where nobody asked for a spread": {idle: 500, looks: []int{0}, closed: []int{500}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := traffic.New(noProbes)
				pipe := pipenet.Listen(1)
				l := table.Listener(pipe)
				for range tc.idle {
					client, err := pipe.Dial(context.WithoutCancel(t.Context()))
					require.NoError(t, err)
					go func() { _, _ = io.Copy(io.Discard, client); _ = client.Close() }()
					server, err := l.Accept()
					require.NoError(t, err)
					table.Changed(server, http.StateIdle)
				}
				departure := table.Depart(traffic.Spread{Idle: tc.over})
				time.Sleep(time.Second) // it has shown that nobody uses them
				began := table.Now()
				var closed []int
				for _, at := range tc.looks {
					closed = append(closed, departure.Look(began+time.Duration(at)*time.Millisecond, traffic.Patience{}).GivenUp)
				}
				require.Equal(t, tc.closed, closed)
				table.CloseAll()
			})
		})
	}
}
