package heal_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/heal"
)

//go:embed testdata/plan.sql
var golden string

func TestPlan(t *testing.T) {
	pool := open(t, pg.Database(t))
	execute(t, pool, users)
	plan, err := heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), heal.Config{}).Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, golden, strings.Join(plan, ";\n")+";\n")
	require.Equal(t, []string{"(0)"}, query(t, pool, "SELECT count(*) FROM pg_trigger"), "nothing is done")
	execute(t, pool, strings.Join(plan[1:], ";\n"))
	require.True(t, status(t, heal.New(pool, displayName.Columns(), nil, heal.Config{})).Installed, "by somebody's own migrations")
}

// What tells one change from another is at the end of a name, and does not get cut off.
func TestNamesThatAreLong(t *testing.T) {
	pool := open(t, pg.Database(t))
	long := strings.Repeat("ä", 30)
	execute(t, pool, `CREATE TABLE "`+long+`" (id int PRIMARY KEY, name text, "`+long+`1" text, "`+long+`2" text)`)
	for _, n := range []string{"1", "2"} {
		c := dbcompat.Columns{Table: long, Key: []string{"id"}, Old: []string{"name"}, New: []string{long + n}}
		require.NoError(t, heal.New(pool, c, dbcompat.Fixed(dbcompat.Old), heal.Config{}).Install(t.Context()))
	}
	execute(t, pool, `INSERT INTO "`+long+`" VALUES (1, 'ada')`)
	require.Equal(t, []string{"(1,ada,ada,ada)"}, query(t, pool, `SELECT * FROM "`+long+`"`))
	require.Equal(t, []string{"(t)"}, query(t, pool, "SELECT max(length(tgname::text::bytea)) < 63 FROM pg_trigger"))
}
