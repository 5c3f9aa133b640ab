package lint_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/lint"
)

// diary is what was found, as "line:column rule".
func diary(t *testing.T, src string, c lint.Config) []string {
	t.Helper()
	findings, err := lint.SQL(src, c)
	require.NoError(t, err)
	lines := []string{}
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Rule))
	}
	return lines
}

func TestFiles(t *testing.T) {
	quiet := []string{"require-lock-timeout"}
	tests := map[string]struct {
		src  string
		with lint.Config
		want []string
	}{
		"nothing": {src: "", want: []string{}},
		"only comments and semicolons": {
			src: "-- x; y\n/* ; /* nested ' */ ; */ ;; \n", want: []string{},
		},
		"the Down part of goose is not looked at": {
			src:  "-- +goose Up\nALTER TABLE t DROP c;\n-- +goose Down\nALTER TABLE t DROP d;\n",
			want: []string{"2:1 drop-column"},
		},
		"goose: Up again after Down": {
			src:  "-- +goose Down\nDROP TABLE t;\n--+goose up\nDROP TABLE u;\n",
			want: []string{"4:1 drop-table"},
		},
		"goose: a file is one transaction, even of one statement": {
			src:  "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n",
			want: []string{"2:1 concurrently-in-transaction"},
		},
		"goose: unless it says otherwise": {
			src:  "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\nSELECT 1;\n",
			want: []string{},
		},
		"a goose annotation without Up and Down hides nothing": {
			src: "-- +goose NO TRANSACTION\nDROP TABLE t;\n", want: []string{"2:1 drop-table"},
		},
		"goose: a statement with semicolons": {
			src: "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $x$\nBEGIN\n  RETURN 1;\nEND $x$;\n" +
				"-- +goose StatementEnd\nDROP TABLE t;\n",
			want: []string{"8:1 drop-table"},
		},
		"golang-migrate: a down file is not looked at": {
			src: "DROP TABLE t; nonsense", with: lint.Config{Name: "db/1_x.down.sql"}, want: []string{},
		},
		"golang-migrate: an up file is": {
			src: "DROP TABLE t;", with: lint.Config{Name: "db/1_x.up.sql"}, want: []string{"1:1 drop-table"},
		},
		"one statement that is not known does not hide its neighbours": {
			src:  "DROP TABLE a;\nALTER TABLE t ADD CONSTRAINT x NOT NULL c NOT VALID;\n  DROP TABLE b;",
			with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"1:1 drop-table", "2:1 not-parsed", "3:3 drop-table"},
		},
		"a semicolon in a string does not part a statement": {
			src:  "nonsense 'a;b' $q$ ; $q$ \"x;y\" E'\\';' /* ; */ (;) x;\nDROP TABLE b",
			with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"1:1 not-parsed", "2:1 drop-table"},
		},
		"a string that is not closed": {
			src: "DROP TABLE a; SELECT 'x", with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"1:1 drop-table", "1:15 not-parsed"},
		},
		"a column is a character": {
			src: "SELECT 'äöü'; DROP TABLE t", with: lint.Config{Transaction: lint.PerStatement}, want: []string{"1:15 drop-table"},
		},
		"a finding points into its statement": {
			src:  "ALTER TABLE t\n  ADD a int,\n  ADD b int NOT NULL",
			want: []string{"3:7 add-column-not-null-no-default"},
		},
		"an allow above its statement, and another comment between": {
			src:  "-- handover:allow drop-table empty since March\n-- and more\nDROP TABLE t;\nDROP TABLE u;",
			with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"4:1 drop-table"},
		},
		"an allow on the line": {
			src:  "DROP TABLE t; -- handover:allow drop-table empty\nDROP TABLE u;",
			with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"2:1 drop-table"},
		},
		"an allow inside the statement": {
			src:  "DROP TABLE\n  -- handover:allow drop-table empty\n  t",
			want: []string{},
		},
		"an allow takes one rule": {
			src:  "-- handover:allow drop-column unused\nALTER TABLE t DROP c, ALTER d SET NOT NULL",
			want: []string{"2:1 set-not-null"},
		},
		"an allow in a string is none": {
			src:  "SELECT '\n-- handover:allow drop-table x\n'; DROP TABLE t",
			with: lint.Config{Transaction: lint.PerStatement},
			want: []string{"3:4 drop-table"},
		},
		"an allow without a reason allows nothing": {
			src:  "-- handover:allow drop-table\nDROP TABLE t",
			want: []string{"1:1 allow-without-reason", "2:1 drop-table"},
		},
		"an allow twice is once too many in effect, not in number": {
			src:  "-- handover:allow drop-table a\n-- handover:allow drop-table b\nDROP TABLE t",
			want: []string{},
		},
		"an allow in the Down part is not looked at": {
			src:  "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- handover:allow nonsense\nDROP TABLE t;",
			want: []string{},
		},
		"an allow of what is not parsed": {
			src:  "-- handover:allow not-parsed 18 knows it, and it does not read the table\nALTER TABLE t ADD CONSTRAINT x NOT NULL c NOT VALID;",
			want: []string{},
		},
		"an allow of an allow": {
			src:  "-- handover:allow allow-unused why not\nSELECT 1",
			want: []string{"1:1 allow-unused"},
		},
		"an allow at the end, of nothing": {
			src: "SELECT 1;\n-- handover:allow drop-table x", want: []string{"2:1 allow-unused"},
		},
		"a rule that is skipped, and its allow": {
			src:  "-- handover:allow drop-table x\nDROP TABLE t",
			with: lint.Config{Skip: []string{"drop-table"}},
			want: []string{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.with.Skip = append(tt.with.Skip, quiet...)
			require.Equal(t, tt.want, diary(t, tt.src, tt.with))
		})
	}
}

func TestWrongConfigIsRefusedWithAllMistakesAtOnce(t *testing.T) {
	findings, err := lint.SQL("DROP TABLE t", lint.Config{Server: 15, Transaction: 7, Skip: []string{"drop-tabel"}})
	require.Nil(t, findings)
	require.EqualError(t, err, "lint: config: server 15: give server_version_num, such as 150000\n"+
		"transaction 7: give Auto, PerFile or PerStatement\nskip \"drop-tabel\": there is no such rule")
}

func TestPlans(t *testing.T) {
	tests := map[string]struct{ sql, rule, want string }{
		"an index": {
			"CREATE UNIQUE INDEX i ON t (a)", "index-not-concurrent",
			"CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);",
		},
		"an index with comments": {
			"CREATE /* INDEX */ INDEX \"INDEX\" ON t (a) -- INDEX", "index-not-concurrent",
			"CREATE /* INDEX */ INDEX CONCURRENTLY \"INDEX\" ON t (a) -- INDEX\n;",
		},
		"a CHECK with a comment": {
			"ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) -- why", "add-check-validated",
			"ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0) -- why\n NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT x;",
		},
		"names that have to be quoted": {
			`ALTER TABLE "user" ADD CONSTRAINT x UNIQUE ("Select", "order")`, "add-unique-constraint",
			"CREATE UNIQUE INDEX CONCURRENTLY x ON \"user\" (\"Select\", \"order\");\nALTER TABLE \"user\" ADD CONSTRAINT x UNIQUE USING INDEX x;",
		},
		"a type with its length": {
			"ALTER TABLE t ALTER c TYPE numeric(10, 2)[]", "change-type",
			"ALTER TABLE t ADD COLUMN c_v2 numeric(10, 2)[];\n-- write both, back-fill, verify, read the new one, then drop the old one",
		},
		"SET NOT NULL": {
			`ALTER TABLE "T" ALTER c SET NOT NULL`, "set-not-null",
			"ALTER TABLE \"T\" ADD CONSTRAINT c_not_null CHECK (c IS NOT NULL) NOT VALID;\nALTER TABLE \"T\" VALIDATE CONSTRAINT c_not_null;\n" +
				"ALTER TABLE \"T\" ALTER COLUMN c SET NOT NULL;\nALTER TABLE \"T\" DROP CONSTRAINT c_not_null;",
		},
		"a foreign key": {
			"ALTER TABLE t ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES o (id)", "add-fk-validated",
			"ALTER TABLE t ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES o (id) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT x;",
		},
		"a unique constraint": {
			"ALTER TABLE s.t ADD UNIQUE (a, b)", "add-unique-constraint",
			"CREATE UNIQUE INDEX CONCURRENTLY t_a_b_key ON s.t (a, b);\nALTER TABLE s.t ADD CONSTRAINT t_a_b_key UNIQUE USING INDEX t_a_b_key;",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			findings, err := lint.SQL(tt.sql, lint.Config{})
			require.NoError(t, err)
			plan := ""
			for _, f := range findings {
				if f.Rule == tt.rule {
					plan = f.Plan
				}
			}
			require.Equal(t, tt.want, plan)
			after, err := lint.SQL(plan, lint.Config{Transaction: lint.PerStatement, Skip: []string{"require-lock-timeout"}})
			require.NoError(t, err)
			require.Empty(t, after, "what the plan says is safe")
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			findings, err := lint.SQL("DROP TABLE t", lint.Config{})
			if err != nil || len(findings) != 2 {
				t.Errorf("%v, %v", findings, err)
			}
		})
	}
	wg.Wait()
}

func TestALongFileEndsSoon(t *testing.T) {
	src := "SET LOCAL lock_timeout = '1s';\n" + strings.Repeat("ALTER TABLE t ADD c int;\n", 2000) + "DROP TABLE u"
	require.Equal(t, []string{"2002:1 drop-table", "2002:1 many-ddl-in-one-tx"}, diary(t, src, lint.Config{}))
}

// Beyond some hundred levels the parser turns for ever instead of failing.
func TestWhatNestsDeeplyEndsSoon(t *testing.T) {
	for name, tt := range map[string][2]string{
		"brackets":   {"(", ")"},
		"not":        {"NOT ", ""},
		"arrays":     {"ARRAY[", "]"},
		"functions":  {"f(", ")"},
		"casts":      {"", "::int"},
		"sums":       {"1 + ", ""},
		"minus":      {"- ", ""},
		"cases":      {"CASE WHEN true THEN ", " END"},
		"queries":    {"(SELECT ", ")"},
		"is":         {"", " IS NULL"},
		"time zones": {"", " AT TIME ZONE 'x'"},
		"unions":     {"1 UNION SELECT ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{60, 3000} {
				src := "SELECT " + strings.Repeat(tt[0], n) + "1" + strings.Repeat(tt[1], n) + "; DROP TABLE t"
				got := diary(t, src, lint.Config{Transaction: lint.PerStatement, Skip: []string{"require-lock-timeout"}})
				require.Len(t, got, 1+n/3000)
				require.Contains(t, got[len(got)-1], "drop-table")
			}
		})
	}
}

// FuzzSQL wants no panic, and nothing passed over: what is left when all that was
// found is put aside has been parsed.
func FuzzSQL(f *testing.F) {
	for _, s := range spellings {
		f.Add(s.sql)
	}
	f.Add("-- +goose Up\nDROP TABLE t;\n-- +goose Down\n")
	// Instrumented, the parser takes longer to start than a fuzzed call may take.
	_, err := lint.SQL("SELECT 1", lint.Config{})
	require.NoError(f, err)
	f.Add("$a$ ; 'x \" /* -- handover:allow x")
	f.Fuzz(func(t *testing.T, src string) {
		findings, err := lint.SQL(src, lint.Config{Style: true})
		require.NoError(t, err)
		for _, finding := range findings {
			require.GreaterOrEqual(t, finding.Line, 1)
			require.GreaterOrEqual(t, finding.Column, 1)
			require.NotEmpty(t, finding.Remedy)
		}
	})
}

func BenchmarkSQL(b *testing.B) {
	src := "SET LOCAL lock_timeout = '2s';\nALTER TABLE users ADD COLUMN IF NOT EXISTS name_v2 text;\n" +
		"CREATE TABLE notes (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());\nCREATE INDEX ON notes (at);\n"
	_, err := lint.SQL("", lint.Config{}) // the start of the parser is not what is measured
	require.NoError(b, err)
	for b.Loop() {
		if _, err := lint.SQL(src, lint.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
