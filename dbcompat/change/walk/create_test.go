package walk_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

func TestWhatCannotBeCreated(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{})
	other := displayName
	other.Up = []string{"upper(name)"}
	other.Down = []string{"lower(display_name)"}
	empty := displayName
	empty.Up, empty.Types = []string{}, []string{}
	for name, c := range map[string]struct {
		name    string
		columns dbcompat.Columns
		options walk.Options
		wrong   string
	}{
		"the same again is nothing": {usersName, displayName, walk.Options{}, ""},
		"nor with empty lists":      {usersName, empty, walk.Options{}, ""},
		"with other expressions":    {usersName, other, walk.Options{}, "walk: create users-name: it is there with other columns: take another name, or Delete it first"},
		"with a fence":              {usersName, displayName, walk.Options{Fence: true}, "walk: create users-name: it is there with Options.Fence false, and each instance knows it by that: Delete it first"},
		"a table that is not there": {
			"other",
			dbcompat.Columns{Table: "people", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}},
			walk.Options{},
			"walk: create other: there is no column id in people: correct the name, or create it\nthere is no column name in people: correct the name, or create it",
		},
		"columns that contradict themselves": {"other", dbcompat.Columns{Table: "users"}, walk.Options{}, "Key is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			err := walk.New(pool, c.name, patient).Create(t.Context(), c.columns, c.options)
			if c.wrong == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.wrong)
			}
		})
	}
	require.Equal(t, []string{"created old"}, events(t, w))
	require.Equal(t, []string{"(users-name)"}, query(t, pool, "SELECT name FROM handover.changes"), "what was refused has left something")
}

func TestMisuse(t *testing.T) {
	pool := open(t, pg.Database(t))
	ctx := t.Context()
	for name, c := range map[string]struct {
		walk  *walk.Walk
		wrong string
	}{
		"no pool":                       {walk.New(nil, usersName, walk.Config{}), "walk: state of users-name: the pool is nil: make one with pgxpool.New"},
		"no name":                       {walk.New(pool, " ", walk.Config{}), `the name of the change is " ": give one, as in users-name`},
		"a schema that is none":         {walk.New(pool, usersName, walk.Config{Schema: `a"b`}), `Config.Schema is "a\"b": take letters, digits, _ and -, 63 bytes at the most`},
		"a wait for a lock without end": {walk.New(pool, usersName, walk.Config{LockTimeout: -1}), "a wait for a lock has to have an end, 200 ms are good"},
		"a poll without a pause":        {walk.New(pool, usersName, walk.Config{Poll: -time.Second}), "Config.LockTimeout or Poll is less than a millisecond"},
		"negative attempts":             {walk.New(pool, usersName, walk.Config{Attempts: -1}), "Config.Attempts is negative"},
		"before the tables are there":   {walk.New(pool, usersName, walk.Config{}), "(the tables are not there: call Migrate first)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.walk.State(ctx)
			require.ErrorContains(t, err, c.wrong)
		})
	}
	w := walk.New(pool, usersName, patient)
	require.NoError(t, w.Migrate(ctx))
	require.NoError(t, w.Migrate(ctx))
	require.NoError(t, w.Delete(ctx), "what is not there is deleted")
	for name, err := range map[string]error{
		"advance":   w.Advance(ctx, dbcompat.DualWrite),
		"settle":    w.Settle(ctx),
		"wait":      w.Wait(ctx),
		"declare":   w.Declare(ctx, walk.Writer, "v0"),
		"hide":      w.Hide(ctx),
		"show":      w.Show(ctx),
		"drop":      w.Drop(ctx),
		"roll back": w.Rollback(ctx, dbcompat.Old),
	} {
		require.ErrorIs(t, err, walk.ErrNoChange, name)
	}
	execute(t, pool, users)
	require.NoError(t, w.Create(ctx, displayName, walk.Options{}))
	require.ErrorContains(t, w.Declare(ctx, "job", "v0"), `job "v0": give Writer or Reader, and an application_name or a role`)
	require.ErrorContains(t, w.Declare(ctx, walk.Writer, ""), "give Writer or Reader")
	for range 2 {
		require.NoError(t, w.Declare(ctx, walk.Writer, "v0"))
	}
	for range 2 {
		require.NoError(t, w.Withdraw(ctx, walk.Writer, "v0"))
	}
	require.NoError(t, w.Show(ctx), "what is not hidden is shown")
	require.Equal(t, []string{"created old", "declared", "withdrawn"}, events(t, w))
	some, err := w.Events(ctx, -1)
	require.NoError(t, err)
	require.Empty(t, some)
}

func TestTheFilesForAnotherTool(t *testing.T) {
	pool := open(t, pg.Database(t))
	dir := t.TempDir()
	w := walk.New(pool, usersName, walk.Config{Schema: "elsewhere", Logger: patient.Logger})
	require.NoError(t, w.Export(dir))
	text, err := os.ReadFile(filepath.Join(dir, "0001_changes.sql"))
	require.NoError(t, err)
	execute(t, pool, string(text))
	require.NoError(t, w.Migrate(t.Context()))
	execute(t, pool, users)
	require.NoError(t, w.Create(t.Context(), displayName, walk.Options{Fence: true}))
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	require.NoError(t, w.Settle(t.Context()))
	fill(t, w)
	require.NoError(t, w.Advance(t.Context(), dbcompat.ReadNew))
	require.Equal(t, []string{"(elsewhere)"}, query(t, pool, "SELECT nspname FROM pg_namespace WHERE nspname IN ('handover', 'elsewhere')"))
}
