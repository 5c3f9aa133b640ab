package pgpages

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
	"github.com/handover-go/handover/flags/ramp/rampconsole"
)

const key = "new-checkout-flow"

// An instance is one of the service, as far as a ramp goes.
type instance struct {
	client *flags.Client
	guard  *guard.Guard
	member *ramp.Member
}

func join(t testing.TB, pool *pgxpool.Pool, name string) instance {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	flag := flags.Bool(key, false)
	bounds := guard.Config{MaxErrors: 0.2, Slow: time.Second, Least: 60, Logger: logger}
	watch, err := guard.New(flag, bounds)
	must(t, err)
	judge, err := guard.NewJudge(bounds)
	must(t, err)
	i := instance{client: flags.New(pgflags.New(pool, pgflags.Config{}), flags.Config{Interval: time.Second, Logger: logger}, flag), guard: watch}
	plan := ramp.Plan{Flag: flag, Steps: []float64{5, 20, 50, 100}, Bake: time.Second, Guard: watch, Fleet: judge}
	i.member = ramp.New(i.client, pgramp.New(pool, pgramp.Config{}), ramp.Config{ID: name, Version: "4f1c2d7", TTL: time.Second, Tick: 100 * time.Millisecond, Logger: logger}, plan)
	must(t, i.client.Start(t.Context()))
	must(t, i.member.Start(t.Context()))
	Background(t, i.client.Run, i.member.Run)
	return i
}

// serve answers so many users, of whom the new path fails a few.
func (i instance) serve(ctx context.Context, users int) {
	for user := range users {
		ctx := i.client.Pin(ctx, flags.Subject{Key: fmt.Sprint("user-", user)})
		_, _ = guard.Do(ctx, i.guard,
			func(context.Context) (int, error) {
				if user%37 == 0 {
					return 0, errors.New("the new path fails")
				}
				return 1, nil
			},
			func(context.Context) (int, error) { return 2, nil })
	}
}

// Ramp is the page of a ramp that has gone two steps, and waits for more to be seen.
func Ramp(t testing.TB, url string) http.Handler {
	t.Helper()
	pool := connect(t, url)
	must(t, pgflags.New(pool, pgflags.Config{}).Migrate(t.Context()))
	must(t, pgramp.New(pool, pgramp.Config{}).Migrate(t.Context()))
	off := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`)
	must(t, pgflags.New(pool, pgflags.Config{}).Put(t.Context(), pgflags.Change{Who: "ada", Why: "a new version"}, key, off))
	fleet := []instance{join(t, pool, "web-5d8f7c9b6-x2x7q"), join(t, pool, "web-5d8f7c9b6-k9s4m")}
	page, err := rampconsole.New(fleet[0].member, rampconsole.Config{Every: 50 * time.Millisecond})
	must(t, err)
	Background(t, page.Run)

	widen(t, fleet)
	return page
}

// widen serves users until two steps are taken, and then fewer than the next one needs.
func widen(t testing.TB, fleet []instance) {
	t.Helper()
	is := func() (p ramp.Progress) {
		for _, p = range fleet[0].member.Status().Ramps {
		}
		return p
	}
	await(t, func() bool {
		if is().Share < 20 {
			for _, i := range fleet {
				i.serve(t.Context(), 200)
			}
		}
		return is().Share >= 20
	}, func() string { return fmt.Sprintf("the ramp does not go two steps: %+v", is()) })
	fleet[1].serve(t.Context(), 30)
	await(t, func() bool { return strings.Contains(strings.Join(is().Waiting, " "), "of at least 60") },
		func() string { return fmt.Sprintf("the ramp does not wait: %+v", is()) })
}
