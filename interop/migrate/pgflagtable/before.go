package pgflagtable

import (
	"context"
	"crypto/md5"
	"math/big"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Table is feature_flags: a name, whether it is on, and for how many of a hundred users.
type Table struct{ Pool *pgxpool.Pool }

// On reports whether a user gets what is behind a flag.
func (t Table) On(ctx context.Context, flag, user string) bool {
	var enabled bool
	var percentage int64
	row := t.Pool.QueryRow(ctx, "SELECT enabled, percentage FROM feature_flags WHERE name = $1", flag)
	if err := row.Scan(&enabled, &percentage); err != nil {
		return false
	}
	sum := md5.Sum([]byte(flag + user))
	bucket := new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), big.NewInt(100))
	return enabled && bucket.Int64() < percentage
}
