package pgflags_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/pgflags"
)

// What psql may do, and what it is told.
func TestRowsThatAreRefused(t *testing.T) {
	pool := fresh(t)
	definition := func(json string) string {
		return "INSERT INTO handover.flags (key, definition) VALUES ('a', '" + json + "')"
	}
	simple := func(values string) string {
		return "INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES ('a', " + values + ")"
	}
	const set = "INSERT INTO handover.flag_sets (set, metadata, evaluators) VALUES "
	tests := map[string]struct{ sql, want string }{
		"neither form":                  {simple("NULL, NULL"), "either_definition_or_enabled"},
		"both forms":                    {"INSERT INTO handover.flags (key, definition, enabled) VALUES ('a', '" + on + "', true)", "either_definition_or_enabled"},
		"a percentage alone":            {simple("NULL, 10"), "either_definition_or_enabled"},
		"a percentage of a definition":  {"INSERT INTO handover.flags (key, definition, rollout_percentage) VALUES ('a', '" + on + "', 1)", "rollout_percentage_goes_with_enabled"},
		"more than all":                 {simple("true, 100.001"), "rollout_percentage_is_0_to_100_with_3_decimals"},
		"less than nobody":              {simple("true, -1"), "rollout_percentage_is_0_to_100_with_3_decimals"},
		"finer than the buckets":        {simple("true, 0.0001"), "rollout_percentage_is_0_to_100_with_3_decimals"},
		"no number":                     {simple("true, 'NaN'"), "rollout_percentage_is_0_to_100_with_3_decimals"},
		"no end":                        {simple("true, 'Infinity'"), "rollout_percentage_is_0_to_100_with_3_decimals"},
		"no JSON":                       {definition("{"), "invalid input syntax for type json"},
		"no object":                     {definition("[]"), "definition_"},
		"null":                          {definition("null"), "definition_"},
		"no state":                      {definition(`{"variants": {"on": true}}`), "definition_has_a_state"},
		"a state of its own":            {definition(`{"state": "enabled", "variants": {"on": true}}`), "definition_has_a_state"},
		"no variants":                   {definition(`{"state": "ENABLED"}`), "definition_has_variants"},
		"not one variant":               {definition(`{"state": "ENABLED", "variants": {}}`), "definition_has_variants"},
		"a list of variants":            {definition(`{"state": "ENABLED", "variants": ["on"], "defaultVariant": "on"}`), "definition_has_variants"},
		"a default that is no variant":  {definition(`{"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "onn"}`), "default_variant_is_a_variant"},
		"a default that is true":        {definition(`{"state": "ENABLED", "variants": {"on": true}, "defaultVariant": true}`), "default_variant_is_a_variant"},
		"an empty key":                  {"INSERT INTO handover.flags (key, enabled) VALUES ('', true)", "flags_key_check"},
		"a set with too long a name":    {"INSERT INTO handover.flags (set, key, enabled) VALUES (repeat('s', 201), 'a', true)", "flag_sets_set_check"},
		"metadata that is a list":       {set + "('s', '[]', '{}')", "metadata_is_an_object_of_scalars"},
		"metadata with an object in it": {set + `('s', '{"a": {}}', '{}')`, "metadata_is_an_object_of_scalars"},
		"metadata with a list in it":    {set + `('s', '{"a": ["x"]}', '{}')`, "metadata_is_an_object_of_scalars"},
		"metadata with null in it":      {set + `('s', '{"a": null}', '{}')`, "metadata_is_an_object_of_scalars"},
		"evaluators that are none":      {set + `('s', '{}', '1')`, "evaluators_is_an_object"},
		"revision nought":               {"INSERT INTO handover.flag_sets (set, revision) VALUES ('s', 0)", "flag_sets_revision_check"},
		"a revision that goes back":     {"UPDATE handover.flag_sets SET revision = revision - 1", "its revision never goes back"},
		"another name for a set":        {"UPDATE handover.flag_sets SET set = 'x'", "a set keeps its name"},
		"a set that begins anew":        {"DELETE FROM handover.flag_sets", "a set keeps its row"},
		"another key for a flag":        {"UPDATE handover.flags SET key = 'x'", "a flag keeps its set and its key"},
		"another set for a flag":        {"UPDATE handover.flags SET set = 'x'", "a flag keeps its set and its key"},
		"TRUNCATE":                      {"TRUNCATE handover.flags", "flags are not truncated"},
		"TRUNCATE of sets":              {"TRUNCATE handover.flag_sets", "a set keeps its row"},
		"TRUNCATE of the audit":         {"TRUNCATE handover.flag_audit", "the audit is not truncated"},
		"an audit that changes":         {"UPDATE handover.flag_audit SET who = 'nobody'", "the audit does not change"},
	}
	execute(t, pool, "INSERT INTO handover.flags (key, definition) VALUES ('there', '"+on+"'); UPDATE handover.flags SET killed = true")
	before := load(t, pgflags.New(pool, pgflags.Config{}))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := pool.Exec(t.Context(), test.sql)
			var refusal *pgconn.PgError
			require.ErrorAs(t, err, &refusal)
			require.Contains(t, refusal.Message, test.want)
			require.Equal(t, before, load(t, pgflags.New(pool, pgflags.Config{})))
		})
	}
	execute(t, pool, `INSERT INTO handover.flags (key, definition) VALUES
		('b', '{"state": "DISABLED", "variants": {"1": 1}, "defaultVariant": null}'),
		('c', '{"state": "ENABLED", "variants": {"1": 1}, "metadata": {}, "targeting": {}}')`)
	execute(t, pool, "INSERT INTO handover.flags (key, enabled, rollout_percentage) VALUES ('d', true, 33.333), ('e', false, 0), ('f', true, 100.000)")
}

// The revision is that of transactions, however they go about it.
func TestTheRevision(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, "INSERT INTO handover.flags (key, enabled) VALUES ('a', true)")
	steps := []struct{ sql, want string }{
		{"INSERT INTO handover.flags (key, enabled) VALUES ('b', true), ('c', true)", "[default 2]"},
		{"BEGIN; UPDATE handover.flags SET killed = true; UPDATE handover.flags SET killed = false; " +
			"DELETE FROM handover.flags WHERE key = 'b'; COMMIT", "[default 3]"},
		{"UPDATE handover.flags SET killed = killed", "[default 3]"},
		{"UPDATE handover.flags SET killed = true WHERE key = 'none'", "[default 3]"},
		{"BEGIN; UPDATE handover.flags SET killed = true; ROLLBACK", "[default 3]"},
		{"BEGIN; SAVEPOINT s; UPDATE handover.flags SET killed = true; ROLLBACK TO s; COMMIT", "[default 3]"},
		{"BEGIN; SAVEPOINT s; UPDATE handover.flags SET killed = true; ROLLBACK TO s; UPDATE handover.flags SET owner = 'me'; COMMIT", "[default 4]"},
		{"BEGIN; UPDATE handover.flags SET owner = 'you'; SAVEPOINT s; UPDATE handover.flags SET killed = true; RELEASE s; COMMIT", "[default 5]"},
		{"INSERT INTO handover.flags (set, key, enabled) SELECT s, 'a', true FROM unnest('{x,default,y}'::text[]) s ON CONFLICT (set, key) DO UPDATE SET killed = false", "[default 6 x 1 y 1]"},
		{"WITH more AS (INSERT INTO handover.flags (set, key, enabled) VALUES ('x', 'z', true) RETURNING key) SELECT * FROM more", "[default 6 x 2 y 1]"},
		{"DELETE FROM handover.flags WHERE set IN ('x', 'y')", "[default 6 x 3 y 2]"},
		{"UPDATE handover.flag_sets SET metadata = '{\"a\": 1}' WHERE set = 'x'", "[default 6 x 4 y 2]"},
		{"BEGIN; UPDATE handover.flag_sets SET revision = revision + 1000; UPDATE handover.flags SET owner = ''; COMMIT", "[default 1006 x 1004 y 1002]"},
	}
	for _, step := range steps {
		execute(t, pool, step.sql)
		got := query(t, pool, "SELECT set, revision FROM handover.flag_sets ORDER BY set")
		require.Equal(t, step.want, fmt.Sprint(got), step.sql)
	}
}

func TestTheAudit(t *testing.T) {
	pool := fresh(t)
	execute(t, pool, "SET application_name = 'psql'; INSERT INTO handover.flags (key, enabled) VALUES ('a', true), ('b', true); RESET application_name")
	execute(t, pool, "BEGIN; SET LOCAL handover.who = 'ada'; SET LOCAL handover.why = 'incident 42'; "+
		"UPDATE handover.flags SET killed = true WHERE key = 'a'; UPDATE handover.flags SET killed = killed; COMMIT")
	execute(t, pool, "DELETE FROM handover.flags WHERE key = 'b'")
	execute(t, pool, "BEGIN; UPDATE handover.flags SET killed = false; ROLLBACK")
	execute(t, pool, `UPDATE handover.flag_sets SET metadata = '{"bucketing": "md5-100"}', revision = 5`)
	require.Equal(t, []string{
		"1 a insert me psql me <nil> <nil> true false",
		"1 b insert me psql me <nil> <nil> true false",
		"2 a update ada incident 42 me true false true true",
		"3 b delete me  me true false <nil> <nil>",
		"5 <nil> update me  me <nil> <nil> <nil> <nil>",
	}, query(t, pool, `SELECT revision, key, action, replace(who, session_user, 'me'), why, replace(role, session_user, 'me'),
		old ->> 'enabled', old ->> 'killed', new ->> 'enabled', new ->> 'killed' FROM handover.flag_audit ORDER BY id`))

	entries, err := pgflags.New(pool, pgflags.Config{}).Audit(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, entries, 5)
	require.Empty(t, entries[0].Key)
	require.Contains(t, string(entries[0].New), `"md5-100"`)
	require.Empty(t, entries[4].Old)
	require.False(t, entries[4].At.IsZero())
}

// Two that change the same rows in another order, and a great many that change the same.
func TestWritersWaitForOneAnother(t *testing.T) {
	pool := open(t, pg.Database(t), 20)
	store := pgflags.New(pool, pgflags.Config{})
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Put(t.Context(), by, "flag-0", []byte(on)))
	const writers, each = 20, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				_, err := pool.Exec(t.Context(), fmt.Sprintf(`BEGIN; SET LOCAL handover.who = 'writer-%d';
					INSERT INTO handover.flags (key, enabled) VALUES ('flag-%d', true) ON CONFLICT (set, key) DO UPDATE SET owner = '%d-%d';
					UPDATE handover.flags SET owner = 'all-%d-%d' WHERE key IN ('flag-0', 'flag-%d'); COMMIT`, w, (w+i)%5, w, i, w, i, (w+3*i)%5))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1+writers*each), load(t, store).Revision)
	require.Equal(t, []string{fmt.Sprint(writers*each, 1, 1+writers*each, true)}, query(t, pool, `
		SELECT count(DISTINCT revision) - 1, min(revision), max(revision), bool_and(in_order AND one_writer) FROM (
			SELECT revision, revision >= lag(revision, 1, 0::bigint) OVER (ORDER BY id) AS in_order,
				min(who) OVER (PARTITION BY revision) = max(who) OVER (PARTITION BY revision) AS one_writer
			FROM handover.flag_audit) a`))
	// Each row's history is whole: what a change begins with is what the one before has left.
	require.Equal(t, []string{"true true"}, query(t, pool, `
		SELECT bool_and(old IS NOT DISTINCT FROM before), bool_and(id < last OR new = (SELECT to_jsonb(f) FROM handover.flags f WHERE f.set = h.set AND f.key = h.key)) FROM (
			SELECT *, lag(new) OVER flag AS before, max(id) OVER (PARTITION BY set, key) AS last
			FROM handover.flag_audit WINDOW flag AS (PARTITION BY set, key ORDER BY id)) h`))
}
