package pgflagtable

import (
	"context"
	"io"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/pgflags"
)

// move takes each row as it is, and the hash with it. What is one string is one
// transaction.
const move = `
	INSERT INTO handover.flags (key, enabled, rollout_percentage)
	SELECT name, enabled, percentage FROM feature_flags;
	UPDATE handover.flag_sets SET metadata = '{"bucketing": "md5-100"}'`

// Move makes the tables of pgflags and copies feature_flags into them.
func Move(ctx context.Context, pool *pgxpool.Pool) error {
	if err := pgflags.New(pool, pgflags.Config{}).Migrate(ctx); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, move)
	return err
}

// Shop has a new checkout behind a flag.
type Shop struct {
	Flags       *flags.Client // a component: Start and Run
	NewCheckout flags.Switch
}

// NewShop reads the flags from the pool's database; cfg is the client's.
func NewShop(pool *pgxpool.Pool, cfg flags.Config) Shop {
	newCheckout := flags.Bool("new-checkout-flow", false, flags.About{Owner: "payments", Expires: "2027-03-01"})
	return Shop{
		Flags:       flags.New(pgflags.New(pool, pgflags.Config{}), cfg, newCheckout),
		NewCheckout: newCheckout,
	}
}

// Handler has each request pinned to one version of all flags.
func (s Shop) Handler() http.Handler {
	userOf := func(r *http.Request) flags.Subject { return flags.Subject{Key: r.Header.Get("User")} }
	return s.Flags.Middleware(userOf, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.NewCheckout.On(r.Context()) {
			_, _ = io.WriteString(w, "the new checkout")
			return
		}
		_, _ = io.WriteString(w, "the old checkout")
	}))
}
