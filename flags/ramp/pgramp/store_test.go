package pgramp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
)

var _ ramp.Store = (*pgramp.Store)(nil)

const hour = time.Hour

func TestWhatOneTellsTheOthers(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	first := attend(t, s, "a", hour)
	second := attend(t, s, "b", hour)
	require.Equal(t, "a", first.Leader)
	require.Equal(t, "a", second.Leader, "the first leads")
	require.Equal(t, first.Since, second.Since)
	require.Equal(t, first.Since, attend(t, s, "a", hour).Since, "and goes on to")
	require.Len(t, second.Instances, 2)
	require.Equal(t, member("a").Flags, second.Instances[0].Flags)
	f := second.Flags[0]
	require.Equal(t, []any{key, int64(1), true, false, 0.0}, []any{f.Key, f.Revision, f.Enabled, f.Killed, *f.Percentage})
	require.Nil(t, f.Ramp)

	require.NoError(t, s.Leave(t.Context(), "a"))
	require.NoError(t, s.Leave(t.Context(), "a"), "twice is legal")
	third := attend(t, s, "b", hour)
	require.Equal(t, "b", third.Leader)
	require.Len(t, third.Instances, 1)
	require.True(t, third.Since.After(first.Since))
}

// What was told and not answered is told again, and counts once. Only who leads hears it.
func TestSamplesAreThereOnceAndInTheirOrder(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	tell := func(id string, after int64, numbers ...int64) (heard []string) {
		c := ramp.Call{Me: member(id), TTL: hour, After: after}
		for _, n := range numbers {
			second := guard.Second{At: n, Counts: map[string]guard.Count{"errors": {New: guard.Arm{Requests: 9}}}}
			c.Samples = append(c.Samples, ramp.Sample{Number: n, Key: key, Sample: guard.Sample{Seconds: []guard.Second{second}}})
		}
		fleet, err := s.Attend(t.Context(), c)
		require.NoError(t, err)
		for _, sample := range fleet.Samples {
			require.EqualValues(t, 9, sample.Sample.Seconds[0].Counts["errors"].New.Requests)
			heard = append(heard, fmt.Sprint(sample.Key, " ", sample.Sample.Seconds[0].At))
		}
		return heard
	}
	require.Equal(t, []string{key + " 1"}, tell("a", 0, 1))
	require.Empty(t, tell("b", 0, 11))
	require.Empty(t, tell("b", 0, 11, 12))
	require.Equal(t, []string{key + " 11", key + " 12"}, tell("a", 1))
	execute(t, pool, "UPDATE handover.ramp_samples SET at = now() - interval '61 minutes'")
	require.Empty(t, tell("a", 0))
}

func TestALeaseEnds(t *testing.T) {
	s := pgramp.New(fresh(t, pg.Database(t)), pgramp.Config{})
	first := attend(t, s, "a", time.Microsecond)
	require.Equal(t, "a", first.Leader)
	second := attend(t, s, "b", hour)
	require.Equal(t, "b", second.Leader)
	require.Len(t, second.Instances, 1)
	require.Equal(t, "b", attend(t, s, "a", hour).Leader)
}

// One who has let the lead pass does not know who else has let a lease pass.
func TestALeadThatHasEndedBeginsAnew(t *testing.T) {
	s := pgramp.New(fresh(t, pg.Database(t)), pgramp.Config{})
	first := attend(t, s, "a", time.Microsecond)
	second := attend(t, s, "a", hour)
	require.True(t, second.Since.After(first.Since))
}

// begun is a fleet of a and b, led by a, with a ramp that is at 0 %.
func begun(t *testing.T, s *pgramp.Store) ramp.Fleet {
	t.Helper()
	attend(t, s, "a", hour)
	fleet := attend(t, s, "b", hour)
	require.NoError(t, s.Move(t.Context(), ramp.Move{Key: key, By: "a", Why: "begins", Was: fleet.Flags[0], State: ramp.Running}))
	return attend(t, s, "a", hour)
}

func step(fleet ramp.Fleet) ramp.Move {
	return ramp.Move{
		Key: key, By: "a", Why: "step 1", Was: fleet.Flags[0], State: ramp.Running, Share: 5, Widen: true,
		Seen: []string{"a", "b"}, Evidence: json.RawMessage(`{"a": "proof"}`),
	}
}

func TestAStepIsWrittenWithItsEvidence(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	require.NoError(t, s.Move(t.Context(), step(begun(t, s))))
	require.Equal(t, "5", one(t, pool, share))
	require.Equal(t, []string{"ramp of a running 0 begins", "ramp of a running 5 step 1"}, query(t, pool, audit))
	require.Equal(t, "ramp of a step 1", one(t, pool, "SELECT who, why FROM handover.flag_audit WHERE revision = 2"))
	require.Equal(t, "proof", one(t, pool, "SELECT new -> 'evidence' ->> 'a' FROM handover.ramp_audit WHERE new ->> 'share' = '5'"))
	fleet := attend(t, s, "a", hour)
	require.EqualValues(t, 2, fleet.Flags[0].Ramp.Revision, "that the step has made")
	require.WithinDuration(t, fleet.Now, fleet.Flags[0].Ramp.Since, time.Minute)
	require.Equal(t, []ramp.State{ramp.Running, ramp.Running}, []ramp.State{fleet.Flags[0].History[0].State, fleet.Flags[0].History[1].State})
	require.Equal(t, "step 1", fleet.Flags[0].History[0].Why)
}

func TestAStepOfADefinition(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	execute(t, pool, `UPDATE handover.flags SET enabled = NULL, rollout_percentage = NULL, definition = '{"state": "ENABLED",
		"variants": {"on": true, "off": false}, "defaultVariant": "off", "x-ramp": {"steps": [5]}}'`)
	m := step(begun(t, s))
	m.Definition = json.RawMessage(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"x-ramp": {"steps": [5]}, "targeting": {"fractional": [["on", 5], ["off", 95]]}}`)
	require.NoError(t, s.Move(t.Context(), m))
	require.ErrorIs(t, s.Move(t.Context(), m), ramp.ErrMoved)
	require.Equal(t, `{"fractional": [["on", 5], ["off", 95]]}`, one(t, pool, "SELECT (definition -> 'targeting')::text FROM handover.flags"))
	fleet, err := s.Attend(t.Context(), ramp.Call{Me: member("a"), TTL: hour})
	require.NoError(t, err)
	require.Len(t, fleet.Flags, 1, "without being asked for, as it has an x-ramp")
}

func TestAStepIsRefusedIfAnythingIsOtherThanItWasSeen(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	for name, c := range map[string]struct {
		meanwhile string
		change    func(*ramp.Move)
		why       string
	}{
		"another leads":            {meanwhile: "UPDATE handover.ramp_leaders SET id = 'b'", why: "another instance leads, or this one has only begun to"},
		"the lead has ended":       {meanwhile: "UPDATE handover.ramp_leaders SET expires_at = now()", why: "another instance leads, or this one has only begun to"},
		"it has only begun":        {change: func(m *ramp.Move) { m.TTL = hour }, why: "another instance leads, or this one has only begun to"},
		"somebody has joined":      {meanwhile: "INSERT INTO handover.ramp_instances SELECT set, 'c', version, stale, flags, guards, joined_at, expires_at FROM handover.ramp_instances WHERE id = 'a'", why: "an instance has joined"},
		"it bakes":                 {change: func(m *ramp.Move) { m.Bake = hour }, why: "the ramp has been moved"},
		"it is paused":             {meanwhile: "UPDATE handover.ramps SET state = 'paused'", why: "the ramp has been moved"},
		"it was paused meanwhile":  {meanwhile: "UPDATE handover.ramps SET state = 'paused'; UPDATE handover.ramps SET state = 'running'", why: "the ramp has been moved"},
		"the ramp is gone":         {meanwhile: "DELETE FROM handover.ramps", why: "the ramp has been moved"},
		"it is killed":             {meanwhile: "UPDATE handover.flags SET killed = true", why: "the flag has been changed"},
		"it is disabled":           {meanwhile: "UPDATE handover.flags SET enabled = false", why: "the flag has been changed"},
		"somebody has moved it":    {meanwhile: "UPDATE handover.flags SET rollout_percentage = 1", why: "the flag has been changed"},
		"it has got a definition":  {meanwhile: `UPDATE handover.flags SET enabled = NULL, rollout_percentage = NULL, definition = '{"state": "ENABLED", "variants": {"on": true}}'`, why: "the flag has been changed"},
		"the flag is gone":         {meanwhile: "DELETE FROM handover.flags", why: "the flag has been changed"},
		"nothing: it is not":       {},
		"somebody has left: no":    {meanwhile: "DELETE FROM handover.ramp_instances WHERE id = 'b'"},
		"another flag changes: no": {meanwhile: "INSERT INTO handover.flags (key, enabled) VALUES ('other', true)"},
	} {
		t.Run(name, func(t *testing.T) {
			reset(t, pool)
			m := step(begun(t, s))
			if c.change != nil {
				c.change(&m)
			}
			if c.meanwhile != "" {
				execute(t, pool, c.meanwhile)
			}
			before := query(t, pool, "SELECT count(*) FROM handover.flag_audit UNION ALL SELECT count(*) FROM handover.ramp_audit")
			err := s.Move(t.Context(), m)
			if c.why == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ramp.ErrMoved)
			require.EqualError(t, err, "pgramp: move new-checkout: it is no longer as it was: "+c.why)
			require.Equal(t, before, query(t, pool, "SELECT count(*) FROM handover.flag_audit UNION ALL SELECT count(*) FROM handover.ramp_audit"))
		})
	}
}

func TestAnybodyTripsAtAnyTime(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	for name, before := range map[string]string{
		"a ramp that runs":       "",
		"one that is paused":     "UPDATE handover.ramps SET state = 'paused'",
		"one that is killed":     "UPDATE handover.flags SET killed = true",
		"one that has not begun": "DELETE FROM handover.ramps",
		"without a leader":       "DELETE FROM handover.ramp_leaders",
	} {
		t.Run(name, func(t *testing.T) {
			reset(t, pool)
			begun(t, s)
			if before != "" {
				execute(t, pool, before)
			}
			trip := ramp.Move{Key: key, By: "b", Why: "errors", Trip: true, Evidence: json.RawMessage(`{"b": 9}`)}
			for range 2 {
				require.NoError(t, s.Move(t.Context(), trip))
			}
			require.Equal(t, "true", one(t, pool, "SELECT killed FROM handover.flags"))
			if name != "one that has not begun" {
				require.Equal(t, `stopped errors {"b": 9}`, one(t, pool, "SELECT state, why, evidence::text FROM handover.ramps"))
			}
		})
	}
}

func TestPeopleNeedNothingButSQL(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	begun(t, s)
	execute(t, pool, "BEGIN; SET LOCAL handover.who = 'bob'; SET LOCAL handover.why = 'lunch'; UPDATE handover.ramps SET state = 'paused'; COMMIT")
	require.NoError(t, s.Resume(t.Context(), by, key))
	require.Equal(t, "<nil>", one(t, pool, "SELECT share FROM handover.ramps"), "it goes on from wherever the flag is")
	require.NoError(t, s.Pause(t.Context(), pgflags.Change{Who: "bob"}, key))
	require.NoError(t, s.Abort(t.Context(), by, key))
	require.Equal(t, "true", one(t, pool, "SELECT killed FROM handover.flags"))
	require.EqualError(t, s.Resume(t.Context(), by, key), "pgramp: resume new-checkout: "+
		"ERROR: the flag is killed (SQLSTATE 23001); Take the kill back first, with the share that it shall begin with.")
	require.Equal(t, []string{
		"ramp of a running 0 begins", "bob paused 0 lunch", "ada running <nil> a test", "bob paused <nil> by a person", "ada stopped <nil> a test",
	}, query(t, pool, audit))
	for _, do := range []func(context.Context, pgflags.Change, string) error{s.Pause, s.Resume, s.Abort} {
		require.ErrorIs(t, do(t.Context(), by, "other"), pgramp.ErrNoRamp)
	}
	_, err := pool.Exec(t.Context(), "UPDATE handover.ramp_audit SET who = 'nobody'")
	require.ErrorContains(t, err, "the audit does not change")
	_, err = pool.Exec(t.Context(), "UPDATE handover.ramps SET key = 'other'")
	require.ErrorContains(t, err, "a ramp keeps its set and its key")
	_, err = pool.Exec(t.Context(), "TRUNCATE handover.ramps")
	require.ErrorContains(t, err, "ramps are not truncated")
}

func TestMigrate(t *testing.T) {
	pool := open(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	require.ErrorContains(t, s.Migrate(t.Context()), "the tables of pgflags are not there")
	_, err := s.Attend(t.Context(), ramp.Call{Me: member("a"), TTL: hour})
	require.ErrorIs(t, err, pgramp.ErrNotMigrated)
	require.NoError(t, pgflags.New(pool, pgflags.Config{Schema: "Odd-one"}).Migrate(t.Context()))
	odd := pgramp.New(pool, pgramp.Config{Schema: "Odd-one", Set: "it's"})
	for range 2 {
		require.NoError(t, odd.Migrate(t.Context()))
	}
	attend(t, odd, "a", hour)
	dir := t.TempDir()
	for range 2 {
		require.NoError(t, odd.Export(dir))
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	require.NoError(t, err)
	require.Len(t, names, 2)
	text, err := os.ReadFile(names[0])
	require.NoError(t, err)
	require.Contains(t, string(text), `CREATE TABLE "Odd-one".ramps`)
}

func TestARoleThatIsAMemberAndNoMore(t *testing.T) {
	pool := fresh(t, pg.Database(t))
	s := pgramp.New(pool, pgramp.Config{})
	execute(t, pool, "CREATE ROLE ramp_app LOGIN; CREATE ROLE ramp_ops LOGIN")
	t.Cleanup(func() {
		_, _ = pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY ramp_app, ramp_ops; DROP ROLE ramp_app, ramp_ops")
	})
	as := func(role string) *pgramp.Store {
		config := pool.Config()
		config.ConnConfig.User = role
		return pgramp.New(open(t, pool.Config().ConnString()+"&user="+role), pgramp.Config{})
	}
	app, ops := as("ramp_app"), as("ramp_ops")
	_, err := app.Attend(t.Context(), ramp.Call{Me: member("a"), TTL: hour})
	require.ErrorContains(t, err, "permission denied")
	require.NoError(t, s.GrantMember(t.Context(), "ramp_app"))
	require.NoError(t, s.GrantWrite(t.Context(), "ramp_ops"))
	fleet := begun(t, app)
	require.NoError(t, app.Move(t.Context(), step(fleet)))
	require.NoError(t, app.Move(t.Context(), ramp.Move{Key: key, By: "a", Trip: true}))
	require.ErrorContains(t, app.Pause(t.Context(), by, key), "permission denied")
	require.NoError(t, app.Leave(t.Context(), "a"))
	require.NoError(t, ops.Pause(t.Context(), by, key))
	require.ErrorContains(t, ops.Leave(t.Context(), "b"), "permission denied")
}

func TestWhatIsWrongIsSaidByEachCall(t *testing.T) {
	s := pgramp.New(nil, pgramp.Config{Schema: "a b", Set: "\x00"})
	_, attend := s.Attend(t.Context(), ramp.Call{Me: member("a"), TTL: hour})
	for _, err := range []error{
		attend, s.Move(t.Context(), ramp.Move{}), s.Leave(t.Context(), "a"), s.Migrate(t.Context()), s.GrantMember(t.Context(), "a"),
		s.Pause(t.Context(), by, key),
	} {
		require.ErrorContains(t, err, "the pool is nil")
		require.ErrorContains(t, err, "Config.Schema")
		require.ErrorContains(t, err, "Config.Set")
	}
	require.ErrorContains(t, s.Export(t.TempDir()), "Config.Schema")
}
